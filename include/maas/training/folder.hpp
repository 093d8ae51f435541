// Makes the folder of a file that a callback writes, as Keras does.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::detail {

/// Throws FormatError where the folder is not there and cannot be made. Not through std::filesystem, which makes small
/// programs larger by a megabyte.
inline void make_folder_of(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    const bool is_there = ::mkdir(folder.c_str(), 0777) == 0 || errno == EEXIST;
    const int error = errno;
    require<FormatError>(is_there, "{}: cannot make the folder {}: {}", path, folder,
                         std::system_category().message(error));
  }
}

}  // namespace maas::inline MAAS_ABI::detail
