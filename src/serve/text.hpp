// Small questions to texts of protocols: ASCII alone has cases, as HTTP has it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

/// The value of a hexadecimal digit, -1 for others.
inline int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

/// Whether two names of headers, or of codings, are one. Mostly they are written in the same way.
inline bool is_same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  return a == b || std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

/// Without blanks and tabs around it.
inline std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

}  // namespace maas::inline MAAS_ABI::serve
