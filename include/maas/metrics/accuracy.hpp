// Accuracies: the share of right answers.
#pragma once

#include "maas/metrics/metric.hpp"

namespace maas::inline MAAS_ABI {

/// Mean over outputs of [t == (p > threshold)]; threshold 0.5, the comparison strict.
struct BinaryAccuracy {
  static constexpr std::string_view class_name = "BinaryAccuracy";
  double threshold = 0.5;
  static void fields(auto& self, auto&& field) { field("threshold", self.threshold); }
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    const Scalar limit = static_cast<Scalar>(threshold);
    for (Index row = 0; row < predicted.rows(); ++row) {
      Index right = 0;
      for (Index i = 0; i < predicted.cols(); ++i)
        right += target(row, i) == (predicted(row, i) > limit ? Scalar(1) : Scalar(0));
      out[row] = static_cast<Scalar>(right) / static_cast<Scalar>(predicted.cols());
    }
  }
};
inline constexpr BinaryAccuracy binary_accuracy{};

/// [argmax t == argmax p] for one-hot targets; the first of equal maxima counts.
struct CategoricalAccuracy {
  static constexpr std::string_view class_name = "CategoricalAccuracy";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    for (Index row = 0; row < predicted.rows(); ++row) {
      Index guess = 0, truth = 0;
      predicted.row(row).maxCoeff(&guess);
      target.row(row).maxCoeff(&truth);
      out[row] = guess == truth ? Scalar(1) : Scalar(0);
    }
  }
};
inline constexpr CategoricalAccuracy categorical_accuracy{};

/// [t == argmax p] for class numbers as targets.
struct SparseCategoricalAccuracy {
  static constexpr std::string_view class_name = "SparseCategoricalAccuracy";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    for (Index row = 0; row < predicted.rows(); ++row) {
      Index guess = 0;
      predicted.row(row).maxCoeff(&guess);
      out[row] = static_cast<Scalar>(guess) == target(row, 0) ? Scalar(1) : Scalar(0);
    }
  }
};
inline constexpr SparseCategoricalAccuracy sparse_categorical_accuracy{};

/// "accuracy" as Keras resolves it: binary where the model has one output; else sparse where targets have one column;
/// else categorical (also for several sigmoid outputs: use binary_accuracy there).
struct AutomaticAccuracy {
  static constexpr std::string_view class_name = "accuracy";
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const {
    if (predicted.cols() == 1)
      BinaryAccuracy{}.values(predicted, target, out);
    else if (target.cols() == 1)
      SparseCategoricalAccuracy{}.values(predicted, target, out);
    else
      CategoricalAccuracy{}.values(predicted, target, out);
  }
};
inline constexpr AutomaticAccuracy accuracy{};

}  // namespace maas::inline MAAS_ABI
