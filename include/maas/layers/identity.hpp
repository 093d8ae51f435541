// Identity: the input as it is.
#pragma once

#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// y = x: a name for a place in a network. (The initializer of Keras' name is Identity, as there.)
struct IdentityLayer {
  static constexpr std::string_view class_name = "Identity";
  LayerPlan plan(Shapes inputs) const { return {.output = detail::only_input(inputs, class_name)}; }
  void forward(const Forward& pass) const { MatrixView(pass.output) = pass.inputs[0]; }
  void backward(const Backward& pass) const {
    if (pass.input_gradients[0].data() != nullptr) MatrixView(pass.input_gradients[0]) = pass.output_gradient;
  }
};

}  // namespace maas::inline MAAS_ABI
