// Divergences and focal cross-entropies between distributions.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/losses/crossentropy.hpp"
#include "maas/losses/elementwise.hpp"

namespace maas::inline MAAS_ABI {

/// sum over outputs of t log(t / p), both clipped to [1e-7, 1].
struct KLDivergence {
  static constexpr std::string_view class_name = "KLDivergence";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    for (Index row = 0; row < predicted.rows(); ++row) {
      out[row] = 0;
      for (Index i = 0; i < predicted.cols(); ++i)
        out[row] += clip(target(row, i)) * std::log(clip(target(row, i)) / clip(predicted(row, i)));
    }
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    for (Index row = 0; row < predicted.rows(); ++row)
      for (Index i = 0; i < predicted.cols(); ++i) {
        const Scalar p = predicted(row, i);
        out(row, i) = p == clip(p) ? -clip(target(row, i)) / p : Scalar(0);
      }
  }

 private:
  static Scalar clip(Scalar x) { return std::clamp(x, detail::loss_epsilon, Scalar(1)); }
};
inline constexpr KLDivergence kl_divergence{};

/// Binary cross-entropy times (1 - p_t)^gamma, p_t being the probability given to the target: easy samples weigh less
/// (Lin and others 2017). With apply_class_balancing also times alpha for t = 1, 1 - alpha for t = 0.
struct BinaryFocalCrossentropy {
  static constexpr std::string_view class_name = "BinaryFocalCrossentropy";
  static constexpr bool mean_of_outputs = true;
  bool apply_class_balancing = false;
  double alpha = 0.25, gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  static void fields(auto& self, auto&& field) {
    field("apply_class_balancing", self.apply_class_balancing);
    field("alpha", self.alpha);
    field("gamma", self.gamma);
    field("from_logits", self.from_logits);
    field("label_smoothing", self.label_smoothing);
  }

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    detail::mean_values(predicted, target, out, [&](Scalar x, Scalar target_value) {
      const Scalar t = smoothed(target_value);
      return balance(t) * power(missing(x, t), static_cast<Scalar>(gamma)) * entropy(x, t);
    });
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
    detail::mean_slopes(predicted, target, out, [&](Scalar x, Scalar target_value) {
      const Scalar t = smoothed(target_value), g = static_cast<Scalar>(gamma), m = missing(x, t);
      const Scalar p = probability(x), chain = from_logits ? p * (Scalar(1) - p) : Scalar(1);
      const Scalar fall = (Scalar(1) - Scalar(2) * t) * chain;  // d missing / d x
      return balance(t) * (g * power(m, g - Scalar(1)) * fall * entropy(x, t) + power(m, g) * entropy_slope(x, t));
    });
  }
  void check_targets(const ConstMatrixView& target, Index) const { detail::require_probabilities(class_name, target); }

 private:
  static Scalar power(Scalar base, Scalar exponent) { return exponent == 0 ? Scalar(1) : std::pow(base, exponent); }
  Scalar smoothed(Scalar t) const {
    const Scalar s = static_cast<Scalar>(label_smoothing);
    return t * (Scalar(1) - s) + Scalar(0.5) * s;
  }
  Scalar probability(Scalar x) const { return from_logits ? Scalar(1) / (Scalar(1) + std::exp(-x)) : x; }
  Scalar missing(Scalar x, Scalar t) const {
    const Scalar p = probability(x);
    return Scalar(1) - (t * p + (Scalar(1) - t) * (Scalar(1) - p));
  }
  Scalar balance(Scalar t) const {
    const Scalar a = static_cast<Scalar>(alpha);
    return apply_class_balancing ? t * a + (Scalar(1) - t) * (Scalar(1) - a) : Scalar(1);
  }
  Scalar entropy(Scalar x, Scalar t) const {
    if (from_logits) return std::max(x, Scalar(0)) - x * t + std::log1p(std::exp(-std::abs(x)));
    const Scalar p = detail::clipped(x);
    return -(t * std::log(p) + (Scalar(1) - t) * std::log(Scalar(1) - p));
  }
  Scalar entropy_slope(Scalar x, Scalar t) const {
    if (from_logits) return probability(x) - t;
    return detail::inside_clip(x) ? (x - t) / (x * (Scalar(1) - x)) : Scalar(0);
  }
};
inline constexpr BinaryFocalCrossentropy binary_focal_crossentropy{};

/// sum over classes of -alpha t (1 - p)^gamma log p; p is divided by its sum, then clipped to [1e-7, 1 - 1e-7]. Targets
/// are one-hot or a distribution.
struct CategoricalFocalCrossentropy {
  static constexpr std::string_view class_name = "CategoricalFocalCrossentropy";
  double alpha = 0.25, gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  static void fields(auto& self, auto&& field) {
    field("alpha", self.alpha);
    field("gamma", self.gamma);
    field("from_logits", self.from_logits);
    field("label_smoothing", self.label_smoothing);
  }

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    for (Index row = 0; row < predicted.rows(); ++row) {
      const Normalizer normalizer(predicted.row(row), from_logits);
      out[row] = 0;
      for (Index i = 0; i < predicted.cols(); ++i)
        out[row] += value(detail::clipped(normalizer(predicted(row, i))), weight(target, row, i));
    }
  }
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const {
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
  void check_targets(const ConstMatrixView& target, Index) const { detail::require_probabilities(class_name, target); }

 private:
  /// Probabilities of one row: softmax of logits, or numbers divided by their sum.
  struct Normalizer {
    template <class Row>
    Normalizer(const Row& row, bool logits)
        : from_logits(logits),
          log_sum(logits ? ops::log_sum_exp(row) : Scalar(0)),
          sum(logits ? Scalar(1) : row.sum()) {}
    Scalar operator()(Scalar x) const { return from_logits ? std::exp(x - log_sum) : x / sum; }
    bool from_logits;
    Scalar log_sum, sum;
  };

  Scalar weight(const ConstMatrixView& target, Index row, Index i) const {
    const Scalar s = static_cast<Scalar>(label_smoothing);
    return target(row, i) * (Scalar(1) - s) + s / static_cast<Scalar>(target.cols());
  }
  Scalar value(Scalar p, Scalar t) const {
    return -static_cast<Scalar>(alpha) * t * std::pow(Scalar(1) - p, static_cast<Scalar>(gamma)) * std::log(p);
  }
  Scalar slope(Scalar p, Scalar t) const {
    const Scalar g = static_cast<Scalar>(gamma), m = Scalar(1) - p;
    const Scalar by_factor = g == 0 ? Scalar(0) : g * std::pow(m, g - Scalar(1)) * std::log(p);
    return static_cast<Scalar>(alpha) * t * (by_factor - std::pow(m, g) / p);
  }
};
inline constexpr CategoricalFocalCrossentropy categorical_focal_crossentropy{};

}  // namespace maas::inline MAAS_ABI
