// S-shaped activations, and their kin.
#pragma once

#include <cmath>

#include "maas/activations/activation.hpp"
#include "maas/ops/elementwise.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
/// log(1 + exp(x)) without overflow.
inline Scalar softplus_of(Scalar x) { return std::max(x, Scalar(0)) + std::log1p(std::exp(-std::abs(x))); }
inline Scalar sigmoid_of(Scalar x) { return Scalar(1) / (Scalar(1) + std::exp(-x)); }
inline Scalar clamped(Scalar x, Scalar low, Scalar high) { return x < low ? low : x > high ? high : x; }
}  // namespace detail

/// f(x) = 1 / (1 + exp(-x)).
struct Sigmoid {
  static constexpr std::string_view class_name = "sigmoid";
  static constexpr ops::Curve curve = ops::Curve::sigmoid;
  static auto value(const auto& x) { return ((-x).exp() + Scalar(1)).inverse(); }
  static auto slope(const auto& y) { return y * (Scalar(1) - y); }
  static void sweep(Index count, const Scalar* x, Scalar* y) { ops::sigmoid(count, x, y); }
  static void sweep_gradient(Index count, const Scalar* y, Scalar* gradient) {
    ops::sigmoid_gradient(count, y, gradient);
  }
};
inline constexpr Sigmoid sigmoid{};

/// f(x) = tanh(x).
struct Tanh {
  static constexpr std::string_view class_name = "tanh";
  static constexpr ops::Curve curve = ops::Curve::tanh;
  static auto value(const auto& x) { return x.tanh(); }
  static auto slope(const auto& y) { return Scalar(1) - y.square(); }
  static void sweep(Index count, const Scalar* x, Scalar* y) { ops::tanh(count, x, y); }
  static void sweep_gradient(Index count, const Scalar* y, Scalar* gradient) { ops::tanh_gradient(count, y, gradient); }
};

/// f(x) = clip(x / 6 + 1/2, 0, 1): Keras 3's.
struct HardSigmoid {
  static constexpr std::string_view class_name = "hard_sigmoid";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return detail::clamped(v / Scalar(6) + Scalar(0.5), Scalar(0), Scalar(1)); });
  }
  static auto slope(const auto& y) {
    return (y > Scalar(0) && y < Scalar(1)).template cast<Scalar>() * (Scalar(1) / Scalar(6));
  }
};
inline constexpr HardSigmoid hard_sigmoid{};

/// f(x) = clip(0.2 x + 0.5, 0, 1): what Keras 1 and 2 call hard_sigmoid; files of those versions are read as this one.
/// Keras 3 has no name for it.
struct Keras2HardSigmoid {
  static constexpr std::string_view class_name = "keras2_hard_sigmoid";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return detail::clamped(Scalar(0.2) * v + Scalar(0.5), Scalar(0), Scalar(1)); });
  }
  static auto slope(const auto& y) { return (y > Scalar(0) && y < Scalar(1)).template cast<Scalar>() * Scalar(0.2); }
};
inline constexpr Keras2HardSigmoid keras2_hard_sigmoid{};

/// f(x) = clip(x, -1, 1); slope 1 at both corners, as in TensorFlow.
struct HardTanh {
  static constexpr std::string_view class_name = "hard_tanh";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return detail::clamped(v, Scalar(-1), Scalar(1)); });
  }
  static auto slope(const auto& x, const auto&) { return (x >= Scalar(-1) && x <= Scalar(1)).template cast<Scalar>(); }
};
inline constexpr HardTanh hard_tanh{};

/// f(x) = log(1 + exp(x)).
struct Softplus {
  static constexpr std::string_view class_name = "softplus";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return detail::softplus_of(v); });
  }
  static auto slope(const auto& x, const auto&) { return Sigmoid::value(x); }
};
inline constexpr Softplus softplus{};

/// f(x) = x / (1 + |x|).
struct Softsign {
  static constexpr std::string_view class_name = "softsign";
  static auto value(const auto& x) { return x / (Scalar(1) + x.abs()); }
  static auto slope(const auto& x, const auto&) { return (Scalar(1) + x.abs()).square().inverse(); }
};
inline constexpr Softsign softsign{};

/// f(x) = log(sigmoid(x)).
struct LogSigmoid {
  static constexpr std::string_view class_name = "log_sigmoid";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return -detail::softplus_of(-v); });
  }
  static auto slope(const auto& x, const auto&) { return Sigmoid::value(-x); }
};
inline constexpr LogSigmoid log_sigmoid{};

/// f(x) = 0 below -1, (x + 1) / 2 between, 1 from 1 on.
struct SparseSigmoid {
  static constexpr std::string_view class_name = "sparse_sigmoid";
  static auto value(const auto& x) {
    return x.unaryExpr([](Scalar v) { return detail::clamped(Scalar(0.5) * (v + Scalar(1)), Scalar(0), Scalar(1)); });
  }
  static auto slope(const auto& y) { return (y > Scalar(0) && y < Scalar(1)).template cast<Scalar>() * Scalar(0.5); }
};
inline constexpr SparseSigmoid sparse_sigmoid{};

/// f(x) = exp(x).
struct Exponential {
  static constexpr std::string_view class_name = "exponential";
  static auto value(const auto& x) { return x.exp(); }
  static auto slope(const auto& y) { return y * Scalar(1); }
};
inline constexpr Exponential exponential{};

}  // namespace maas::inline MAAS_ABI
