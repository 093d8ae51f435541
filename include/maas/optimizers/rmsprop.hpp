// RMSprop.
#pragma once

#include "maas/ops/update.hpp"
#include "maas/optimizers/optimizer.hpp"

namespace maas::inline MAAS_ABI {

/// v = rho v + (1 - rho) g^2; centered: a = rho a + (1 - rho) g and v - a^2 in place of v under the root;
/// step = rate g / sqrt(v + epsilon) (epsilon inside the root, as in Keras 3); momentum mu: m = mu m + step, w -= m;
/// else w -= step.
struct RMSprop {
  static constexpr std::string_view class_name = "RMSprop";
  LearningRate learning_rate = 0.001;
  double rho = 0.9, momentum = 0, epsilon = 1e-7;
  bool centered = false;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("rho", self.rho);
    field("momentum", self.momentum);
    field("epsilon", self.epsilon);
    field("centered", self.centered);
    OptimizerOptions::fields(self.options, field);
  }

  std::span<const std::string_view> slot_names() const;
  void update(const Update& u) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/optimizers/rmsprop-inl.hpp"
#endif
