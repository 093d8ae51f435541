// Gradient descent over the full batch.
#pragma once

#include "maas/ops/update.hpp"
#include "maas/optimizers/optimizer.hpp"

namespace maas::inline MAAS_ABI {

/// w -= rate * g, where g is the gradient over the whole data set: one step an epoch, whatever the batch size.
struct GradientDescent {
  static constexpr std::string_view class_name = "GradientDescent";
  static constexpr bool full_batch = true;
  LearningRate learning_rate = 0.01;
  static void fields(auto& self, auto&& field) { field("learning_rate", self.learning_rate); }

  static std::span<const std::string_view> slot_names() { return {}; }
  void update(const Update& u) const {
    const Scalar rate = static_cast<Scalar>(u.learning_rate);
    ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
      ops::part_of(u.parameters, first, count) -= rate * u.gradient.segment(first, count);
    });
  }
};

}  // namespace maas::inline MAAS_ABI
