// Accuracies: the share of right answers.
#pragma once

#include <cmath>

#include "maas/metrics/metric.hpp"

namespace maas::inline MAAS_ABI {

/// Mean over outputs of [t == p], exactly equal.
struct Accuracy {
  static constexpr std::string_view class_name = "Accuracy";
  static constexpr bool larger_is_better = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
};

/// Mean over outputs of [t == (p > threshold)]; threshold 0.5, the comparison strict.
struct BinaryAccuracy {
  static constexpr std::string_view class_name = "BinaryAccuracy";
  static constexpr bool larger_is_better = true;
  double threshold = 0.5;  ///< finite; 0 suits outputs that are logits
  static void fields(auto& self, auto&& field) { field("threshold", self.threshold); }
  void check() const;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
};
inline constexpr BinaryAccuracy binary_accuracy{};

/// [argmax t == argmax p] for one-hot targets; the first of equal maxima counts.
struct CategoricalAccuracy {
  static constexpr std::string_view class_name = "CategoricalAccuracy";
  static constexpr bool larger_is_better = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
};
inline constexpr CategoricalAccuracy categorical_accuracy{};

/// [t == argmax p] for class numbers as targets.
struct SparseCategoricalAccuracy {
  static constexpr std::string_view class_name = "SparseCategoricalAccuracy";
  static constexpr bool larger_is_better = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  Index target_columns(Index) const { return 1; }
};
inline constexpr SparseCategoricalAccuracy sparse_categorical_accuracy{};

/// "accuracy" as Keras resolves it: binary where the model has one output; else sparse where targets have one column;
/// else categorical (also for several sigmoid outputs: use binary_accuracy there).
struct AutomaticAccuracy {
  static constexpr std::string_view class_name = "accuracy";
  static constexpr bool larger_is_better = true;
  static constexpr bool takes_labels = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
};
inline constexpr AutomaticAccuracy accuracy{};

namespace detail {
/// True if fewer than k classes of a row score more than class `label`: classes that tie with the k-th are all among
/// the k largest. A row that is not finite has no such classes.
template <class Row>
bool in_top_k(const Row& scores, Index label, Index k) {
  Index above = 0;
  for (Index i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) return false;
    above += scores[i] > scores[label];
  }
  return above < k;
}
void require_k(std::string_view name, Index k);
}  // namespace detail

/// [argmax t is among the k largest p] for one-hot targets.
struct TopKCategoricalAccuracy {
  static constexpr std::string_view class_name = "TopKCategoricalAccuracy";
  static constexpr bool larger_is_better = true;
  Index k = 5;
  static void fields(auto& self, auto&& field) { field("k", self.k); }
  void check() const { detail::require_k(class_name, k); }
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
};

/// [t is among the k largest p] for class numbers as targets; a number that is no class is not.
struct SparseTopKCategoricalAccuracy {
  static constexpr std::string_view class_name = "SparseTopKCategoricalAccuracy";
  static constexpr bool larger_is_better = true;
  Index k = 5;
  static void fields(auto& self, auto&& field) { field("k", self.k); }
  void check() const { detail::require_k(class_name, k); }
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
  Index target_columns(Index) const { return 1; }
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/accuracy-inl.hpp"
#endif
