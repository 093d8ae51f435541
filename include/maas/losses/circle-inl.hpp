// Circle loss: embeddings of one class together, of different classes apart: the bodies.
#pragma once

#include "maas/losses/circle.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void Circle::values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    const Neighbours near = neighbours(predicted, target, row);
    out[row] = softplus(near.same.log_sum() + near.other.log_sum());
  }
}

MAAS_INLINE void Circle::sum_gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                      const ConstVectorView& weights, MatrixView out) const {
  out.setZero();
  for (Index row = 0; row < predicted.rows(); ++row) {
    const Neighbours near = neighbours(predicted, target, row);
    if (near.same.empty() || near.other.empty()) continue;
    const Scalar same = near.same.log_sum(), other = near.other.log_sum();
    const Scalar outer = (weights.size() > 0 ? weights[row] : Scalar(1)) / (Scalar(1) + std::exp(-same - other));
    for (Index j = 0; j < predicted.rows(); ++j) {
      if (!is_pair(target, row, j)) continue;
      const Scalar cosine = predicted.row(row).dot(predicted.row(j));
      if (Scalar(1) - cosine < 0) continue;  // the distance is cut off at 0 there
      const Pair pair = measure(target, row, j, cosine);
      const Scalar down = -outer * std::exp(pair.exponent - (pair.same ? same : other)) * pair.slope;
      out.row(row) += down * predicted.row(j);
      out.row(j) += down * predicted.row(row);
    }
  }
}

MAAS_INLINE Scalar Circle::share(const ConstMatrixView& target, Index row) const {
  bool same = false, other = false;
  for (Index j = 0; j < target.rows() && !(same && other); ++j)
    if (is_pair(target, row, j)) (target(row, 0) == target(j, 0) ? same : other) = true;
  return same && other ? Scalar(1) : Scalar(0);
}

MAAS_INLINE void Circle::check_targets(const ConstMatrixView& target, Index) const {
  for (Index row = 0; row < target.rows(); ++row)
    require<DataError>(target(row, 0) == std::floor(target(row, 0)),
                       "Circle: expected whole numbers as labels, got {} in row {} (counted from 0)", target(row, 0),
                       row);
}

MAAS_INLINE void Circle::check_output(const Shape& output) const {
  require<ShapeError>(output.rank() == 1, "Circle: expected outputs of one axis, the embedding; got {}", output.text());
}

MAAS_INLINE bool Circle::is_pair(const ConstMatrixView& target, Index i, Index j) const {
  return i != j || !remove_diagonal || target(i, 0) != target(j, 0);
}

MAAS_INLINE Circle::Pair Circle::measure(const ConstMatrixView& target, Index i, Index j, Scalar cosine) const {
  const Scalar g = static_cast<Scalar>(gamma), m = static_cast<Scalar>(margin);
  const Scalar d = std::max(Scalar(1) - cosine, Scalar(0));
  if (target(i, 0) == target(j, 0)) {
    const bool pulls = m + d > 0;
    return {true, pulls ? -g * (m + d) * (m - d) : Scalar(0), pulls ? Scalar(2) * g * d : Scalar(0)};
  }
  const Scalar reach = Scalar(1) + m - d;
  if (reach <= 0) return {false, Scalar(0), Scalar(0)};
  return {false, g * reach * (Scalar(1) - m - d), Scalar(-2) * g * (Scalar(1) - d)};
}

MAAS_INLINE Circle::Neighbours Circle::neighbours(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                  Index row) const {
  Neighbours result;
  for (Index j = 0; j < predicted.rows(); ++j) {
    if (!is_pair(target, row, j)) continue;
    const Pair pair = measure(target, row, j, predicted.row(row).dot(predicted.row(j)));
    (pair.same ? result.same : result.other).add(pair.exponent);
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI
