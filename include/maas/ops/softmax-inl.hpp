// Bodies of softmax's kin; softmax itself is in softmax_rows-inl.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/ops/map_elements.hpp"
#include "maas/ops/softmax.hpp"

namespace maas::inline MAAS_ABI::ops {

MAAS_INLINE void log_softmax(const ConstMatrixView& x, MatrixView y) {
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

MAAS_INLINE void log_softmax_gradient(const ConstMatrixView& y, MatrixView gradient) {
  for (Index row = 0; row < y.rows(); ++row) {
    const Scalar total = gradient.row(row).sum();
    gradient.row(row).array() -= y.row(row).array().exp() * total;
  }
}

// t is found without memory of its own: starting below every x, it climbs to the mean over those still above it
// (Michelot 1986).
MAAS_INLINE void sparsemax(const ConstMatrixView& x, MatrixView y) {
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

MAAS_INLINE void sparsemax_gradient(const ConstMatrixView& y, MatrixView gradient) {
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
