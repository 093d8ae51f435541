// Softmax along rows and its kin. A row's result depends on its numbers alone, not on where it lies.
#pragma once

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI::ops {

/// y = exp(x - max x) / sum, each row for itself. x and y may be the same memory.
void softmax(const ConstMatrixView& x, MatrixView y);

/// gradient = y (gradient - sum(gradient y)), each row for itself: d x of softmax, in place.
void softmax_gradient(const ConstMatrixView& y, MatrixView gradient);

/// y = x - log(sum(exp(x))), each row for itself. x and y may be the same memory.
void log_softmax(const ConstMatrixView& x, MatrixView y);

/// gradient -= exp(y) sum(gradient), each row for itself: d x of log-softmax, in place.
void log_softmax_gradient(const ConstMatrixView& y, MatrixView gradient);

/// y = max(x - t, 0) with t such that a row sums to 1. x and y may be the same memory. t is found without memory of its
/// own: starting below every x, it climbs to the mean over those still above it (Michelot 1986).
void sparsemax(const ConstMatrixView& x, MatrixView y);

/// gradient minus its mean over the outputs that are not 0, and 0 for those that are: d x of sparsemax, in place.
void sparsemax_gradient(const ConstMatrixView& y, MatrixView gradient);

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/softmax-inl.hpp"
#include "maas/ops/softmax_rows-inl.hpp"
#endif
