// Rectifiers.
#pragma once

#include "maas/activations/activation.hpp"

namespace maas::inline MAAS_ABI {

/// f(x) = max(x, 0); slope 0 at 0, as in TensorFlow. NaN stays NaN.
struct Relu {
  static constexpr std::string_view class_name = "relu";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return v < Scalar(0) ? Scalar(0) : v; });
  }
  static auto slope(const auto& y) { return (y > Scalar(0)).template cast<Scalar>(); }
};
inline constexpr Relu relu{};

}  // namespace maas::inline MAAS_ABI
