// Makes the folder of a file that a callback writes, as Keras does.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::detail {

/// Throws FormatError where the folder is not there and cannot be made.
inline void make_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (folder.empty() || std::filesystem::is_directory(folder, error)) return;
  std::filesystem::create_directories(folder, error);
  require<FormatError>(!error, "{}: cannot make the folder {}: {}", path, folder.string(), error.message());
}

}  // namespace maas::inline MAAS_ABI::detail
