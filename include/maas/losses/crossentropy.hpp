// Cross-entropies, from probabilities and from logits.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "maas/losses/loss.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Keras' backend epsilon: probabilities are clipped to [epsilon, 1 - epsilon] before a logarithm.
inline constexpr Scalar probability_epsilon = Scalar(1e-7);

inline Scalar clipped(Scalar p) { return std::clamp(p, probability_epsilon, Scalar(1) - probability_epsilon); }
/// Clipping has slope 0 outside its range.
inline bool inside_clip(Scalar p) { return p >= probability_epsilon && p <= Scalar(1) - probability_epsilon; }

void require_probabilities(std::string_view name, const ConstMatrixView& target);

/// Throws DataError unless the row's one target is a class number 0 ... outputs - 1.
void require_label(std::string_view name, const ConstMatrixView& target, Index row, Index outputs);

/// The smoothed targets of one row, class by class.
struct SmoothedRow {
  const ConstMatrixView& target;
  Index row;
  Scalar keep, share;
  Scalar operator()(Index i) const { return target(row, i) * keep + share; }
};

/// The targets of one row of class `label`, class by class.
struct OneHotRow {
  Index label;
  Scalar operator()(Index i) const { return i == label ? Scalar(1) : Scalar(0); }
};

}  // namespace detail

/// mean over outputs of -(t log p + (1 - t) log(1 - p)), p clipped to [1e-7, 1 - 1e-7].
/// On logits x: max(x, 0) - x t + log(1 + exp(-|x|)). Label smoothing s: t (1 - s) + s / 2.
struct BinaryCrossentropy {
  static constexpr std::string_view class_name = "BinaryCrossentropy";
  static constexpr bool mean_of_outputs = true;
  bool from_logits = false;
  double label_smoothing = 0;
  static void fields(auto& self, auto&& field) {
    field("from_logits", self.from_logits);
    field("label_smoothing", self.label_smoothing);
  }

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
  void check_targets(const ConstMatrixView& target, Index) const { detail::require_probabilities(class_name, target); }

 private:
  Scalar smoothed(Scalar t) const;
  Scalar one_value(Scalar x, Scalar t) const;
  Scalar one_slope(Scalar x, Scalar t) const;
};
inline constexpr BinaryCrossentropy binary_crossentropy{};

/// -sum t log p, the targets one-hot or a distribution; p is divided by its sum, then clipped to [1e-7, 1 - 1e-7].
/// On logits: log-softmax, unclipped. Label smoothing s over C classes: t (1 - s) + s / C.
struct CategoricalCrossentropy {
  static constexpr std::string_view class_name = "CategoricalCrossentropy";
  bool from_logits = false;
  double label_smoothing = 0;
  static void fields(auto& self, auto&& field) {
    field("from_logits", self.from_logits);
    field("label_smoothing", self.label_smoothing);
  }

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
  void check_targets(const ConstMatrixView& target, Index) const { detail::require_probabilities(class_name, target); }

 private:
  detail::SmoothedRow weights_of(const ConstMatrixView& target, Index row, Index classes) const;
};
inline constexpr CategoricalCrossentropy categorical_crossentropy{};

/// Categorical cross-entropy whose targets are class numbers 0 ... C - 1, one a row. Rows of class `ignore_class`
/// (any whole number: -1 and 255 are usual) have the value 0 and do not count in the mean.
struct SparseCategoricalCrossentropy {
  static constexpr std::string_view class_name = "SparseCategoricalCrossentropy";
  bool from_logits = false;
  std::optional<int> ignore_class = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("from_logits", self.from_logits);
    field("ignore_class", self.ignore_class);
  }

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
  Index target_columns(Index) const { return 1; }
  bool has_shares() const { return ignore_class.has_value(); }
  Scalar share(const ConstMatrixView& target, Index row) const { return ignored(target, row) ? Scalar(0) : Scalar(1); }
  void check_targets(const ConstMatrixView& target, Index outputs) const;

 private:
  bool ignored(const ConstMatrixView& target, Index row) const;
};
inline constexpr SparseCategoricalCrossentropy sparse_categorical_crossentropy{};

/// (1 - p^q) / q, p being the prediction for the target's class: between cross-entropy (q towards 0) and the absolute
/// error (q towards 1), for labels that may be wrong (Zhang and Sabuncu 2018). Targets are class numbers 0 ... C - 1,
/// one a row; predictions are taken as they are, neither clipped nor divided by their sum.
struct CategoricalGeneralizedCrossEntropy {
  static constexpr std::string_view class_name = "CategoricalGeneralizedCrossEntropy";
  double q = 0.5;  ///< between 0 and 1
  static void fields(auto& self, auto&& field) { field("q", self.q); }
  void check() const;

  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  void gradient(const ConstMatrixView& predicted, const ConstMatrixView& target, MatrixView out) const;
  Index target_columns(Index) const { return 1; }
  void check_targets(const ConstMatrixView& target, Index outputs) const;
};
inline constexpr CategoricalGeneralizedCrossEntropy categorical_generalized_cross_entropy{};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/losses/crossentropy-inl.hpp"
#endif
