// What losses share that are the mean, over a row's outputs, of a function of one prediction and one target.
#pragma once

#include "maas/losses/loss.hpp"

namespace maas::inline MAAS_ABI::detail {

/// out[row] = mean over outputs of value(p, t).
template <class Value>
void mean_values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out, Value&& value) {
  for (Index row = 0; row < predicted.rows(); ++row) {
    Scalar sum = 0;
    for (Index i = 0; i < predicted.cols(); ++i) sum += value(predicted(row, i), target(row, i));
    out[row] = sum / static_cast<Scalar>(predicted.cols());
  }
}

/// out(row, i) = slope(p, t) / outputs, slope being d value / d p.
template <class Slope>
void mean_slopes(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out, Slope&& slope) {
  const Scalar share = Scalar(1) / static_cast<Scalar>(predicted.cols());
  for (Index row = 0; row < predicted.rows(); ++row)
    for (Index i = 0; i < predicted.cols(); ++i) out(row, i) = slope(predicted(row, i), target(row, i)) * share;
}

/// Keras' backend epsilon, which keeps divisors and logarithms away from 0.
inline constexpr Scalar loss_epsilon = Scalar(1e-7);

inline Scalar sign_of(Scalar x) { return x > 0 ? Scalar(1) : x < 0 ? Scalar(-1) : Scalar(0); }

}  // namespace maas::inline MAAS_ABI::detail
