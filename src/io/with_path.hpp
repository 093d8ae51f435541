// with_path: errors that name the file.
#pragma once

#include <string>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::io {

/// Runs `work`, and makes what it throws FormatErrors with the file's name in front.
template <class Work>
auto with_path(const std::string& path, Work work) {
  try {
    return work();
  } catch (const FormatError&) {
    throw;
  } catch (const Error& error) {
    fail<FormatError>("{}: {}", path, error.what());
  }
}

}  // namespace maas::inline MAAS_ABI::io
