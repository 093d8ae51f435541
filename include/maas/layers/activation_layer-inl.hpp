// An activation as a layer of its own: the bodies.
#pragma once

#include "maas/layers/activation_layer.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE LayerPlan ActivationLayer::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  if (!activation.halves()) return {.output = input};
  require<ShapeError>(input.rank() >= 1 && input.last() % 2 == 0,
                      "Activation: expected an even number of features for {}, got {}", activation.class_name(),
                      input.text());
  return {.output = input.with_last(input.last() / 2)};
}

MAAS_INLINE void ActivationLayer::forward(const Forward& pass) const {
  const Index columns = pass.output_shape.last();
  activation.forward(detail::as_rows(pass.inputs[0], activation.halves() ? 2 * columns : columns),
                     detail::as_rows(pass.output, columns));
}

MAAS_INLINE void ActivationLayer::backward(const Backward& pass) const {
  if (pass.input_gradients[0].data() == nullptr) return;
  const Index columns = pass.output_shape.last();
  if (activation.halves()) {
    activation.halved_backward(detail::as_rows(pass.inputs[0], 2 * columns),
                               detail::as_rows(as_const(pass.output_gradient), columns),
                               detail::as_rows(pass.input_gradients[0], 2 * columns));
    return;
  }
  activation.backward(detail::as_rows(pass.inputs[0], columns), detail::as_rows(pass.output, columns),
                      detail::as_rows(pass.output_gradient, columns));
  MatrixView(pass.input_gradients[0]) = pass.output_gradient;
}

MAAS_INLINE SplitLayer ActivationLayer::split_activation() const { return {ActivationLayer{}, activation}; }

MAAS_INLINE Layer activation_layer(Activation activation) { return ActivationLayer{std::move(activation)}; }

}  // namespace maas::inline MAAS_ABI
