// The place where samples enter a network.
#pragma once

#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// Declares the shape of one sample of input. It computes nothing.
struct InputLayer {
  static constexpr std::string_view class_name = "InputLayer";
  Shape shape;
  static void fields(auto& self, auto&& field) { field("shape", self.shape); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward&) const {}
  void backward(const Backward&) const {}
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/input_layer-inl.hpp"
#endif
