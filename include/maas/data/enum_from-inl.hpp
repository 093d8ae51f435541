// Enumerations from their names.
#pragma once

#include <string>
#include <string_view>

#include "maas/core/config.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The names of an enumeration from config, in the order of its values.
template <class Enum, std::size_t count>
Enum enum_from(const Config& config, std::string_view where, const std::string_view (&names)[count]) {
  const std::string& text = config.as_string(where);
  std::string known;
  for (std::size_t i = 0; i < count; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
    known.append(known.empty() ? "" : ", ").append(names[i]);
  }
  fail<ConfigError>("{}: expected one of {}, got \"{}\"", where, known, text);
}

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
