// Optimizers that look at whole weight tensors: Lamb and Adafactor.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/ops/update.hpp"
#include "maas/optimizers/optimizer.hpp"

namespace maas::inline MAAS_ABI {

/// Adam's direction, its length made that of the tensor (You and others 2020): m, v as in Adam; r = m / (1 - beta_1^t)
/// / (sqrt(v / (1 - beta_2^t)) + epsilon); w -= rate |w| / |r| r, the factor being 1 where either length is 0.
struct Lamb {
  static constexpr std::string_view class_name = "Lamb";
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("beta_1", self.beta_1);
    field("beta_2", self.beta_2);
    field("epsilon", self.epsilon);
    OptimizerOptions::fields(self.options, field);
  }
  static std::span<const std::string_view> slot_names();
  void update(const Update& u) const;
};

/// Adam without its memory (Shazeer and Stern 2018): the mean squares of a tensor of rank 2 or more are kept as the
/// means of its rows and columns. As in Keras: rate = relative_step ? min(rate, 1 / sqrt(t)) : rate, times
/// max(epsilon_2, root mean square of w); beta = 1 - t^beta_2_decay; the step is shortened where its root mean square
/// exceeds clip_threshold.
struct Adafactor {
  static constexpr std::string_view class_name = "Adafactor";
  LearningRate learning_rate = 0.001;
  double beta_2_decay = -0.8, epsilon_1 = 1e-30, epsilon_2 = 1e-3, clip_threshold = 1;
  bool relative_step = true;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("beta_2_decay", self.beta_2_decay);
    field("epsilon_1", self.epsilon_1);
    field("epsilon_2", self.epsilon_2);
    field("clip_threshold", self.clip_threshold);
    field("relative_step", self.relative_step);
    OptimizerOptions::fields(self.options, field);
  }
  /// The row and column means lie at the start of their tensor's place; a tensor of rank 3 or more is a stack of
  /// matrices, each with its own. "velocity" follows from them for tensors of rank 2 or more.
  static std::span<const std::string_view> slot_names();
  void update(const Update& u) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/optimizers/layerwise-inl.hpp"
#endif
