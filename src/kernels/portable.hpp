// The portable bodies, beside the kernels: what MAAS_KERNELS=eigen runs.
#pragma once

#include "maas/ops/compact.hpp"
#include "maas/ops/elementwise.hpp"
#include "maas/ops/product.hpp"
#include "maas/ops/softmax.hpp"
#include "maas/ops/update.hpp"

namespace maas::inline MAAS_ABI::ops::portable {

// Each as its namesake in ops.
void relu(Index count, const Scalar* x, Scalar* y);
void relu_gradient(Index count, const Scalar* y, Scalar* gradient);
void sigmoid(Index count, const Scalar* x, Scalar* y);
void sigmoid_gradient(Index count, const Scalar* y, Scalar* gradient);
void tanh(Index count, const Scalar* x, Scalar* y);
void tanh_gradient(Index count, const Scalar* y, Scalar* gradient);
void apply_curve(Curve curve, Index count, const Scalar* x, Scalar* y);
void logistic_loss(Index count, const Scalar* x, const Scalar* t, Scalar* loss);
void logistic_slope(Index count, const Scalar* x, const Scalar* t, Scalar* slope);
void add_row(Index rows, Index columns, const Scalar* row, Scalar* y);
void sum_rows(Index rows, Index columns, const Scalar* x, Scalar* sums);
void slope_and_sum_rows(Curve curve, Index rows, Index columns, const Scalar* y, Scalar* gradient, Scalar* sums);
void adam(Index count, const AdamSweep& sweep);
void sgd(Index count, const SgdSweep& sweep);
void rmsprop(Index count, const RmspropSweep& sweep);
void adamax(Index count, const AdamaxSweep& sweep);
void nadam(Index count, const NadamSweep& sweep);
void adagrad(Index count, const AdagradSweep& sweep);
void adadelta(Index count, const AdadeltaSweep& sweep);
void lion(Index count, const LionSweep& sweep);
void ftrl(Index count, const FtrlSweep& sweep);
double sum_of_squares(Index count, const Scalar* x);
SquareSums lamb_moments(Index count, const LambSweep& sweep);
void lamb_step(Index count, const LambSweep& sweep, Scalar step);
void adafactor_numbers(Index count, const AdafactorNumbers& sweep);
void adafactor_rows(const AdafactorRows& sweep);
void adafactor_columns(const AdafactorColumns& sweep);
double adafactor_squares(const AdafactorDirection& direction);
void adafactor_step(const AdafactorDirection& direction, Scalar step, Scalar* w, Scalar* v);
void softmax(const ConstMatrixView& x, MatrixView y);
void softmax_gradient(const ConstMatrixView& y, MatrixView gradient);
void product(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
             Index c_stride, bool add = false);
void finished_product(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                      Index c_stride, Finish finish);
void product_transposed(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                        Index c_stride);
void compact_affine(const ConstMatrixView& x, const CompactView& kernel, const ConstMatrixView& bias, MatrixView y,
                    Curve curve = Curve::none);

}  // namespace maas::inline MAAS_ABI::ops::portable
