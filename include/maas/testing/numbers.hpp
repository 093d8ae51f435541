// Matrices for the kits: random ones, and how two of them are compared.
#pragma once

#include <limits>
#include <vector>

#include "maas/core/matrix.hpp"
#include "maas/core/random.hpp"

namespace maas::inline MAAS_ABI::testing::detail {

/// What memory holds before it is overwritten, so that whoever reads it is found out.
inline constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();

inline bool same_bits(const Eigen::Ref<const Matrix>& a, const Eigen::Ref<const Matrix>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && (a.array() == b.array()).all();
}

inline bool nearly_equal(const Eigen::Ref<const Matrix>& a, const Eigen::Ref<const Matrix>& b) {
  const Scalar rounding = Scalar(16) * std::numeric_limits<Scalar>::epsilon();
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         ((a - b).array().abs() <= rounding * (Scalar(1) + b.array().abs())).all();
}

inline Matrix random_matrix(Index rows, Index columns, double low, double high, const Random& random) {
  Matrix m(rows, columns);
  for (Index i = 0; i < m.size(); ++i)
    m.data()[i] = static_cast<Scalar>(low + (high - low) * random.uniform(static_cast<std::uint64_t>(i)));
  return m;
}

inline bool all_same_bits(const std::vector<Matrix>& a, const std::vector<Matrix>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same_bits(a[i], b[i])) return false;
  return true;
}

}  // namespace maas::inline MAAS_ABI::testing::detail
