// L-BFGS: steps along curvature that is learnt from the last gradients.
#pragma once

#include "maas/optimizers/optimizer.hpp"

namespace maas::inline MAAS_ABI {

/// Limited-memory BFGS (Liu and Nocedal 1989) over the full batch, for small networks: one step an epoch, whatever the
/// batch size. The direction is -H g, where H is built of the last `memory` moves of the weights and changes of the
/// gradient; how far to go is found by a search that wants enough descent and a flatter slope (weak Wolfe conditions,
/// bisection). A step takes one to a few passes forward and backward beside its own, at most `max_evaluations`. Where
/// no point is lower, the weights stay and H is forgotten. Not in Keras.
struct Lbfgs {
  static constexpr std::string_view class_name = "Lbfgs";
  static constexpr bool full_batch = true;
  LearningRate learning_rate = 1.0;  ///< the length tried first, in steps of -H g
  int memory = 10;                   ///< 1 to 20
  int max_evaluations = 20;          ///< tries a step, at least 1
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("memory", self.memory);
    field("max_evaluations", self.max_evaluations);
  }

  static constexpr int most_memory = 20;
  /// Moves, then changes of the gradient. Throws ConfigError for settings out of range.
  std::span<const std::string_view> slot_names() const;
  /// How many moves are remembered, and where the next one goes.
  static std::span<const std::string_view> scalar_names() {
    static constexpr std::string_view names[] = {"moves", "next"};
    return names;
  }
  /// Direction, start and its gradient, in double.
  static Index scratch_size(Index size, std::span<const TensorPlace>) { return 3 * size; }
  void step_with(const Update& update, Objective& objective) const;
};

}  // namespace maas::inline MAAS_ABI
