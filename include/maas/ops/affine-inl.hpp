// Bodies of the affine map, all on the one product.
#pragma once

#include "maas/ops/affine.hpp"
#include "maas/ops/elementwise.hpp"
#include "maas/ops/product.hpp"

namespace maas::inline MAAS_ABI::ops {

MAAS_INLINE void affine(const ConstMatrixView& x, const ConstMatrixView& kernel, const ConstMatrixView& bias,
                        MatrixView y, Curve curve) {
  finished_product(x.rows(), kernel.cols(), x.cols(), {x.data(), x.cols(), 1}, kernel.data(), kernel.cols(), y.data(),
                   y.cols(), {bias.size() > 0 ? bias.data() : nullptr, curve});
}

MAAS_INLINE void affine_input_gradient(const ConstMatrixView& dy, const ConstMatrixView& kernel, MatrixView dx) {
  product_transposed(dy.rows(), kernel.rows(), kernel.cols(), {dy.data(), dy.cols(), 1}, kernel.data(), kernel.cols(),
                     dx.data(), kernel.rows());
}

MAAS_INLINE void affine_kernel_gradient(const ConstMatrixView& x, const ConstMatrixView& dy, MatrixView dkernel) {
  product(x.cols(), dy.cols(), x.rows(), {x.data(), 1, x.cols()}, dy.data(), dy.cols(), dkernel.data(), dkernel.cols());
}

MAAS_INLINE void affine_bias_gradient(Curve curve, const ConstMatrixView& y, MatrixView dy, MatrixView dbias) {
  slope_and_sum_rows(curve, dy.rows(), dy.cols(), y.data(), dy.data(), dbias.data());
}

MAAS_INLINE void column_sums(const ConstMatrixView& m, MatrixView sums) {
  sum_rows(m.rows(), m.cols(), m.data(), sums.data());
}

}  // namespace maas::inline MAAS_ABI::ops
