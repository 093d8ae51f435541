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
  void update(const Update& u) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/optimizers/gradient_descent-inl.hpp"
#endif
