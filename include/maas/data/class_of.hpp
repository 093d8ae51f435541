// The class that a row of targets stands for.
#pragma once

#include <cmath>
#include <map>
#include <optional>

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI::detail {

/// The number itself, rounded, or the place of the largest of several. Nothing where it is missing or no class number.
template <class Targets>
std::optional<int> class_of(const Targets& y, Index row) {
  if (y.row(row).hasNaN()) return std::nullopt;
  if (y.cols() == 1) {
    const double number = std::round(static_cast<double>(y(row, 0)));
    if (!(std::abs(number) < 2147483647.0)) return std::nullopt;
    return static_cast<int>(number);
  }
  Index largest = 0;
  y.row(row).maxCoeff(&largest);
  return static_cast<int>(largest);
}

/// What the samples of that class weigh; 1 where nothing is said of it.
template <class Targets>
Scalar class_weight_of(const std::map<int, double>& weights, const Targets& y, Index row) {
  const std::optional<int> label = class_of(y, row);
  const auto found = label ? weights.find(*label) : weights.end();
  return found == weights.end() ? Scalar(1) : static_cast<Scalar>(found->second);
}

}  // namespace maas::inline MAAS_ABI::detail
