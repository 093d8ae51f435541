// Constraints on the sign and the length of weights: the bodies.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "maas/constraints/norms.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline constexpr double norm_epsilon = 1e-7;

/// Multiplies every run of weights along the axes by wanted(length) / (1e-7 + length).
template <class Wanted>
void rescale(VectorView weights, const Shape& shape, const Axes& axes, Wanted&& wanted) {
  std::array<bool, Shape::max_rank> along{};
  for (Index axis : axes.list) {
    const Index place = axis < 0 ? axis + shape.rank() : axis;
    require<ConfigError>(place >= 0 && place < shape.rank(),
                         "constraint: expected an axis of a weight of shape {}, got {}", shape.text(), axis);
    along[static_cast<std::size_t>(place)] = true;
  }
  // Walk the other axes; for each of their positions walk the axes of the length twice.
  std::array<Index, Shape::max_rank> stride{};
  Index step = 1;
  for (Index axis = shape.rank() - 1; axis >= 0; --axis) {
    stride[static_cast<std::size_t>(axis)] = step;
    step *= shape[axis];
  }
  auto offset_of = [&](Index flat, bool inside) {
    Index offset = 0;
    for (Index axis = shape.rank() - 1; axis >= 0; --axis) {
      if (along[static_cast<std::size_t>(axis)] != inside) continue;
      offset += flat % shape[axis] * stride[static_cast<std::size_t>(axis)];
      flat /= shape[axis];
    }
    return offset;
  };
  Index inner = 1, outer = 1;
  for (Index axis = 0; axis < shape.rank(); ++axis)
    (along[static_cast<std::size_t>(axis)] ? inner : outer) *= shape[axis];
  for (Index i = 0; i < outer; ++i) {
    const Index start = offset_of(i, false);
    double squares = 0;
    for (Index k = 0; k < inner; ++k) {
      const double w = static_cast<double>(weights[start + offset_of(k, true)]);
      squares += w * w;
    }
    const double length = std::sqrt(squares);
    const Scalar factor = static_cast<Scalar>(wanted(length) / (norm_epsilon + length));
    for (Index k = 0; k < inner; ++k) weights[start + offset_of(k, true)] *= factor;
  }
}

}  // namespace detail

MAAS_INLINE void MaxNorm::check() const {
  require<ConfigError>(max_value >= 0, "MaxNorm: expected a max_value of at least 0, got {}", max_value);
}

MAAS_INLINE void MaxNorm::apply(VectorView weights, const Shape& shape) const {
  detail::rescale(weights, shape, axis, [&](double length) { return std::clamp(length, 0.0, max_value); });
}

MAAS_INLINE void UnitNorm::apply(VectorView weights, const Shape& shape) const {
  detail::rescale(weights, shape, axis, [](double) { return 1.0; });
}

MAAS_INLINE void MinMaxNorm::check() const {
  require<ConfigError>(min_value <= max_value, "MinMaxNorm: expected a min_value of at most max_value = {}, got {}",
                       max_value, min_value);
}

MAAS_INLINE void MinMaxNorm::apply(VectorView weights, const Shape& shape) const {
  detail::rescale(weights, shape, axis,
                  [&](double length) { return rate * std::clamp(length, min_value, max_value) + (1 - rate) * length; });
}

MAAS_INLINE void NonNeg::apply(VectorView weights, const Shape&) const { weights = weights.cwiseMax(Scalar(0)); }

}  // namespace maas::inline MAAS_ABI
