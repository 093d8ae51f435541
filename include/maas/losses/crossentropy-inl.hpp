// Cross-entropies, from probabilities and from logits: the bodies.
#pragma once

#include "maas/losses/crossentropy.hpp"
#include "maas/ops/elementwise.hpp"
#include "maas/ops/log_sum_exp.hpp"
#include "maas/ops/softmax.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Categorical cross-entropy of one row from probabilities: they are divided by their sum, then clipped, as in Keras.
/// `weight(i)` is the target of class i.
template <class Row, class Weight>
Scalar categorical_value(const Row& p, const Weight& weight) {
  const Scalar sum = p.sum();
  Scalar value = 0;
  for (Index i = 0; i < p.size(); ++i)
    if (weight(i) != 0) value -= weight(i) * std::log(clipped(p[i] / sum));
  return value;
}
template <class Row, class Weight, class Out>
void categorical_gradient(const Row& p, const Weight& weight, Out out) {
  const Scalar sum = p.sum();
  Scalar through_sum = 0;
  for (Index i = 0; i < p.size(); ++i) {
    const Scalar q = p[i] / sum;
    out[i] = weight(i) != 0 && inside_clip(q) ? -weight(i) / q : Scalar(0);
    through_sum += out[i] * q;
  }
  for (Index i = 0; i < p.size(); ++i) out[i] = (out[i] - through_sum) / sum;
}

}  // namespace detail

namespace detail {

MAAS_INLINE void require_probabilities(std::string_view name, const ConstMatrixView& target) {
  for (Index row = 0; row < target.rows(); ++row)
    for (Index column = 0; column < target.cols(); ++column)
      require<DataError>(target(row, column) >= 0 && target(row, column) <= 1,
                         "{}: expected targets from 0 to 1, got {} in row {}, column {} (counted from 0)", name,
                         target(row, column), row, column);
}

MAAS_INLINE void require_label(std::string_view name, const ConstMatrixView& target, Index row, Index outputs) {
  const Scalar label = target(row, 0);
  require<DataError>(label >= 0 && label < static_cast<Scalar>(outputs) && label == std::floor(label),
                     "{}: expected labels 0 to {}, got {} in row {} (counted from 0)", name, outputs - 1, label, row);
}

}  // namespace detail

MAAS_INLINE void BinaryCrossentropy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                            VectorView out) const {
  if (from_logits && label_smoothing == 0 && predicted.cols() == 1)
    return ops::logistic_loss(predicted.size(), predicted.data(), target.data(), out.data());
  for (Index row = 0; row < predicted.rows(); ++row) {
    Scalar sum = 0;
    for (Index i = 0; i < predicted.cols(); ++i) sum += one_value(predicted(row, i), smoothed(target(row, i)));
    out[row] = sum / static_cast<Scalar>(predicted.cols());
  }
}

MAAS_INLINE void BinaryCrossentropy::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                              MatrixView out) const {
  if (from_logits && label_smoothing == 0 && predicted.cols() == 1)
    return ops::logistic_slope(predicted.size(), predicted.data(), target.data(), out.data());
  const Scalar share = Scalar(1) / static_cast<Scalar>(predicted.cols());
  for (Index row = 0; row < predicted.rows(); ++row)
    for (Index i = 0; i < predicted.cols(); ++i)
      out(row, i) = one_slope(predicted(row, i), smoothed(target(row, i))) * share;
}

MAAS_INLINE Scalar BinaryCrossentropy::smoothed(Scalar t) const {
  const Scalar s = static_cast<Scalar>(label_smoothing);
  return t * (Scalar(1) - s) + Scalar(0.5) * s;
}

MAAS_INLINE Scalar BinaryCrossentropy::one_value(Scalar x, Scalar t) const {
  if (from_logits) return std::max(x, Scalar(0)) - x * t + std::log1p(std::exp(-std::abs(x)));
  const Scalar p = detail::clipped(x);
  return -(t * std::log(p) + (Scalar(1) - t) * std::log(Scalar(1) - p));
}

MAAS_INLINE Scalar BinaryCrossentropy::one_slope(Scalar x, Scalar t) const {
  if (from_logits) return Scalar(1) / (Scalar(1) + std::exp(-x)) - t;
  return detail::inside_clip(x) ? (x - t) / (x * (Scalar(1) - x)) : Scalar(0);
}

