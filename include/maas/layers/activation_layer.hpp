// An activation as a layer of its own.
#pragma once

#include "maas/activations/activations.hpp"
#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// y = activation(x), along the last axis where the activation works on rows.
struct ActivationLayer {
  static constexpr std::string_view class_name = "Activation";
  Activation activation = linear;
  static void fields(auto& self, auto&& field) { field("activation", self.activation); }

  LayerPlan plan(Shapes inputs) const { return {.output = detail::only_input(inputs, class_name)}; }
  void forward(const Forward& pass) const {
    const Index columns = pass.output_shape.last();
    activation.forward(detail::as_rows(pass.inputs[0], columns), detail::as_rows(pass.output, columns));
  }
  void backward(const Backward& pass) const {
    if (pass.input_gradients[0].data() == nullptr) return;
    const Index columns = pass.output_shape.last();
    activation.backward(detail::as_rows(pass.inputs[0], columns), detail::as_rows(pass.output, columns),
                        detail::as_rows(pass.output_gradient, columns));
    MatrixView(pass.input_gradients[0]) = pass.output_gradient;
  }
  SplitLayer split_activation() const;
};

inline SplitLayer ActivationLayer::split_activation() const { return {ActivationLayer{}, activation}; }

/// An activation as a layer of its own.
inline Layer activation_layer(Activation activation) { return ActivationLayer{std::move(activation)}; }

}  // namespace maas::inline MAAS_ABI
