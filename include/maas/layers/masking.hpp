// Masking: steps of a sequence that later layers are to leave out.
#pragma once

#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// Marks each step (each position of all axes but the last) whose numbers all equal mask_value, and zeroes it. What
/// follows the layer carries the mask: see MaskRule. Where it reaches an output of the network, masked steps weigh
/// nothing in the loss.
struct Masking {
  static constexpr std::string_view class_name = "Masking";
  double mask_value = 0;
  static void fields(auto& self, auto&& field) { field("mask_value", self.mask_value); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
  void mask(const MaskPass& pass) const;
};

/// A Masking layer.
Layer masking(double mask_value = 0);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/masking-inl.hpp"
#endif
