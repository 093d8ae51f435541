// Softmax along rows, and log-sum-exp.
#pragma once

#include <cmath>

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI::ops {

/// y = exp(x - max x) / sum, each row for itself. x and y may be the same memory.
inline void softmax(const ConstMatrixView& x, MatrixView y) {
  for (Index row = 0; row < x.rows(); ++row) {
    const Scalar largest = x.row(row).maxCoeff();
    y.row(row) = (x.row(row).array() - largest).exp().matrix();
    y.row(row) /= y.row(row).sum();
  }
}

/// gradient = y (gradient - sum(gradient y)), each row for itself: d x of softmax, in place.
inline void softmax_gradient(const ConstMatrixView& y, MatrixView gradient) {
  for (Index row = 0; row < y.rows(); ++row) {
    const Scalar inner = gradient.row(row).dot(y.row(row));
    gradient.row(row) = (y.row(row).array() * (gradient.row(row).array() - inner)).matrix();
  }
}

/// log(sum(exp(x))) of one row, without overflow.
template <class Row>
Scalar log_sum_exp(const Row& x) {
  const Scalar largest = x.maxCoeff();
  return largest + std::log((x.array() - largest).exp().sum());
}

}  // namespace maas::inline MAAS_ABI::ops
