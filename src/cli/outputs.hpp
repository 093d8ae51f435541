// Files that a command writes, beside those that it reads.
#pragma once

#include <string>
#include <vector>

#include "maas/core/error.hpp"
#include "recipe/same_file.hpp"

namespace maas::cli {

/// A slip of the hand is not to cost a model or its data: throws ConfigError where `output`, which `what` names, is one
/// of the files that are read. An empty name is none.
inline void require_own_file(const std::string& what, const std::string& output, const std::vector<std::string>& read) {
  if (output.empty()) return;
  for (const std::string& file : read)
    require<ConfigError>(file.empty() || !recipe::is_same_file(output, file),
                         "{}: expected a file of its own, got \"{}\", which is read", what, output);
}

}  // namespace maas::cli
