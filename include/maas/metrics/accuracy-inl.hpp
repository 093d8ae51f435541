// Accuracies: the share of right answers: the bodies.
#pragma once

#include "maas/metrics/accuracy.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void Accuracy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                  VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    Index right = 0;
    for (Index i = 0; i < predicted.cols(); ++i) right += target(row, i) == predicted(row, i);
    out[row] = static_cast<Scalar>(right) / static_cast<Scalar>(predicted.cols());
  }
}

MAAS_INLINE void BinaryAccuracy::check() const {
  require<ConfigError>(std::isfinite(threshold), "{}: expected a finite threshold, got {}", class_name, threshold);
}

MAAS_INLINE void BinaryAccuracy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                        VectorView out) const {
  const Scalar limit = static_cast<Scalar>(threshold);
  for (Index row = 0; row < predicted.rows(); ++row) {
    Index right = 0;
    for (Index i = 0; i < predicted.cols(); ++i)
      right += target(row, i) == (predicted(row, i) > limit ? Scalar(1) : Scalar(0));
    out[row] = static_cast<Scalar>(right) / static_cast<Scalar>(predicted.cols());
  }
}

MAAS_INLINE void CategoricalAccuracy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                             VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    Index guess = 0, truth = 0;
    predicted.row(row).maxCoeff(&guess);
    target.row(row).maxCoeff(&truth);
    out[row] = guess == truth ? Scalar(1) : Scalar(0);
  }
}

MAAS_INLINE void SparseCategoricalAccuracy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                   VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    Index guess = 0;
    predicted.row(row).maxCoeff(&guess);
    out[row] = static_cast<Scalar>(guess) == target(row, 0) ? Scalar(1) : Scalar(0);
  }
}

MAAS_INLINE void AutomaticAccuracy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                           VectorView out) const {
  if (predicted.cols() == 1)
    BinaryAccuracy{}.values(predicted, target, out);
  else if (target.cols() == 1)
    SparseCategoricalAccuracy{}.values(predicted, target, out);
  else
    CategoricalAccuracy{}.values(predicted, target, out);
}

namespace detail {

MAAS_INLINE void require_k(std::string_view name, Index k) {
  require<ConfigError>(k >= 1, "{}: expected a k of at least 1, got {}", name, k);
}

}  // namespace detail

MAAS_INLINE void TopKCategoricalAccuracy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                 VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    Index truth = 0;
    target.row(row).maxCoeff(&truth);
    out[row] = detail::in_top_k(predicted.row(row), truth, k) ? Scalar(1) : Scalar(0);
  }
}

MAAS_INLINE void SparseTopKCategoricalAccuracy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                       VectorView out) const {
  const Scalar classes = static_cast<Scalar>(predicted.cols());
  for (Index row = 0; row < predicted.rows(); ++row) {
    const Scalar label = target(row, 0);
    const bool right =
        label >= 0 && label < classes && detail::in_top_k(predicted.row(row), static_cast<Index>(label), k);
    out[row] = right ? Scalar(1) : Scalar(0);
  }
}

}  // namespace maas::inline MAAS_ABI
