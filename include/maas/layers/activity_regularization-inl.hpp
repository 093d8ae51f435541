// Bodies of ActivityRegularization.
#pragma once

#include "maas/layers/activity_regularization.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE LayerPlan ActivityRegularization::plan(Shapes inputs) const {
  return {.output = detail::only_input(inputs, class_name), .activity_penalty = Regularizer(L1L2{l1, l2})};
}
MAAS_INLINE void ActivityRegularization::forward(const Forward& pass) const {
  MatrixView(pass.output) = pass.inputs[0];
}
MAAS_INLINE void ActivityRegularization::backward(const Backward& pass) const {
  if (pass.input_gradients[0].data() != nullptr) MatrixView(pass.input_gradients[0]) = pass.output_gradient;
}

}  // namespace maas::inline MAAS_ABI
