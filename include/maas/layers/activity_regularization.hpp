// ActivityRegularization: a penalty on what passes through.
#pragma once

#include "maas/layers/layer.hpp"
#include "maas/regularizers/l1_l2.hpp"

namespace maas::inline MAAS_ABI {

/// y = x, and l1 sum |x| + l2 sum x^2, divided by the number of samples of the batch, is added to the loss.
struct ActivityRegularization {
  static constexpr std::string_view class_name = "ActivityRegularization";
  double l1 = 0;
  double l2 = 0;
  static void fields(auto& self, auto&& field) {
    field("l1", self.l1);
    field("l2", self.l2);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/activity_regularization-inl.hpp"
#endif
