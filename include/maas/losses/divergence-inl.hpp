// Divergences and focal cross-entropies between distributions: the bodies.
#pragma once

#include "maas/losses/divergence.hpp"
#include "maas/ops/log_sum_exp.hpp"
#include "maas/ops/softmax.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void KLDivergence::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                      VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    out[row] = 0;
    for (Index i = 0; i < predicted.cols(); ++i)
      out[row] += clip(target(row, i)) * std::log(clip(target(row, i)) / clip(predicted(row, i)));
  }
}

MAAS_INLINE void KLDivergence::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                        MatrixView out) const {
  for (Index row = 0; row < predicted.rows(); ++row)
    for (Index i = 0; i < predicted.cols(); ++i) {
      const Scalar p = predicted(row, i);
      out(row, i) = p == clip(p) ? -clip(target(row, i)) / p : Scalar(0);
    }
}

MAAS_INLINE void BinaryFocalCrossentropy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                 VectorView out) const {
  detail::mean_values(predicted, target, out, [&](Scalar x, Scalar target_value) {
    const Scalar t = smoothed(target_value);
    return balance(t) * power(missing(x, t), static_cast<Scalar>(gamma)) * entropy(x, t);
  });
}

MAAS_INLINE void BinaryFocalCrossentropy::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                   MatrixView out) const {
  detail::mean_slopes(predicted, target, out, [&](Scalar x, Scalar target_value) {
    const Scalar t = smoothed(target_value), g = static_cast<Scalar>(gamma), m = missing(x, t);
    const Scalar p = probability(x), chain = from_logits ? p * (Scalar(1) - p) : Scalar(1);
    const Scalar fall = (Scalar(1) - Scalar(2) * t) * chain;  // d missing / d x
    return balance(t) * (g * power(m, g - Scalar(1)) * fall * entropy(x, t) + power(m, g) * entropy_slope(x, t));
  });
}

MAAS_INLINE Scalar BinaryFocalCrossentropy::smoothed(Scalar t) const {
  const Scalar s = static_cast<Scalar>(label_smoothing);
  return t * (Scalar(1) - s) + Scalar(0.5) * s;
}

MAAS_INLINE Scalar BinaryFocalCrossentropy::missing(Scalar x, Scalar t) const {
  const Scalar p = probability(x);
  return Scalar(1) - (t * p + (Scalar(1) - t) * (Scalar(1) - p));
}

MAAS_INLINE Scalar BinaryFocalCrossentropy::balance(Scalar t) const {
  const Scalar a = static_cast<Scalar>(alpha);
  return apply_class_balancing ? t * a + (Scalar(1) - t) * (Scalar(1) - a) : Scalar(1);
}

MAAS_INLINE Scalar BinaryFocalCrossentropy::entropy(Scalar x, Scalar t) const {
  if (from_logits) return std::max(x, Scalar(0)) - x * t + std::log1p(std::exp(-std::abs(x)));
  const Scalar p = detail::clipped(x);
  return -(t * std::log(p) + (Scalar(1) - t) * std::log(Scalar(1) - p));
}

MAAS_INLINE Scalar BinaryFocalCrossentropy::entropy_slope(Scalar x, Scalar t) const {
  if (from_logits) return probability(x) - t;
  return detail::inside_clip(x) ? (x - t) / (x * (Scalar(1) - x)) : Scalar(0);
}

struct CategoricalFocalCrossentropy::Normalizer {
  template <class Row>
  Normalizer(const Row& row, bool logits)
      : from_logits(logits), log_sum(logits ? ops::log_sum_exp(row) : Scalar(0)), sum(logits ? Scalar(1) : row.sum()) {}
  Scalar operator()(Scalar x) const { return from_logits ? std::exp(x - log_sum) : x / sum; }
  bool from_logits;
  Scalar log_sum, sum;
};

MAAS_INLINE void CategoricalFocalCrossentropy::values(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                      VectorView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    const Normalizer normalizer(predicted.row(row), from_logits);
    out[row] = 0;
    for (Index i = 0; i < predicted.cols(); ++i)
      out[row] += value(detail::clipped(normalizer(predicted(row, i))), weight(target, row, i));
  }
}

MAAS_INLINE void CategoricalFocalCrossentropy::gradient(const ConstMatrixView& predicted, const ConstMatrixView& target,
                                                        MatrixView out) const {
  for (Index row = 0; row < predicted.rows(); ++row) {
    const Normalizer normalizer(predicted.row(row), from_logits);
    Scalar through_sum = 0;
    for (Index i = 0; i < predicted.cols(); ++i) {
      const Scalar p = normalizer(predicted(row, i));
      out(row, i) = detail::inside_clip(p) ? slope(p, weight(target, row, i)) : Scalar(0);
      through_sum += out(row, i) * p;
    }
    for (Index i = 0; i < predicted.cols(); ++i) {
      const Scalar p = normalizer(predicted(row, i));
      out(row, i) = (out(row, i) - through_sum) * (from_logits ? p : Scalar(1) / normalizer.sum);
    }
  }
}

MAAS_INLINE Scalar CategoricalFocalCrossentropy::weight(const ConstMatrixView& target, Index row, Index i) const {
  const Scalar s = static_cast<Scalar>(label_smoothing);
  return target(row, i) * (Scalar(1) - s) + s / static_cast<Scalar>(target.cols());
}

MAAS_INLINE Scalar CategoricalFocalCrossentropy::value(Scalar p, Scalar t) const {
  return -static_cast<Scalar>(alpha) * t * std::pow(Scalar(1) - p, static_cast<Scalar>(gamma)) * std::log(p);
}

MAAS_INLINE Scalar CategoricalFocalCrossentropy::slope(Scalar p, Scalar t) const {
  const Scalar g = static_cast<Scalar>(gamma), m = Scalar(1) - p;
  const Scalar by_factor = g == 0 ? Scalar(0) : g * std::pow(m, g - Scalar(1)) * std::log(p);
  return static_cast<Scalar>(alpha) * t * (by_factor - std::pow(m, g) / p);
}

}  // namespace maas::inline MAAS_ABI
