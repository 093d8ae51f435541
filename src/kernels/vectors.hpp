// What several kernels compute with their vectors. Read once for every target.
#if defined(MAAS_KERNELS_VECTORS) == defined(HWY_TARGET_TOGGLE)
#ifdef MAAS_KERNELS_VECTORS
#undef MAAS_KERNELS_VECTORS
#else
#define MAAS_KERNELS_VECTORS
#endif

#include <hwy/highway.h>

#include <cmath>

#include "maas/core/scalar.hpp"

HWY_BEFORE_NAMESPACE();
namespace maas::inline MAAS_ABI::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// f of each lane for itself: the double build takes the C library's functions.
template <class D, class Function>
HWY_INLINE hn::Vec<D> OfEachLane(D d, hn::Vec<D> x, Function f) {
  HWY_ALIGN Scalar lane[HWY_MAX_BYTES / sizeof(Scalar)];
  hn::Store(x, d, lane);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) lane[i] = f(lane[i]);
  return hn::Load(d, lane);
}

// exp(x): x = n log 2 + r with |r| <= log(2) / 2; 2^n goes on in two halves, so that results below the smallest normal
// number are right, too. The polynomial is Taylor's to r^7, its error below 1e-8 there.
template <class D>
HWY_INLINE hn::Vec<D> Exp(D d, hn::Vec<D> x) {
  if constexpr (sizeof(Scalar) == 8) {
    return OfEachLane(d, x, [](Scalar lane) { return std::exp(lane); });
  } else {
    const hn::RebindToSigned<D> di;
    // Clamped so that n stays in range; NaN passes through both.
    const auto low = hn::Set(d, Scalar(-104)), high = hn::Set(d, Scalar(89));
    const auto y = hn::IfThenElse(hn::Lt(x, low), low, hn::IfThenElse(hn::Gt(x, high), high, x));
    const auto n = hn::Round(hn::Mul(y, hn::Set(d, Scalar(1.44269504088896341))));
    auto r = hn::NegMulAdd(n, hn::Set(d, Scalar(0.693145751953125)), y);
    r = hn::NegMulAdd(n, hn::Set(d, Scalar(1.42860682030941723e-6)), r);
    const auto term = [&](double a, double b) HWY_ATTR {
      return hn::MulAdd(hn::Set(d, static_cast<Scalar>(b)), r, hn::Set(d, static_cast<Scalar>(a)));
    };
    const auto square = hn::Mul(r, r), fourth = hn::Mul(square, square);
    auto p = hn::MulAdd(square, term(1.0 / 24, 1.0 / 120), term(0.5, 1.0 / 6));
    p = hn::MulAdd(fourth, term(1.0 / 720, 1.0 / 5040), p);
    p = hn::Add(hn::MulAdd(square, p, r), hn::Set(d, Scalar(1)));
    const auto whole = hn::ConvertTo(di, hn::IfThenElse(hn::Eq(n, n), n, hn::Zero(d)));
    const auto half = hn::ShiftRight<1>(whole);
    const auto power = [&](auto e) { return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(e, hn::Set(di, 127)))); };
    return hn::Mul(hn::Mul(p, power(half)), power(hn::Sub(whole, half)));
  }
}

// The sum of all lanes, the same on every target: v_0 + v_half, v_1 + v_(half + 1) ..., and so on until one is left.
template <class D>
HWY_INLINE Scalar AddHalvesOf([[maybe_unused]] D d, hn::Vec<D> v) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(D()) > 1) {
    const hn::Half<D> half;
    return AddHalvesOf(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
#endif
  return hn::GetLane(v);
}

template <class D, std::size_t Vectors>
HWY_INLINE Scalar AddHalves(D d, hn::Vec<D> (&v)[Vectors]) {
  for (std::size_t half = Vectors / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) v[i] = hn::Add(v[i], v[i + half]);
  return AddHalvesOf(d, v[0]);
}

}  // namespace HWY_NAMESPACE
}  // namespace maas::inline MAAS_ABI::kernels
HWY_AFTER_NAMESPACE();

#endif
