// Sweeps that treat every number alike: the activations most used, and the sums of rows beside products.
#pragma once

#include "maas/core/matrix.hpp"
#include "maas/ops/curve.hpp"

namespace maas::inline MAAS_ABI::ops {

// `count` numbers each; x and y may be the same memory. Slopes are read off the outputs y, and `gradient` (d loss / d
// y) becomes d loss / d x in place. NaN stays NaN.

/// y = max(x, 0).
void relu(Index count, const Scalar* x, Scalar* y);
/// gradient *= [y > 0].
void relu_gradient(Index count, const Scalar* y, Scalar* gradient);
/// y = 1 / (1 + exp(-x)).
void sigmoid(Index count, const Scalar* x, Scalar* y);
/// gradient *= y (1 - y).
void sigmoid_gradient(Index count, const Scalar* y, Scalar* gradient);
/// y = tanh(x).
void tanh(Index count, const Scalar* x, Scalar* y);
/// gradient *= 1 - y^2.
void tanh_gradient(Index count, const Scalar* y, Scalar* gradient);

/// y = curve(x).
void apply_curve(Curve curve, Index count, const Scalar* x, Scalar* y);

/// loss = max(x, 0) - x t + log(1 + exp(-|x|)): the cross-entropy of the probabilities sigmoid(x) and the targets t.
void logistic_loss(Index count, const Scalar* x, const Scalar* t, Scalar* loss);
/// slope = sigmoid(x) - t: d logistic_loss / d x.
void logistic_slope(Index count, const Scalar* x, const Scalar* t, Scalar* slope);

/// Adds a row of `columns` numbers to each of `rows` rows of y, which lie one after the other.
void add_row(Index rows, Index columns, const Scalar* row, Scalar* y);
/// sums = the sum of each column of x, the rows added in order (overwritten).
void sum_rows(Index rows, Index columns, const Scalar* x, Scalar* sums);
/// gradient *= the curve's slope where its value is y, and sum_rows() of what comes out, along with it. y, gradient:
/// rows x columns, the rows one after the other. y is not read for Curve::none.
void slope_and_sum_rows(Curve curve, Index rows, Index columns, const Scalar* y, Scalar* gradient, Scalar* sums);

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/elementwise-inl.hpp"
#endif
