// Bodies of the merging functions.
#pragma once

#include "maas/network/merge.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Symbol add(const std::vector<Symbol>& inputs) { return Layer(Add{})(inputs); }
MAAS_INLINE Symbol subtract(const Symbol& a, const Symbol& b) { return Layer(Subtract{})({a, b}); }
MAAS_INLINE Symbol multiply(const std::vector<Symbol>& inputs) { return Layer(Multiply{})(inputs); }
MAAS_INLINE Symbol average(const std::vector<Symbol>& inputs) { return Layer(Average{})(inputs); }
MAAS_INLINE Symbol maximum(const std::vector<Symbol>& inputs) { return Layer(Maximum{})(inputs); }
MAAS_INLINE Symbol minimum(const std::vector<Symbol>& inputs) { return Layer(Minimum{})(inputs); }
MAAS_INLINE Symbol concatenate(const std::vector<Symbol>& inputs, Index axis) {
  return Layer(Concatenate{.axis = axis})(inputs);
}
MAAS_INLINE Symbol dot(const Symbol& a, const Symbol& b, Axes axes, bool normalize) {
  return Layer(Dot{.axes = std::move(axes), .normalize = normalize})({a, b});
}

}  // namespace maas::inline MAAS_ABI
