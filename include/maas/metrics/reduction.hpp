// Mean and sum of the predictions themselves.
#pragma once

#include "maas/metrics/metric.hpp"

namespace maas::inline MAAS_ABI::metrics {

/// The weighted mean of predictions, whatever the targets; rows of several numbers are averaged first. (Keras' Mean is
/// given values by the user; here they are the model's outputs.)
struct Mean {
  static constexpr std::string_view class_name = "Mean";
  static constexpr bool ignores_targets = true;
  void values(const ConstMatrixView& predicted, const ConstMatrixView& target, VectorView out) const;
};

/// The weighted sum of predictions, whatever the targets.
struct Sum {
  static constexpr std::string_view class_name = "Sum";
  static constexpr bool ignores_targets = true;
  Index state_size(Index) const { return 1; }
  void add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView& target,
           const ConstVectorView& weights) const;
};

}  // namespace maas::inline MAAS_ABI::metrics

#if !defined(MAAS_COMPILED)
#include "maas/metrics/reduction-inl.hpp"
#endif
