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
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;

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

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
  void check_targets(const ConstMatrixView& target, Index) const { detail::require_probabilities(class_name, target); }

 private:
  static Scalar power(Scalar base, Scalar exponent) { return exponent == 0 ? Scalar(1) : std::pow(base, exponent); }
  Scalar smoothed(Scalar t) const;
  Scalar probability(Scalar x) const { return from_logits ? Scalar(1) / (Scalar(1) + std::exp(-x)) : x; }
  Scalar missing(Scalar x, Scalar t) const;
  Scalar balance(Scalar t) const;
  Scalar entropy(Scalar x, Scalar t) const;
  Scalar entropy_slope(Scalar x, Scalar t) const;
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

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
  void check_targets(const ConstMatrixView& target, Index) const { detail::require_probabilities(class_name, target); }

 private:
  /// Probabilities of one row: softmax of logits, or numbers divided by their sum.
  struct Normalizer;

  Scalar weight(const ConstMatrixView& target, Index row, Index i) const;
  Scalar value(Scalar p, Scalar t) const;
  Scalar slope(Scalar p, Scalar t) const;
};
inline constexpr CategoricalFocalCrossentropy categorical_focal_crossentropy{};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/losses/divergence-inl.hpp"
#endif
