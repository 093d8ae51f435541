// Text for files that are marked up: pages and pictures.
#pragma once

#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Text as HTML, and Graphviz' labels of that kind, show it: names may hold any character. What would be read as markup
/// is escaped, control characters are spaces.
inline std::string html_text(std::string_view text) {
  std::string result;
  for (const char c : text) switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  return result;
}

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
