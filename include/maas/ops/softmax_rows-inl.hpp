// The portable bodies of softmax and its slope.
#pragma once

#include <algorithm>

#include "maas/ops/map_elements.hpp"
#include "maas/ops/portable.hpp"
#include "maas/ops/softmax.hpp"

namespace maas::inline MAAS_ABI::ops {
MAAS_PORTABLE_BEGIN

MAAS_INLINE void softmax(const ConstMatrixView& x, MatrixView y) {
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

MAAS_INLINE void softmax_gradient(const ConstMatrixView& y, MatrixView gradient) {
  for (Index row = 0; row < y.rows(); ++row) {
    const Scalar inner = gradient.row(row).dot(y.row(row));
    gradient.row(row) = (y.row(row).array() * (gradient.row(row).array() - inner)).matrix();
  }
}

MAAS_PORTABLE_END
}  // namespace maas::inline MAAS_ABI::ops
