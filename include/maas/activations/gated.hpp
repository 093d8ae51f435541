// Activations that weigh x by a smooth or hard gate.
#pragma once

#include <cmath>

#include "maas/activations/sigmoids.hpp"

namespace maas::inline MAAS_ABI {

/// f(x) = x sigmoid(x); Keras 2 calls it swish.
struct Silu {
  static constexpr std::string_view class_name = "silu";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return v * detail::sigmoid_of(v); });
  }
  static auto slope(const auto& x, const auto&) {
    return x.unaryExpr([](Scalar v) {
      const Scalar s = detail::sigmoid_of(v);
      return s * (Scalar(1) + v * (Scalar(1) - s));
    });
  }
};
inline constexpr Silu silu{};
inline constexpr Silu swish{};

/// f(x) = x hard_sigmoid(x), with Keras 3's hard_sigmoid.
struct HardSilu {
  static constexpr std::string_view class_name = "hard_silu";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return v * detail::clamped(v / Scalar(6) + Scalar(0.5), Scalar(0), Scalar(1)); });
  }
  static auto slope(const auto& x, const auto&) {
    return x.unaryExpr([](Scalar v) {
      return v <= Scalar(-3) ? Scalar(0) : v >= Scalar(3) ? Scalar(1) : v / Scalar(3) + Scalar(0.5);
    });
  }
};
inline constexpr HardSilu hard_silu{};

/// f(x) = x Phi(x), Phi the normal distribution function; approximate: x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2.
struct Gelu {
  static constexpr std::string_view class_name = "gelu";
  bool approximate = false;
  static void fields(auto& self, auto&& field) { field("approximate", self.approximate); }
  auto value(const auto& x) const {
    const bool rough = approximate;
    return x.unaryExpr([=](Scalar v) { return v * (rough ? rough_gate(v) : gate(v)); });
  }
  auto slope(const auto& x, const auto&) const {
    const bool rough = approximate;
    return x.unaryExpr([=](Scalar v) { return rough ? rough_slope(v) : gate(v) + v * density(v); });
  }

 private:
  static Scalar gate(Scalar v) { return Scalar(0.5) * std::erfc(-v * Scalar(0.70710678118654752440)); }
  static Scalar density(Scalar v) { return Scalar(0.39894228040143267794) * std::exp(Scalar(-0.5) * v * v); }
  static Scalar inner(Scalar v) { return Scalar(0.79788456080286535588) * (v + Scalar(0.044715) * v * v * v); }
  static Scalar rough_gate(Scalar v) { return Scalar(0.5) * (Scalar(1) + std::tanh(inner(v))); }
  static Scalar rough_slope(Scalar v);
};
inline constexpr Gelu gelu{};

/// Gated linear unit: f(a, b) = a sigmoid(b), a and b being the first and the second half of the last axis, which must
/// be even (Dauphin and others 2017). Keras has it as a function; here the layer Activation runs it, and no other.
struct Glu {
  static constexpr std::string_view class_name = "glu";
  /// z: rows x 2 n, y: rows x n.
  static void forward(const ConstMatrixView& z, MatrixView y);
  static void backward(const ConstMatrixView& z, const ConstMatrixView& dy, MatrixView dz);
};
inline constexpr Glu glu{};

/// f(x) = x tanh(softplus(x)).
struct Mish {
  static constexpr std::string_view class_name = "mish";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return v * std::tanh(detail::softplus_of(v)); });
  }
  static auto slope(const auto& x, const auto&) {
    return x.unaryExpr([](Scalar v) {
      const Scalar t = std::tanh(detail::softplus_of(v));
      return t + v * (Scalar(1) - t * t) * detail::sigmoid_of(v);
    });
  }
};
inline constexpr Mish mish{};

/// f(x) = (x + sqrt(x^2 + b)) / 2, b = 4 by default.
struct Squareplus {
  static constexpr std::string_view class_name = "squareplus";
  double b = 4;
  static void fields(auto& self, auto&& field) { field("b", self.b); }
  auto value(const auto& x) const {
    const Scalar bend = static_cast<Scalar>(b);
    // Below 0 the sum would cancel; there the same value is b / (2 (sqrt(x^2 + b) - x)).
    return x.unaryExpr([=](Scalar v) {
      const Scalar root = std::sqrt(v * v + bend);
      return v < Scalar(0) ? Scalar(0.5) * bend / (root - v) : Scalar(0.5) * (v + root);
    });
  }
  auto slope(const auto& x, const auto&) const {
    return Scalar(0.5) * (Scalar(1) + x / (x.square() + static_cast<Scalar>(b)).sqrt());
  }
};
inline constexpr Squareplus squareplus{};

/// f(x) = 0 up to -1, (x + 1)^2 / 4 up to 1, x beyond.
struct SparsePlus {
  static constexpr std::string_view class_name = "sparse_plus";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) {
      const Scalar w = v + Scalar(1);
      return v <= Scalar(-1) ? Scalar(0) : v < Scalar(1) ? Scalar(0.25) * w * w : v;
    });
  }
  static auto slope(const auto& x, const auto&) {
    return x.unaryExpr([](Scalar v) { return detail::clamped(Scalar(0.5) * (v + Scalar(1)), Scalar(0), Scalar(1)); });
  }
};
inline constexpr SparsePlus sparse_plus{};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/activations/gated-inl.hpp"
#endif
