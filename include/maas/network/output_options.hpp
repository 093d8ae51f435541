// OutputOptions: how one output of several is trained and measured.
#pragma once

#include <optional>
#include <vector>

#include "maas/losses/losses.hpp"
#include "maas/metrics/metrics.hpp"

namespace maas::inline MAAS_ABI {

/// What compile is told of one output where a network has several: what Keras takes as one entry each of the lists
/// `loss`, `loss_weights`, `metrics` and `weighted_metrics`.
struct OutputOptions {
  std::optional<Loss> loss = std::nullopt;  ///< nothing: the output is measured, but not trained
  double loss_weight = 1;                   ///< multiplies the loss in the sum; the figure of the output is without it
  std::vector<Metric> metrics = {};         ///< reported as "<output>_<metric>"
  std::vector<Metric> weighted_metrics = {};  ///< likewise; sample weights count in them
};

}  // namespace maas::inline MAAS_ABI
