// Whether bytes are text.
#pragma once

#include <cstddef>
#include <string_view>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// The position of the first byte that UTF-8 cannot have there; npos where all of it is text. By the lengths of RFC
/// 3629; surrogates and overlong forms of three and four bytes are let through.
inline std::size_t first_not_utf8(std::string_view text) {
  const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned first = byte(i);
    if (first >= 0x80 && (first < 0xC2 || first > 0xF4)) return i;
    const std::size_t more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    for (std::size_t k = 1; k <= more; ++k)
      if ((byte(i + k) & 0xC0) != 0x80) return i;
    i += more + 1;
  }
  return std::string_view::npos;
}

}  // namespace maas::inline MAAS_ABI
