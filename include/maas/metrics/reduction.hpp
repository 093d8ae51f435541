// Mean and sum of the predictions themselves.
#pragma once

#include "maas/metrics/metric.hpp"

namespace maas::inline MAAS_ABI::metrics {

/// The weighted mean of predictions, whatever the targets; rows of several numbers are averaged first. (Keras' Mean is
/// given values by the user; here they are the model's outputs.)
struct Mean {
  static constexpr std::string_view class_name = "Mean";
  static constexpr bool ignores_targets = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView&, VectorView out) const {
    out = predicted.rowwise().mean();
  }
};

/// The weighted sum of predictions, whatever the targets.
struct Sum {
  static constexpr std::string_view class_name = "Sum";
  static constexpr bool ignores_targets = true;
  Index state_size(Index) const { return 1; }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView&,
           const ConstVectorView& weights) const {
    for (Index row = 0; row < predicted.rows(); ++row)
      for (Index i = 0; i < predicted.cols(); ++i)
        state[0] +=
            static_cast<double>(predicted(row, i)) * (weights.size() > 0 ? static_cast<double>(weights[row]) : 1.0);
  }
};

}  // namespace maas::inline MAAS_ABI::metrics
