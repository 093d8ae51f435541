// Losses of overlap: how far two masks cover each other, over whole samples or the whole batch: the bodies.
#pragma once

#include "maas/losses/overlap.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

MAAS_INLINE void OverlapSums::add(const ConstMatrixView& p, const ConstMatrixView& t, Index row) {
  both += p.row(row).dot(t.row(row));
  target += t.row(row).sum();
  predicted += p.row(row).sum();
}

}  // namespace detail

MAAS_INLINE void Dice::values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
  detail::Overlap<Dice>::values(*this, predicted, target, out);
}

MAAS_INLINE void Dice::sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                    const ConstVectorView& weights, MatrixView out) const {
  detail::Overlap<Dice>::sum_gradient(*this, predicted, target, weights, out);
}

MAAS_INLINE void Tversky::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                 VectorView out) const {
  detail::Overlap<Tversky>::values(*this, predicted, target, out);
}

MAAS_INLINE void Tversky::sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                       const ConstVectorView& weights, MatrixView out) const {
  detail::Overlap<Tversky>::sum_gradient(*this, predicted, target, weights, out);
}

MAAS_INLINE Scalar Tversky::bottom(const detail::OverlapSums& s) const {
  return s.both + missed() * (s.target - s.both) + wrong() * (s.predicted - s.both) + detail::loss_epsilon;
}

MAAS_INLINE Scalar Tversky::slope_both(const detail::OverlapSums& s) const {
  const Scalar b = bottom(s);
  return s.both * (Scalar(1) - missed() - wrong()) / (b * b) - Scalar(1) / b;
}

}  // namespace maas::inline MAAS_ABI
