// What is written, or was not.
#pragma once

#include <string>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::io {

/// Throws FormatError with the file's name where a library could not write.
inline void require_written(bool done, const std::string& path) {
  require<FormatError>(done, "{}: cannot be written (is the disk full?)", path);
}

}  // namespace maas::inline MAAS_ABI::io
