// Activations that pull small values to zero.
#pragma once

#include <cmath>

#include "maas/activations/activation.hpp"

namespace maas::inline MAAS_ABI {

/// f(x) = x where |x| > threshold, else 0.
struct HardShrink {
  static constexpr std::string_view class_name = "hard_shrink";
  double threshold = 0.5;
  static void fields(auto& self, auto&& field) { field("threshold", self.threshold); }
  auto value(const auto& x) const {
    const Scalar limit = static_cast<Scalar>(threshold);
    return x.unaryExpr([=](Scalar v) { return std::abs(v) <= limit ? Scalar(0) : v; });
  }
  auto slope(const auto& x, const auto&) const {
    return (x.abs() > static_cast<Scalar>(threshold)).template cast<Scalar>();
  }
};
inline constexpr HardShrink hard_shrink{};

/// f(x) = x - threshold above it, x + threshold below -threshold, 0 between.
struct SoftShrink {
  static constexpr std::string_view class_name = "soft_shrink";
  double threshold = 0.5;
  static void fields(auto& self, auto&& field) { field("threshold", self.threshold); }
  auto value(const auto& x) const {
    const Scalar limit = static_cast<Scalar>(threshold);
    return x.unaryExpr([=](Scalar v) { return v > limit ? v - limit : v < -limit ? v + limit : Scalar(0); });
  }
  auto slope(const auto& x, const auto&) const {
    return (x.abs() > static_cast<Scalar>(threshold)).template cast<Scalar>();
  }
};
inline constexpr SoftShrink soft_shrink{};

/// f(x) = x - tanh(x).
struct TanhShrink {
  static constexpr std::string_view class_name = "tanh_shrink";
  static auto value(const auto& x) { return x - x.tanh(); }
  static auto slope(const auto& x, const auto&) { return x.tanh().square(); }
};
inline constexpr TanhShrink tanh_shrink{};

/// f(x) = x where x > threshold, else default_value.
struct Threshold {
  static constexpr std::string_view class_name = "threshold";
  double threshold = 0, default_value = 0;
  static void fields(auto& self, auto&& field) {
    field("threshold", self.threshold);
    field("default_value", self.default_value);
  }
  auto value(const auto& x) const {
    const Scalar limit = static_cast<Scalar>(threshold), other = static_cast<Scalar>(default_value);
    return x.unaryExpr([=](Scalar v) { return v <= limit ? other : v; });
  }
  auto slope(const auto& x, const auto&) const { return (x > static_cast<Scalar>(threshold)).template cast<Scalar>(); }
};

}  // namespace maas::inline MAAS_ABI
