// Portable bodies of the element-wise sweeps.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "maas/ops/elementwise.hpp"
#include "maas/ops/map_elements.hpp"
#include "maas/ops/portable.hpp"

namespace maas::inline MAAS_ABI::ops {
MAAS_PORTABLE_BEGIN

namespace detail {
using Numbers = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>;
using ConstNumbers = Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>>;
}  // namespace detail

MAAS_INLINE void relu(Index count, const Scalar* x, Scalar* y) {
  for (Index i = 0; i < count; ++i) y[i] = x[i] < Scalar(0) ? Scalar(0) : x[i];
}

MAAS_INLINE void relu_gradient(Index count, const Scalar* y, Scalar* gradient) {
  for (Index i = 0; i < count; ++i) gradient[i] = y[i] > Scalar(0) ? gradient[i] : gradient[i] * Scalar(0);
}

MAAS_INLINE void sigmoid(Index count, const Scalar* x, Scalar* y) {
  map_elements(x, y, count, [](const auto& v) { return ((-v).exp() + Scalar(1)).inverse(); });
}

MAAS_INLINE void sigmoid_gradient(Index count, const Scalar* y, Scalar* gradient) {
  const detail::ConstNumbers f(y, count);
  detail::Numbers(gradient, count) *= f * (Scalar(1) - f);
}

MAAS_INLINE void tanh(Index count, const Scalar* x, Scalar* y) {
  map_elements(x, y, count, [](const auto& v) { return v.tanh(); });
}

MAAS_INLINE void tanh_gradient(Index count, const Scalar* y, Scalar* gradient) {
  detail::Numbers(gradient, count) *= Scalar(1) - detail::ConstNumbers(y, count).square();
}

MAAS_INLINE void apply_curve(Curve curve, Index count, const Scalar* x, Scalar* y) {
  if (curve == Curve::relu) return relu(count, x, y);
  if (curve == Curve::sigmoid) return sigmoid(count, x, y);
  if (curve == Curve::tanh) return tanh(count, x, y);
  if (x != y) std::copy_n(x, count, y);
}

MAAS_INLINE void logistic_loss(Index count, const Scalar* x, const Scalar* t, Scalar* loss) {
  for (Index i = 0; i < count; ++i)
    loss[i] = (x[i] < Scalar(0) ? Scalar(0) : x[i]) - x[i] * t[i] + std::log1p(std::exp(-std::abs(x[i])));
}

MAAS_INLINE void logistic_slope(Index count, const Scalar* x, const Scalar* t, Scalar* slope) {
  for (Index i = 0; i < count; ++i) slope[i] = Scalar(1) / (Scalar(1) + std::exp(-x[i])) - t[i];
}

MAAS_INLINE void add_row(Index rows, Index columns, const Scalar* row, Scalar* y) {
  MatrixView(y, rows, columns).rowwise() += ConstMatrixView(row, 1, columns).row(0);
}

MAAS_INLINE void sum_rows(Index rows, Index columns, const Scalar* x, Scalar* sums) {
  MatrixView total(sums, 1, columns);
  total.setZero();
  for (Index row = 0; row < rows; ++row) total += ConstMatrixView(x + row * columns, 1, columns);
}

MAAS_INLINE void slope_and_sum_rows(Curve curve, Index rows, Index columns, const Scalar* y, Scalar* gradient,
                                    Scalar* sums) {
  if (curve == Curve::relu) relu_gradient(rows * columns, y, gradient);
  if (curve == Curve::sigmoid) sigmoid_gradient(rows * columns, y, gradient);
  if (curve == Curve::tanh) tanh_gradient(rows * columns, y, gradient);
  sum_rows(rows, columns, gradient, sums);
}

MAAS_PORTABLE_END
}  // namespace maas::inline MAAS_ABI::ops
