// An activation as a layer of its own.
#pragma once

#include "maas/activations/activations.hpp"
#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// y = activation(x), along the last axis where the activation works on rows. glu halves the last axis; one of an odd
/// number of features throws ShapeError.
struct ActivationLayer {
  static constexpr std::string_view class_name = "Activation";
  Activation activation = linear;
  static void fields(auto& self, auto&& field) { field("activation", self.activation); }

  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
  SplitLayer split_activation() const;
};

/// An activation as a layer of its own.
Layer activation_layer(Activation activation);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/activation_layer-inl.hpp"
#endif
