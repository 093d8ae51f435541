// Files, read whole.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::tests {

/// The bytes of a file; none if it cannot be read.
inline std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace maas::inline MAAS_ABI::tests
