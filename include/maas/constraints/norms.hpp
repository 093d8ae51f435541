// Constraints on the sign and the length of weights.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "maas/constraints/constraint.hpp"
#include "maas/core/axes.hpp"

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

/// w [w >= 0]: negative weights become 0.
struct NonNeg {
  static constexpr std::string_view class_name = "NonNeg";
  void apply(VectorView weights, const Shape&) const { weights = weights.cwiseMax(Scalar(0)); }
};

/// Weights along `axis` are at most max_value long: w clip(|w|, 0, max) / (1e-7 + |w|). Axis 0 of a dense kernel: the
/// weights into one unit.
struct MaxNorm {
  static constexpr std::string_view class_name = "MaxNorm";
  double max_value = 2;
  Axes axis = 0;
  static void fields(auto& self, auto&& field) {
    field("max_value", self.max_value);
    field("axis", self.axis);
  }
  void apply(VectorView weights, const Shape& shape) const;
};

/// Weights along `axis` have length 1: w / (1e-7 + |w|).
struct UnitNorm {
  static constexpr std::string_view class_name = "UnitNorm";
  Axes axis = 0;
  static void fields(auto& self, auto&& field) { field("axis", self.axis); }
  void apply(VectorView weights, const Shape& shape) const;
};

/// Weights along `axis` are between min_value and max_value long; rate < 1 goes only that share of the way.
struct MinMaxNorm {
  static constexpr std::string_view class_name = "MinMaxNorm";
  double min_value = 0, max_value = 1, rate = 1;
  Axes axis = 0;
  static void fields(auto& self, auto&& field) {
    field("min_value", self.min_value);
    field("max_value", self.max_value);
    field("rate", self.rate);
    field("axis", self.axis);
  }
  void apply(VectorView weights, const Shape& shape) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/constraints/norms-inl.hpp"
#endif
