// Softmax along rows, and log-sum-exp. A row's result depends on its numbers alone, not on where it lies.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/core/matrix.hpp"
#include "maas/ops/map_elements.hpp"

namespace maas::inline MAAS_ABI::ops {

/// y = exp(x - max x) / sum, each row for itself. x and y may be the same memory.
inline void softmax(const ConstMatrixView& x, MatrixView y) {
  const Index size = x.cols();
  if (size == 0) return;
  for (Index row = 0; row < x.rows(); ++row) {
    const Scalar* in = x.data() + row * size;
    Scalar* out = y.data() + row * size;
    const Scalar largest = *std::max_element(in, in + size);
    map_elements(in, out, size, [=](const auto& v) { return (v - largest).exp(); });
    const Scalar sum = sum_elements(out, size, [](const auto& v) { return v * Scalar(1); });
    for (Index i = 0; i < size; ++i) out[i] /= sum;
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

/// y = x - log(sum(exp(x))), each row for itself. x and y may be the same memory.
inline void log_softmax(const ConstMatrixView& x, MatrixView y) {
  const Index size = x.cols();
  if (size == 0) return;
  for (Index row = 0; row < x.rows(); ++row) {
    const Scalar* in = x.data() + row * size;
    Scalar* out = y.data() + row * size;
    const Scalar largest = *std::max_element(in, in + size);
    const Scalar sum = sum_elements(in, size, [=](const auto& v) { return (v - largest).exp(); });
    const Scalar normalizer = std::log(sum);  // subtracted last: beside a large x it would lose its digits
    for (Index i = 0; i < size; ++i) out[i] = (in[i] - largest) - normalizer;
  }
}

/// gradient -= exp(y) sum(gradient), each row for itself: d x of log-softmax, in place.
inline void log_softmax_gradient(const ConstMatrixView& y, MatrixView gradient) {
  for (Index row = 0; row < y.rows(); ++row) {
    const Scalar total = gradient.row(row).sum();
    gradient.row(row).array() -= y.row(row).array().exp() * total;
  }
}

/// y = max(x - t, 0) with t such that a row sums to 1. x and y may be the same memory. t is found without memory of its
/// own: starting below every x, it climbs to the mean over those still above it (Michelot 1986).
inline void sparsemax(const ConstMatrixView& x, MatrixView y) {
  for (Index row = 0; row < x.rows(); ++row) {
    Index kept = x.cols();
    const Scalar all = sum_elements(x.data() + row * x.cols(), x.cols(), [](const auto& v) { return v * Scalar(1); });
    Scalar t = (all - Scalar(1)) / static_cast<Scalar>(kept);
    while (kept > 1) {
      Scalar sum = 0;
      Index above = 0;
      for (Index i = 0; i < x.cols(); ++i)
        if (x(row, i) > t) {
          sum += x(row, i);
          ++above;
        }
      if (above == kept || above == 0) break;
      kept = above;
      t = (sum - Scalar(1)) / static_cast<Scalar>(kept);
    }
    y.row(row) = (x.row(row).array() - t).max(Scalar(0)).matrix();
  }
}

/// gradient minus its mean over the outputs that are not 0, and 0 for those that are: d x of sparsemax, in place.
inline void sparsemax_gradient(const ConstMatrixView& y, MatrixView gradient) {
  for (Index row = 0; row < y.rows(); ++row) {
    Scalar sum = 0;
    Index kept = 0;
    for (Index i = 0; i < y.cols(); ++i)
      if (y(row, i) > Scalar(0)) {
        sum += gradient(row, i);
        ++kept;
      }
    const Scalar mean = kept > 0 ? sum / static_cast<Scalar>(kept) : Scalar(0);
    for (Index i = 0; i < y.cols(); ++i) gradient(row, i) = y(row, i) > Scalar(0) ? gradient(row, i) - mean : Scalar(0);
  }
}

}  // namespace maas::inline MAAS_ABI::ops
