// Whether two names are of one file, which nobody wants to be written over while it is read.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// By whatever links and detours; of files that are not there yet by their names. An empty name is of no file.
inline bool is_same_file(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  namespace files = std::filesystem;
  std::error_code problem;
  if (files::equivalent(a, b, problem)) return true;
  const auto whole = [](const std::string& path) {
    std::error_code none;
    return files::weakly_canonical(files::absolute(path, none), none);
  };
  const files::path first = whole(a);
  return !first.empty() && first == whole(b);
}

}  // namespace maas::inline MAAS_ABI::recipe
