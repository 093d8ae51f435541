// Rectifiers: identity on one side, something smaller on the other.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "maas/activations/activation.hpp"
#include "maas/ops/elementwise.hpp"

namespace maas::inline MAAS_ABI {

/// f(x) = max(x, 0); slope 0 at 0, as in TensorFlow. NaN stays NaN.
struct Relu {
  static constexpr std::string_view class_name = "relu";
  static constexpr ops::Curve curve = ops::Curve::relu;
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return v < Scalar(0) ? Scalar(0) : v; });
  }
  static auto slope(const auto& y) { return (y > Scalar(0)).template cast<Scalar>(); }
  static void sweep(Index count, const Scalar* x, Scalar* y) { ops::relu(count, x, y); }
  static void sweep_gradient(Index count, const Scalar* y, Scalar* gradient) { ops::relu_gradient(count, y, gradient); }
};
inline constexpr Relu relu{};

/// f(x) = max_value above it, x above threshold, negative_slope (x - threshold) from threshold down: Keras' relu with
/// all its arguments. max_value is at least 0 if set, threshold and negative_slope at least 0. Slopes at the corners
/// are Keras' too: 1 at max_value; at threshold 0, or negative_slope where that is the only argument.
struct BoundedRelu {
  static constexpr std::string_view class_name = "ReLU";
  std::optional<double> max_value = std::nullopt;
  double negative_slope = 0;
  double threshold = 0;
  static void fields(auto& self, auto&& field) {
    field("max_value", self.max_value);
    field("negative_slope", self.negative_slope);
    field("threshold", self.threshold);
  }
  auto value(const auto& x) const {
    const Scalar top = limit(), low = static_cast<Scalar>(threshold), tilt = static_cast<Scalar>(negative_slope);
    return x.unaryExpr([=](Scalar v) { return v > top ? top : v > low ? v : tilt * (v - low); });
  }
  auto slope(const auto& x, const auto&) const {
    const Scalar top = limit(), low = static_cast<Scalar>(threshold), tilt = static_cast<Scalar>(negative_slope);
    const Scalar corner = !max_value && threshold == 0 ? tilt : Scalar(0);
    return x.unaryExpr([=](Scalar v) { return v > top ? Scalar(0) : v > low ? Scalar(1) : v < low ? tilt : corner; });
  }

 private:
  Scalar limit() const { return max_value ? static_cast<Scalar>(*max_value) : std::numeric_limits<Scalar>::infinity(); }
};

/// f(x) = min(max(x, 0), 6); slope 0 at both corners.
struct Relu6 {
  static constexpr std::string_view class_name = "relu6";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return v < Scalar(0) ? Scalar(0) : v > Scalar(6) ? Scalar(6) : v; });
  }
  static auto slope(const auto& y) { return (y > Scalar(0) && y < Scalar(6)).template cast<Scalar>(); }
};
inline constexpr Relu6 relu6{};

/// f(x) = x for x > 0, negative_slope x below (default 0.2, as the function in Keras 3; the layer LeakyReLU has 0.3).
struct LeakyRelu {
  static constexpr std::string_view class_name = "leaky_relu";
  double negative_slope = 0.2;
  static void fields(auto& self, auto&& field) { field("negative_slope", self.negative_slope); }
  auto value(const auto& x) const {
    const Scalar tilt = static_cast<Scalar>(negative_slope);
    return x.unaryExpr([=](Scalar v) { return v < Scalar(0) ? tilt * v : v; });
  }
  auto slope(const auto& x, const auto&) const {
    const Scalar tilt = static_cast<Scalar>(negative_slope);
    return x.unaryExpr([=](Scalar v) { return v > Scalar(0) ? Scalar(1) : tilt; });
  }
};
inline constexpr LeakyRelu leaky_relu{};

/// f(x) = x for x > 0, alpha (exp(x) - 1) below; slope alpha at 0.
struct Elu {
  static constexpr std::string_view class_name = "elu";
  double alpha = 1;
  static void fields(auto& self, auto&& field) { field("alpha", self.alpha); }
  auto value(const auto& x) const {
    const Scalar a = static_cast<Scalar>(alpha);
    return x.unaryExpr([=](Scalar v) { return v < Scalar(0) ? a * std::expm1(v) : v; });
  }
  auto slope(const auto& x, const auto& y) const {
    const Scalar a = static_cast<Scalar>(alpha);
    return x.binaryExpr(y, [=](Scalar v, Scalar f) { return v > Scalar(0) ? Scalar(1) : f + a; });
  }
};
inline constexpr Elu elu{};

/// f(x) = s x for x > 0, s a (exp(x) - 1) below, with the constants that keep mean 0 and variance 1 (Klambauer and
/// others 2017). Slope s at 0.
struct Selu {
  static constexpr std::string_view class_name = "selu";
  static constexpr Scalar scale = Scalar(1.0507009873554804934), alpha = Scalar(1.6732632423543772848);
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return scale * (v < Scalar(0) ? alpha * std::expm1(v) : v); });
  }
  static auto slope(const auto& x, const auto& y) {
    return x.binaryExpr(y, [](Scalar v, Scalar f) { return v < Scalar(0) ? f + scale * alpha : scale; });
  }
};
inline constexpr Selu selu{};

/// f(x) = max(x, 0) + min(0, alpha (exp(x / alpha) - 1)). At 0 both branches count, as in TensorFlow: slope 2.
struct Celu {
  static constexpr std::string_view class_name = "celu";
  double alpha = 1;
  static void fields(auto& self, auto&& field) { field("alpha", self.alpha); }
  auto value(const auto& x) const {
    const Scalar a = static_cast<Scalar>(alpha);
    return x.unaryExpr([=](Scalar v) { return v < Scalar(0) ? a * std::expm1(v / a) : v; });
  }
  auto slope(const auto& x, const auto&) const {
    const Scalar a = static_cast<Scalar>(alpha);
    return x.unaryExpr([=](Scalar v) {
      return v > Scalar(0) ? Scalar(1) : v < Scalar(0) ? std::exp(v / a) : Scalar(2);
    });
  }
};
inline constexpr Celu celu{};

}  // namespace maas::inline MAAS_ABI