MAAS_INLINE void CategoricalCrossentropy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                 VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    const auto weight = weights_of(target, row, predicted.cols());
    if (!from_logits) {
      out[row] = detail::categorical_value(predicted.row(row), weight);
      continue;
    }
    // Relative to the largest logit: beside a large one the logarithm would lose its digits.
    const Scalar largest = predicted.row(row).maxCoeff();
    const Scalar normalizer = std::log((predicted.row(row).array() - largest).exp().sum());
    out[row] = 0;
    for (Index i = 0; i < predicted.cols(); ++i) out[row] += weight(i) * (normalizer + (largest - predicted(row, i)));
  }
}

MAAS_INLINE void CategoricalCrossentropy::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                   MatrixView out) const {
  if (from_logits) ops::softmax(predicted, out);
  for (Index row = 0; row < predicted.rows(); ++row) {
    const auto weight = weights_of(target, row, predicted.cols());
    if (!from_logits) {
      detail::categorical_gradient(predicted.row(row), weight, out.row(row));
      continue;
    }
    Scalar total = 0;
    for (Index i = 0; i < predicted.cols(); ++i) total += weight(i);
    for (Index i = 0; i < predicted.cols(); ++i) out(row, i) = out(row, i) * total - weight(i);
  }
}

MAAS_INLINE detail::SmoothedRow CategoricalCrossentropy::weights_of(const ConstMatrixView& target, Index row,
                                                                    Index classes) const {
  const Scalar s = static_cast<Scalar>(label_smoothing);
  return {target, row, Scalar(1) - s, s / static_cast<Scalar>(classes)};
}

MAAS_INLINE void SparseCategoricalCrossentropy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                       VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    out[row] = 0;
    if (ignored(target, row)) continue;
    const Index label = static_cast<Index>(target(row, 0));
    out[row] = from_logits ? ops::log_sum_exp((predicted.row(row).array() - predicted(row, label)).matrix())
                           : detail::categorical_value(predicted.row(row), detail::OneHotRow{label});
  }
}

MAAS_INLINE void SparseCategoricalCrossentropy::gradient(const ConstMatrixView& predicted,
                                                         const ConstMatrixView& target, MatrixView out) const {
  if (from_logits) ops::softmax(predicted, out);
  for (Index row = 0; row < predicted.rows(); ++row) {
    if (ignored(target, row)) {
      out.row(row).setZero();
      continue;
    }
    const Index label = static_cast<Index>(target(row, 0));
    if (from_logits)
      out(row, label) -= Scalar(1);
    else
      detail::categorical_gradient(predicted.row(row), detail::OneHotRow{label}, out.row(row));
  }
}

MAAS_INLINE void SparseCategoricalCrossentropy::check_targets(const ConstMatrixView& target, Index outputs) const {
  for (Index row = 0; row < target.rows(); ++row)
    if (!ignored(target, row)) detail::require_label(class_name, target, row, outputs);
}

MAAS_INLINE bool SparseCategoricalCrossentropy::ignored(const ConstMatrixView& target, Index row) const {
  return ignore_class && target(row, 0) == static_cast<Scalar>(*ignore_class);
}

MAAS_INLINE void CategoricalGeneralizedCrossEntropy::check() const {
  require<ConfigError>(q > 0 && q < 1, "CategoricalGeneralizedCrossEntropy: expected a q between 0 and 1, got {}", q);
}

MAAS_INLINE void CategoricalGeneralizedCrossEntropy::values(const ConstMatrixView& predicted,
                                                            const ConstMatrixView& target, VectorView out) const {
  const Scalar power = static_cast<Scalar>(q);
  for (Index row = 0; row < predicted.rows(); ++row) {
    const Scalar p = predicted(row, static_cast<Index>(target(row, 0)));
    out[row] = (Scalar(1) - std::pow(p, power)) / power;
  }
}

MAAS_INLINE void CategoricalGeneralizedCrossEntropy::gradient(const ConstMatrixView& predicted,
                                                              const ConstMatrixView& target, MatrixView out) const {
  out.setZero();
  for (Index row = 0; row < predicted.rows(); ++row) {
    const Index label = static_cast<Index>(target(row, 0));
    out(row, label) = -std::pow(predicted(row, label), static_cast<Scalar>(q - 1));
  }
}

MAAS_INLINE void CategoricalGeneralizedCrossEntropy::check_targets(const ConstMatrixView& target, Index outputs) const {
  for (Index row = 0; row < target.rows(); ++row) detail::require_label(class_name, target, row, outputs);
}

}  // namespace maas::inline MAAS_ABI
