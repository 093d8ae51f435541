// Hinge losses: targets are -1 and 1: the bodies.
#pragma once

#include "maas/losses/hinge.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
/// How targets are read: where all of a batch are 0 or 1, they stand for -1 and 1.
struct SignedTargets {
  explicit SignedTargets(const ConstMatrixView& target)
      : binary((target.array() == Scalar(0) || target.array() == Scalar(1)).all()) {}
  Scalar operator()(Scalar t) const { return binary ? Scalar(2) * t - Scalar(1) : t; }
  bool binary;
};
/// (1 - t) p of one row: what the outputs other than the target claim.
inline auto wrong_scores(const ConstMatrixView& predicted, const ConstMatrixView& target, Index row) {
  return ((Scalar(1) - target.row(row).array()) * predicted.row(row).array()).matrix();
}
}  // namespace detail

MAAS_INLINE void Hinge::values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
  const detail::SignedTargets side(target);
  detail::mean_values(predicted, target, out,
                      [&](Scalar p, Scalar t) { return std::max(Scalar(1) - side(t) * p, Scalar(0)); });
}

MAAS_INLINE void Hinge::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                 MatrixView out) const {
  const detail::SignedTargets side(target);
  detail::mean_slopes(predicted, target, out,
                      [&](Scalar p, Scalar t) { return Scalar(1) - side(t) * p >= 0 ? -side(t) : Scalar(0); });
}

MAAS_INLINE void SquaredHinge::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                      VectorView out) const {
  const detail::SignedTargets side(target);
  detail::mean_values(predicted, target, out, [&](Scalar p, Scalar t) {
    const Scalar gap = std::max(Scalar(1) - side(t) * p, Scalar(0));
    return gap * gap;
  });
}

MAAS_INLINE void SquaredHinge::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                        MatrixView out) const {
  const detail::SignedTargets side(target);
  detail::mean_slopes(predicted, target, out, [&](Scalar p, Scalar t) {
    return Scalar(-2) * side(t) * std::max(Scalar(1) - side(t) * p, Scalar(0));
  });
}

MAAS_INLINE void CategoricalHinge::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                          VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) out[row] = std::max(gap(predicted, target, row), Scalar(0));
}

MAAS_INLINE void CategoricalHinge::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                            MatrixView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    out.row(row).setZero();
    if (gap(predicted, target, row) < 0) continue;
    const Scalar largest = detail::wrong_scores(predicted, target, row).maxCoeff();
    // Several outputs that are largest alike share the slope, as in TensorFlow.
    const Scalar ties = static_cast<Scalar>((detail::wrong_scores(predicted, target, row).array() == largest).count());
    for (Index i = 0; i < predicted.cols(); ++i) {
      const Scalar t = target(row, i);
      out(row, i) = ((Scalar(1) - t) * predicted(row, i) == largest ? (Scalar(1) - t) / ties : Scalar(0)) - t;
    }
  }
}

MAAS_INLINE Scalar CategoricalHinge::gap(const ConstMatrixView& predicted, const ConstMatrixView& target, Index row) {
  return Scalar(1) + detail::wrong_scores(predicted, target, row).maxCoeff() - predicted.row(row).dot(target.row(row));
}

}  // namespace maas::inline MAAS_ABI
