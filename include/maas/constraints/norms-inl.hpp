// Constraints on the sign and the length of weights: the bodies.
#pragma once

#include "maas/constraints/norms.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void MaxNorm::apply(VectorView weights, const Shape& shape) const {
  detail::rescale(weights, shape, axis, [&](double length) { return std::clamp(length, 0.0, max_value); });
}

MAAS_INLINE void UnitNorm::apply(VectorView weights, const Shape& shape) const {
  detail::rescale(weights, shape, axis, [](double) { return 1.0; });
}

MAAS_INLINE void MinMaxNorm::apply(VectorView weights, const Shape& shape) const {
  detail::rescale(weights, shape, axis,
                  [&](double length) { return rate * std::clamp(length, min_value, max_value) + (1 - rate) * length; });
}

}  // namespace maas::inline MAAS_ABI
