// The affine map x W + b of dense layers, and its three derivatives.
#pragma once

#include "maas/core/matrix.hpp"
#include "maas/ops/curve.hpp"

namespace maas::inline MAAS_ABI::ops {

/// y = curve(x W + b). x: batch x in, W: in x out, b: 1 x out or empty for none, y: batch x out (overwritten).
void affine(const ConstMatrixView& x, const ConstMatrixView& kernel, const ConstMatrixView& bias, MatrixView y,
            Curve curve = Curve::none);

/// d x = d y W^T. dy: batch x out, W: in x out, dx: batch x in (overwritten).
void affine_input_gradient(const ConstMatrixView& dy, const ConstMatrixView& kernel, MatrixView dx);

/// d W = x^T d y. x: batch x in, dy: batch x out, dW: in x out (overwritten).
void affine_kernel_gradient(const ConstMatrixView& x, const ConstMatrixView& dy, MatrixView dkernel);

/// The curve's end of it: dy, d loss / d y, becomes that of x W + b in place, and d b is the sum of each of its columns
/// (overwritten). y, dy: batch x out, db: 1 x out. y is not read for Curve::none.
void affine_bias_gradient(Curve curve, const ConstMatrixView& y, MatrixView dy, MatrixView dbias);

/// The sum of each column: d b of an affine map. m: rows x columns, sums: 1 x columns (overwritten). Rows are added in
/// order.
void column_sums(const ConstMatrixView& m, MatrixView sums);

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/affine-inl.hpp"
#endif
