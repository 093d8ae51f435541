// A small file as a text.
#pragma once

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI {

/// All bytes of a file. Throws FormatError for a folder, and where it cannot be read.
inline std::string read_file(const std::string& path) {
  std::error_code problem;
  require<FormatError>(!std::filesystem::is_directory(path, problem), "{}: expected a file, got a folder", path);
  std::ifstream file(path, std::ios::binary);
  require<FormatError>(file.is_open(), "{}: cannot be read: {}", path, std::generic_category().message(errno));
  std::string text(std::istreambuf_iterator<char>(file), {});
  require<FormatError>(!file.bad(), "{}: cannot be read", path);
  return text;
}

}  // namespace maas::inline MAAS_ABI
