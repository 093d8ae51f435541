// Merging of symbols by name: add({a, b}), concatenate({a, b}).
#pragma once

#include <vector>

#include "maas/layers/merging.hpp"
#include "maas/network/symbol.hpp"

namespace maas::inline MAAS_ABI {

/// Each applies the layer of that name (see layers/merging.hpp). Throws ShapeError where shapes do not fit.
inline Symbol add(const std::vector<Symbol>& inputs) { return Layer(Add{})(inputs); }
inline Symbol subtract(const Symbol& a, const Symbol& b) { return Layer(Subtract{})({a, b}); }
inline Symbol multiply(const std::vector<Symbol>& inputs) { return Layer(Multiply{})(inputs); }
inline Symbol average(const std::vector<Symbol>& inputs) { return Layer(Average{})(inputs); }
inline Symbol maximum(const std::vector<Symbol>& inputs) { return Layer(Maximum{})(inputs); }
inline Symbol minimum(const std::vector<Symbol>& inputs) { return Layer(Minimum{})(inputs); }
inline Symbol concatenate(const std::vector<Symbol>& inputs, Index axis = -1) {
  return Layer(Concatenate{.axis = axis})(inputs);
}
inline Symbol dot(const Symbol& a, const Symbol& b, Axes axes = -1, bool normalize = false) {
  return Layer(Dot{.axes = std::move(axes), .normalize = normalize})({a, b});
}

}  // namespace maas::inline MAAS_ABI
