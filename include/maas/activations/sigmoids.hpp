// S-shaped activations.
#pragma once

#include "maas/activations/activation.hpp"

namespace maas::inline MAAS_ABI {

/// f(x) = 1 / (1 + exp(-x)).
struct Sigmoid {
  static constexpr std::string_view class_name = "sigmoid";
  static auto value(const auto& x) { return ((-x).exp() + Scalar(1)).inverse(); }
  static auto slope(const auto& y) { return y * (Scalar(1) - y); }
};
inline constexpr Sigmoid sigmoid{};

/// f(x) = tanh(x).
struct Tanh {
  static constexpr std::string_view class_name = "tanh";
  static auto value(const auto& x) { return x.tanh(); }
  static auto slope(const auto& y) { return Scalar(1) - y.square(); }
};

}  // namespace maas::inline MAAS_ABI
