// Matrices compared with a tolerance, and a readable difference.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI::tests {

inline constexpr bool is_double = sizeof(Scalar) == 8;

/// Two numbers are equal if |a - b| <= absolute + relative |b|. The defaults are those that the reference tables name.
struct Tolerance {
  double relative = is_double ? 1e-10 : 2e-5;
  double absolute = is_double ? 1e-12 : 1e-6;
};

/// Empty if all numbers are equal within the tolerance, else the first that is not. NaN equals NaN, infinity infinity.
inline std::string difference(const Eigen::Ref<const Matrix>& got, const Eigen::Ref<const Matrix>& expected,
                              Tolerance tolerance = {}) {
  if (got.rows() != expected.rows() || got.cols() != expected.cols())
    return fmt::format("got {} x {} numbers, expected {} x {}", got.rows(), got.cols(), expected.rows(),
                       expected.cols());
  for (Index row = 0; row < got.rows(); ++row)
    for (Index column = 0; column < got.cols(); ++column) {
      const double a = static_cast<double>(got(row, column)), b = static_cast<double>(expected(row, column));
      const bool equal = a == b || (std::isnan(a) && std::isnan(b)) ||
                         std::abs(a - b) <= tolerance.absolute + tolerance.relative * std::abs(b);
      if (!equal || (std::isinf(b) && a != b))
        return fmt::format("row {}, column {}: got {}, expected {}", row, column, a, b);
    }
  return "";
}

}  // namespace maas::inline MAAS_ABI::tests
