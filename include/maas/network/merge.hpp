// Merging of symbols by name: add({a, b}), concatenate({a, b}).
#pragma once

#include <vector>

#include "maas/layers/merging.hpp"
#include "maas/network/symbol.hpp"

namespace maas::inline MAAS_ABI {

/// Each applies the layer of that name (see layers/merging.hpp). Throws ShapeError where shapes do not fit.
Symbol add(const std::vector<Symbol>& inputs);
Symbol subtract(const Symbol& a, const Symbol& b);
Symbol multiply(const std::vector<Symbol>& inputs);
Symbol average(const std::vector<Symbol>& inputs);
Symbol maximum(const std::vector<Symbol>& inputs);
Symbol minimum(const std::vector<Symbol>& inputs);
Symbol concatenate(const std::vector<Symbol>& inputs, Index axis = -1);
Symbol dot(const Symbol& a, const Symbol& b, Axes axes = -1, bool normalize = false);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/merge-inl.hpp"
#endif
