// Layers that only look at the same numbers in another shape.
#pragma once

#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// All axes of a sample as one, row-major.
struct Flatten {
  static constexpr std::string_view class_name = "Flatten";
  LayerPlan plan(Shapes inputs) const { return {.output = Shape{detail::only_input(inputs, class_name).size()}}; }
  void forward(const Forward& pass) const { MatrixView(pass.output) = pass.inputs[0]; }
  void backward(const Backward& pass) const {
    if (pass.input_gradients[0].data() != nullptr) MatrixView(pass.input_gradients[0]) = pass.output_gradient;
  }
};

/// A Flatten layer.
inline Layer flatten() { return Flatten{}; }

}  // namespace maas::inline MAAS_ABI
