// Formatting of error texts, out of line so that a check costs its callers one branch.
#pragma once

#include <fmt/format.h>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE std::string detail::format_message(fmt::string_view text, fmt::format_args arguments) {
  return fmt::vformat(text, arguments);
}

}  // namespace maas::inline MAAS_ABI
