// Stochastic gradient descent.
#pragma once

#include "maas/ops/update.hpp"
#include "maas/optimizers/optimizer.hpp"

namespace maas::inline MAAS_ABI {

/// Plain: w -= rate * g. With momentum mu: m = mu m - rate g; w += m. Nesterov: w += mu m - rate g, with the new m.
/// g is the gradient over a mini-batch; mu is from 0 to 1.
struct Sgd {
  static constexpr std::string_view class_name = "SGD";
  LearningRate learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("momentum", self.momentum);
    field("nesterov", self.nesterov);
    OptimizerOptions::fields(self.options, field);
  }

  void check() const;
  std::span<const std::string_view> slot_names() const;
  void update(const Update& u) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/optimizers/sgd-inl.hpp"
#endif
