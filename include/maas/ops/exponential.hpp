// exp, tanh and the sigmoid for a few numbers where they stand, without a call.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>

#include "maas/ops/lanes.hpp"

namespace maas::inline MAAS_ABI::ops::inline MAAS_VECTORS {

/// A number, rounded to the nearest whole one, of two to the even one; and that as an int.
struct Whole {
  Scalar number;
  std::int32_t value;
};
inline Whole nearest_whole(float x) {
  if constexpr (fuses) {  // there is an instruction, and a compiler that fuses products with what is added
    const float rounded = std::nearbyint(x);
    return {static_cast<Scalar>(rounded), rounded == rounded ? static_cast<std::int32_t>(rounded) : 0};
  } else {
    constexpr float rounder = 12582912;  // 1.5 * 2^23: what is added to it is rounded
    const float sum = x + rounder;
    return {static_cast<Scalar>(sum - rounder),
            std::bit_cast<std::int32_t>(sum) - std::bit_cast<std::int32_t>(rounder)};
  }
}

/// exp(x) as the library's kernels compute it (src/kernels/vectors.hpp): the same operations in the same order, so the
/// same bits where both round alike. In double it is the C library's.
inline Scalar exp_of(Scalar x) {
  if constexpr (sizeof(Scalar) == 8) {
    return std::exp(x);
  } else {
    const Scalar y = x < Scalar(-104) ? Scalar(-104) : x > Scalar(89) ? Scalar(89) : x;
    const auto [n, whole] = nearest_whole(static_cast<float>(y * Scalar(1.44269504088896341)));
    const std::int32_t half = whole >> 1;
    Scalar r = multiply_add<1>(-n, Scalar(0.693145751953125), y);
    r = multiply_add<1>(-n, Scalar(1.42860682030941723e-6), r);
    const auto term = [r](double a, double b) {
      return multiply_add<1>(static_cast<Scalar>(b), r, static_cast<Scalar>(a));
    };
    const Scalar square = r * r, fourth = square * square;
    Scalar p = multiply_add<1>(square, term(1.0 / 24, 1.0 / 120), term(0.5, 1.0 / 6));
    p = multiply_add<1>(fourth, term(1.0 / 720, 1.0 / 5040), p);
    p = multiply_add<1>(square, p, r) + Scalar(1);
    const auto power = [](std::int32_t e) { return std::bit_cast<float>(static_cast<std::uint32_t>(e + 127) << 23); };
    return static_cast<Scalar>(p * power(half) * power(whole - half));
  }
}

/// 1 / (1 + exp(-x)).
inline Scalar sigmoid_of(Scalar x) { return Scalar(1) / (Scalar(1) + exp_of(-x)); }

/// tanh(x), as the kernels compute it.
inline Scalar tanh_of(Scalar x) {
  if constexpr (sizeof(Scalar) == 8) {
    return std::tanh(x);
  } else {
    const Scalar size = std::abs(x), square = x * x;
    if (!(size < Scalar(0.625))) return std::copysign(Scalar(1) - Scalar(2) / (Scalar(1) + exp_of(size + size)), x);
    Scalar p = Scalar(-5.70498872745e-3);
    for (const Scalar term :
         {Scalar(2.06390887954e-2), Scalar(-5.37397155531e-2), Scalar(1.33314422036e-1), Scalar(-3.33332819422e-1)})
      p = multiply_add<1>(p, square, term);
    return multiply_add<1>(p * square, x, x);
  }
}

}  // namespace maas::inline MAAS_ABI::ops::inline MAAS_VECTORS
