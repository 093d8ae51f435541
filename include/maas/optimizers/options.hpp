// What every optimizer can be told beside its own settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "maas/core/fields.hpp"

namespace maas::inline MAAS_ABI {

/// Settings that all optimizers share, with Keras' names and meaning. At most one of the three clippings may be set; 0
/// and less is no clipping.
struct OptimizerOptions {
  std::optional<double> weight_decay = std::nullopt;     ///< before a step: w -= rate weight_decay w
  std::optional<double> clipnorm = std::nullopt;         ///< longest gradient of one weight tensor
  std::optional<double> global_clipnorm = std::nullopt;  ///< longest gradient of all weights together
  std::optional<double> clipvalue = std::nullopt;        ///< largest element of a gradient, either sign
  bool use_ema = false;                                  ///< keep running averages of the weights; fit ends with them
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = std::nullopt;  ///< every so many steps weights become their averages
  std::optional<double> loss_scale_factor = std::nullopt;  ///< the loss is multiplied by it, its gradient divided again
  std::optional<int> gradient_accumulation_steps = std::nullopt;  ///< step on the mean gradient of so many batches;
                                                                  ///< schedules count the batches
  /// Weights whose name holds one of these texts do not decay. Keras does not save it, so files do not have it.
  std::vector<std::string> exclude_from_weight_decay = {};

  static void fields(auto& self, auto&& field) {
    field("weight_decay", self.weight_decay);
    field("clipnorm", self.clipnorm);
    field("global_clipnorm", self.global_clipnorm);
    field("clipvalue", self.clipvalue);
    field("use_ema", self.use_ema);
    field("ema_momentum", self.ema_momentum);
    field("ema_overwrite_frequency", self.ema_overwrite_frequency);
    field("loss_scale_factor", self.loss_scale_factor);
    field("gradient_accumulation_steps", self.gradient_accumulation_steps);
  }

  /// How many batches make one step.
  std::int64_t batches_a_step() const { return gradient_accumulation_steps.value_or(1); }
};

}  // namespace maas::inline MAAS_ABI
