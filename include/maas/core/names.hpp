// Names as Keras spells them.
#pragma once

#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// A class name in Keras' snake case: "Dense" -> "dense", "BinaryAccuracy" -> "binary_accuracy", "Conv2D" -> "conv2d",
/// "PReLU" -> "p_re_lu". An underscore goes before a capital that begins a lower-case run, and between a lower-case
/// letter and a capital.
inline std::string snake_case(std::string_view name) {
  auto upper = [&](std::size_t i) { return i < name.size() && name[i] >= 'A' && name[i] <= 'Z'; };
  auto lower = [&](std::size_t i) { return i < name.size() && name[i] >= 'a' && name[i] <= 'z'; };
  std::string result;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (i > 0 && upper(i) && (lower(i + 1) || lower(i - 1))) result += '_';
    result += upper(i) ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI
