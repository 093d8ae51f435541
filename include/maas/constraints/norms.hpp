// Constraints on the sign and the length of weights.
#pragma once

#include "maas/constraints/constraint.hpp"
#include "maas/core/axes.hpp"

namespace maas::inline MAAS_ABI {

/// w [w >= 0]: negative weights become 0.
struct NonNeg {
  static constexpr std::string_view class_name = "NonNeg";
  void apply(VectorView weights, const Shape& shape) const;
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
  void check() const;
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
  void check() const;
  void apply(VectorView weights, const Shape& shape) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/constraints/norms-inl.hpp"
#endif
