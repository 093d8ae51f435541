// The element-wise sweeps of ops/elementwise.hpp and ops/update.hpp, for the vectors of the processor they run on.
//
// Every number goes through the same operations on every target with fused multiply-adds, so it has the same bits
// there, whatever vector or rest it falls into. exp, tanh, the sigmoid and the logarithm in cross-entropies are
// polynomials; in the double build they are the C library's.
#include "maas/ops/elementwise.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/portable.hpp"
#include "kernels/product.hpp"
#include "kernels/targets.hpp"
#include "maas/ops/update.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/dispatch.hpp"
#include "kernels/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace maas::inline MAAS_ABI::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Full = hn::ScalableTag<Scalar>;
using One = hn::CappedTag<Scalar, 1>;

// Calls body(tag, position) for whole vectors, then for single numbers.
template <class Body>
HWY_INLINE void Sweep(Index count, Body&& body) {
  const Full d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + lanes <= count; i += lanes) body(d, i);
  for (; i < count; ++i) body(One(), i);
}

template <class D>
HWY_INLINE hn::Vec<D> Sigmoid(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, Scalar(1));
  return hn::Div(one, hn::Add(one, Exp(d, hn::Neg(x))));
}

// Small |x|: x + x^3 P(x^2), P fitted to tanh on [0, 0.625] (Cephes' coefficients, S. Moshier 1992). Else 1 - 2 /
// (exp(2 |x|) + 1), with the sign of x.
template <class D>
HWY_INLINE hn::Vec<D> Tanh(D d, hn::Vec<D> x) {
  if constexpr (sizeof(Scalar) == 8) {
    return OfEachLane(d, x, [](Scalar lane) { return std::tanh(lane); });
  } else {
    const auto size = hn::Abs(x), square = hn::Mul(x, x);
    auto p = hn::Set(d, Scalar(-5.70498872745e-3));
    p = hn::MulAdd(p, square, hn::Set(d, Scalar(2.06390887954e-2)));
    p = hn::MulAdd(p, square, hn::Set(d, Scalar(-5.37397155531e-2)));
    p = hn::MulAdd(p, square, hn::Set(d, Scalar(1.33314422036e-1)));
    p = hn::MulAdd(p, square, hn::Set(d, Scalar(-3.33332819422e-1)));
    const auto small = hn::MulAdd(hn::Mul(p, square), x, x);
    const auto one = hn::Set(d, Scalar(1)), two = hn::Set(d, Scalar(2));
    const auto large = hn::Sub(one, hn::Div(two, hn::Add(one, Exp(d, hn::Add(size, size)))));
    return hn::IfThenElse(hn::Lt(size, hn::Set(d, Scalar(0.625))), small, hn::CopySignToAbs(large, x));
  }
}

// log(1 + e) for 0 <= e <= 1: 2 artanh(s) with s = e / (2 + e) <= 1/3, as the series s + s^3/3 + ... + s^15/15, whose
// rest is below 1e-9 of it.
template <class D>
HWY_INLINE hn::Vec<D> LogOfOneAnd(D d, hn::Vec<D> e) {
  if constexpr (sizeof(Scalar) == 8) {
    return OfEachLane(d, e, [](Scalar lane) { return std::log1p(lane); });
  } else {
    const auto s = hn::Div(e, hn::Add(hn::Set(d, Scalar(2)), e)), square = hn::Mul(s, s);
    auto p = hn::Set(d, static_cast<Scalar>(1.0 / 15));
    for (const double odd : {13.0, 11.0, 9.0, 7.0, 5.0, 3.0})
      p = hn::MulAdd(p, square, hn::Set(d, static_cast<Scalar>(1 / odd)));
    const auto twice = hn::Add(s, s);
    return hn::MulAdd(hn::Mul(p, square), twice, twice);
  }
}

void LogisticLossSweep(Index count, const Scalar* x, const Scalar* t, Scalar* loss) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    const auto v = hn::LoadU(d, x + i);
    const auto above = hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Zero(d), v);  // NaN stays
    const auto linear = hn::NegMulAdd(v, hn::LoadU(d, t + i), above);
    hn::StoreU(hn::Add(linear, LogOfOneAnd(d, Exp(d, hn::Neg(hn::Abs(v))))), d, loss + i);
  });
}

void LogisticSlopeSweep(Index count, const Scalar* x, const Scalar* t, Scalar* slope) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    hn::StoreU(hn::Sub(Sigmoid(d, hn::LoadU(d, x + i)), hn::LoadU(d, t + i)), d, slope + i);
  });
}

// Reads and writes the first `count` lanes of a vector; the others are 0. AVX2 and AVX-512 can do so without going
// through single numbers, but the C library's functions of the double build would be called for what is not there.
constexpr bool has_parts = HWY_TARGET <= HWY_AVX2 && sizeof(Scalar) == 4;

template <class D>
struct Whole {
  HWY_INLINE hn::Vec<D> Load(const Scalar* from) const { return hn::LoadU(D(), from); }
  HWY_INLINE void Store(hn::Vec<D> v, Scalar* to) const { hn::StoreU(v, D(), to); }
};

struct Part {
  hn::Mask<Full> there;
  HWY_INLINE explicit Part(Index count) : there(hn::FirstN(Full(), static_cast<std::size_t>(count))) {}
  HWY_INLINE hn::Vec<Full> Load(const Scalar* from) const { return hn::MaskedLoad(there, Full(), from); }
  HWY_INLINE void Store(hn::Vec<Full> v, Scalar* to) const { hn::BlendedStore(v, there, Full(), to); }
};

// y = f(x) for each number of the rows.
template <class F>
HWY_INLINE void EachOf(Index rows, Index columns, const Scalar* x, Scalar* y, Index stride, F f) {
  const Full d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  for (Index r = 0; r < rows; ++r, x += stride, y += stride) {
    Index i = 0;
    for (; i + lanes <= columns; i += lanes) hn::StoreU(f(d, hn::LoadU(d, x + i)), d, y + i);
    if (has_parts && columns - i > 1) {
      const Part part(columns - i);
      part.Store(f(d, part.Load(x + i)), y + i);
      continue;
    }
    for (; i < columns; ++i) hn::StoreU(f(One(), hn::LoadU(One(), x + i)), One(), y + i);
  }
}

template <class D>
HWY_INLINE hn::Vec<D> Relu(D d, hn::Vec<D> x) {
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
}

void CurveRows(ops::Curve curve, Index rows, Index columns, const Scalar* x, Scalar* y, Index stride) {
  if (stride == columns) {
    columns *= rows;
    rows = 1;
  }
  switch (curve) {
    case ops::Curve::none:
      return EachOf(rows, columns, x, y, stride, [](auto, auto v) HWY_ATTR { return v; });
    case ops::Curve::relu:
      return EachOf(rows, columns, x, y, stride, [](auto d, auto v) HWY_ATTR { return Relu(d, v); });
    case ops::Curve::sigmoid:
      return EachOf(rows, columns, x, y, stride, [](auto d, auto v) HWY_ATTR { return Sigmoid(d, v); });
    case ops::Curve::tanh:
      return EachOf(rows, columns, x, y, stride, [](auto d, auto v) HWY_ATTR { return Tanh(d, v); });
  }
}

// gradient *= slope(y).
template <class Slope>
HWY_INLINE void SlopeOf(Index count, const Scalar* y, Scalar* gradient, Slope slope) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    hn::StoreU(slope(d, hn::LoadU(d, y + i), hn::LoadU(d, gradient + i)), d, gradient + i);
  });
}

void SlopeSweep(ops::Curve curve, Index count, const Scalar* y, Scalar* gradient) {
  switch (curve) {
    case ops::Curve::none:
      return;
    case ops::Curve::relu:
      return SlopeOf(count, y, gradient, [](auto d, auto f, auto g) HWY_ATTR {
        return hn::IfThenElse(hn::Gt(f, hn::Zero(d)), g, hn::Mul(g, hn::Zero(d)));
      });
    case ops::Curve::sigmoid:
      return SlopeOf(count, y, gradient, [](auto d, auto f, auto g) HWY_ATTR {
        return hn::Mul(g, hn::Mul(f, hn::Sub(hn::Set(d, Scalar(1)), f)));
      });
    case ops::Curve::tanh:
      return SlopeOf(count, y, gradient, [](auto d, auto f, auto g) HWY_ATTR {
        return hn::Mul(g, hn::NegMulAdd(f, f, hn::Set(d, Scalar(1))));
      });
  }
}

void AddRow(Index rows, Index columns, const Scalar* row, Scalar* y) {
  for (Index r = 0; r < rows; ++r, y += columns)
    Sweep(columns,
          [&](auto d, Index i) HWY_ATTR { hn::StoreU(hn::Add(hn::LoadU(d, y + i), hn::LoadU(d, row + i)), d, y + i); });
}

// A few vectors of columns, from the first row to the last: each sum waits for the one above it, so several go on at a
// time.
template <int Vectors, class D, class Access>
HWY_INLINE void AddColumns(D d, Access access, Index rows, Index columns, const Scalar* x, Scalar* sums) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  hn::Vec<D> sum[Vectors];
  for (int v = 0; v < Vectors; ++v) sum[v] = access.Load(sums + v * lanes);
  for (Index r = 0; r < rows; ++r, x += columns)
    for (int v = 0; v < Vectors; ++v) sum[v] = hn::Add(sum[v], access.Load(x + v * lanes));
  for (int v = 0; v < Vectors; ++v) access.Store(sum[v], sums + v * lanes);
}

HWY_INLINE void AddRows(Index rows, Index columns, const Scalar* x, Scalar* sums) {
  const Full d;
  constexpr int vectors = 4;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + vectors * lanes <= columns; i += vectors * lanes)
    AddColumns<vectors>(d, Whole<Full>(), rows, columns, x + i, sums + i);
  for (; i + lanes <= columns; i += lanes) AddColumns<1>(d, Whole<Full>(), rows, columns, x + i, sums + i);
  if (has_parts && columns - i > 1) return AddColumns<1>(d, Part(columns - i), rows, columns, x + i, sums + i);
  for (; i < columns; ++i) AddColumns<1>(One(), Whole<One>(), rows, columns, x + i, sums + i);
}

// Some rows at a time: they are summed while they are still in the first-level cache.
void SlopeAndSums(ops::Curve curve, Index rows, Index columns, const Scalar* y, Scalar* gradient, Scalar* sums) {
  constexpr Index near = 4096, fewest = 4;
  const Index block = std::max(near / std::max(columns, Index{1}), fewest);
  std::fill_n(sums, columns, Scalar(0));
  for (Index row = 0; row < rows; row += block) {
    const Index height = std::min(block, rows - row);
    SlopeSweep(curve, height * columns, y + row * columns, gradient + row * columns);
    AddRows(height, columns, gradient + row * columns, sums);
  }
}

void AdamKernel(Index count, const ops::AdamSweep& s) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    const auto g = hn::LoadU(d, s.g + i);
    auto m = hn::LoadU(d, s.m + i), v = hn::LoadU(d, s.v + i);
    m = hn::MulAdd(hn::Sub(g, m), hn::Set(d, s.rest_1), m);
    v = hn::MulAdd(hn::MulSub(g, g, v), hn::Set(d, s.rest_2), v);
    hn::StoreU(m, d, s.m + i);
    hn::StoreU(v, d, s.v + i);
    if (s.largest != nullptr) {
      v = hn::Max(hn::LoadU(d, s.largest + i), v);
      hn::StoreU(v, d, s.largest + i);
    }
    const auto step = hn::Div(hn::Mul(hn::Set(d, s.alpha), m), hn::Add(hn::Sqrt(v), hn::Set(d, s.epsilon)));
    hn::StoreU(hn::Sub(hn::LoadU(d, s.w + i), step), d, s.w + i);
  });
}

void SgdKernel(Index count, const ops::SgdSweep& s) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    const auto w = hn::LoadU(d, s.w + i), step = hn::Mul(hn::Set(d, s.rate), hn::LoadU(d, s.g + i));
    if (s.m == nullptr) {
      hn::StoreU(hn::Sub(w, step), d, s.w + i);
      return;
    }
    const auto momentum = hn::Set(d, s.momentum);
    const auto m = hn::MulSub(momentum, hn::LoadU(d, s.m + i), step);
    hn::StoreU(m, d, s.m + i);
    hn::StoreU(hn::Add(w, s.nesterov ? hn::MulSub(momentum, m, step) : m), d, s.w + i);
  });
}

void RmspropKernel(Index count, const ops::RmspropSweep& s) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    const auto g = hn::LoadU(d, s.g + i);
    const auto v = hn::MulAdd(hn::Set(d, s.keep), hn::LoadU(d, s.v + i), hn::Mul(hn::Set(d, s.rest), hn::Mul(g, g)));
    hn::StoreU(v, d, s.v + i);
    auto spread = v;
    if (s.a != nullptr) {
      const auto a = hn::MulAdd(hn::Set(d, s.keep), hn::LoadU(d, s.a + i), hn::Mul(hn::Set(d, s.rest), g));
      hn::StoreU(a, d, s.a + i);
      spread = hn::NegMulAdd(a, a, v);
    }
    auto step = hn::Div(hn::Mul(hn::Set(d, s.rate), g), hn::Sqrt(hn::Add(spread, hn::Set(d, s.epsilon))));
    if (s.m != nullptr) {
      step = hn::MulAdd(hn::Set(d, s.momentum), hn::LoadU(d, s.m + i), step);
      hn::StoreU(step, d, s.m + i);
    }
    hn::StoreU(hn::Sub(hn::LoadU(d, s.w + i), step), d, s.w + i);
  });
}

void AdamaxKernel(Index count, const ops::AdamaxSweep& s) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    const auto g = hn::LoadU(d, s.g + i);
    auto m = hn::LoadU(d, s.m + i);
    m = hn::MulAdd(hn::Sub(g, m), hn::Set(d, s.rest), m);
    hn::StoreU(m, d, s.m + i);
    const auto u = hn::Max(hn::Mul(hn::Set(d, s.keep), hn::LoadU(d, s.u + i)), hn::Abs(g));
    hn::StoreU(u, d, s.u + i);
    const auto step = hn::Div(hn::Mul(hn::Set(d, s.rate), m), hn::Add(u, hn::Set(d, s.epsilon)));
    hn::StoreU(hn::Sub(hn::LoadU(d, s.w + i), step), d, s.w + i);
  });
}

void NadamKernel(Index count, const ops::NadamSweep& s) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    const auto g = hn::LoadU(d, s.g + i);
    auto m = hn::LoadU(d, s.m + i), v = hn::LoadU(d, s.v + i);
    m = hn::MulAdd(hn::Sub(g, m), hn::Set(d, s.rest_1), m);
    v = hn::MulAdd(hn::MulSub(g, g, v), hn::Set(d, s.rest_2), v);
    hn::StoreU(m, d, s.m + i);
    hn::StoreU(v, d, s.v + i);
    const auto ahead = hn::MulAdd(hn::Set(d, s.m_share), m, hn::Mul(hn::Set(d, s.g_share), g));
    const auto size = hn::Add(hn::Sqrt(hn::Div(v, hn::Set(d, s.correction))), hn::Set(d, s.epsilon));
    const auto step = hn::Div(hn::Mul(hn::Set(d, s.rate), ahead), size);
    hn::StoreU(hn::Sub(hn::LoadU(d, s.w + i), step), d, s.w + i);
  });
}

void AdagradKernel(Index count, const ops::AdagradSweep& s) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    const auto g = hn::LoadU(d, s.g + i), a = hn::MulAdd(g, g, hn::LoadU(d, s.a + i));
    hn::StoreU(a, d, s.a + i);
    const auto step = hn::Div(hn::Mul(hn::Set(d, s.rate), g), hn::Sqrt(hn::Add(a, hn::Set(d, s.epsilon))));
    hn::StoreU(hn::Sub(hn::LoadU(d, s.w + i), step), d, s.w + i);
  });
}

void AdadeltaKernel(Index count, const ops::AdadeltaSweep& s) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    const auto keep = hn::Set(d, s.keep), rest = hn::Set(d, s.rest), small = hn::Set(d, s.epsilon);
    const auto g = hn::LoadU(d, s.g + i), before = hn::LoadU(d, s.d + i);
    const auto a = hn::MulAdd(keep, hn::LoadU(d, s.a + i), hn::Mul(rest, hn::Mul(g, g)));
    hn::StoreU(a, d, s.a + i);
    const auto step = hn::Mul(hn::Div(hn::Sqrt(hn::Add(before, small)), hn::Sqrt(hn::Add(a, small))), g);
    hn::StoreU(hn::NegMulAdd(hn::Set(d, s.rate), step, hn::LoadU(d, s.w + i)), d, s.w + i);
    hn::StoreU(hn::MulAdd(keep, before, hn::Mul(rest, hn::Mul(step, step))), d, s.d + i);
  });
}

// The sign of 0 is 0, that of NaN is NaN.
void LionKernel(Index count, const ops::LionSweep& s) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    const auto g = hn::LoadU(d, s.g + i), m = hn::LoadU(d, s.m + i);
    const auto way = hn::MulAdd(hn::Set(d, s.keep_1), m, hn::Mul(hn::Set(d, s.rest_1), g));
    const auto rate = hn::Set(d, s.rate);
    const auto moves = hn::Gt(hn::Abs(way), hn::Zero(d));
    const auto step = hn::IfThenElse(moves, hn::CopySign(rate, way), hn::Mul(way, rate));
    hn::StoreU(hn::Sub(hn::LoadU(d, s.w + i), step), d, s.w + i);
    hn::StoreU(hn::MulAdd(hn::Set(d, s.keep_2), m, hn::Mul(hn::Set(d, s.rest_2), g)), d, s.m + i);
  });
}

// NaN passes through both bounds.
void FtrlKernel(Index count, const ops::FtrlSweep& s) {
  Sweep(count, [&](auto d, Index i) HWY_ATTR {
    const auto rate = hn::Set(d, s.rate), l1 = hn::Set(d, s.l1), least = hn::Neg(l1);
    const auto g = hn::LoadU(d, s.g + i), w = hn::LoadU(d, s.w + i), before = hn::LoadU(d, s.n + i);
    const auto after = hn::MulAdd(g, g, before), scale = hn::Sqrt(after);
    hn::StoreU(after, d, s.n + i);
    const auto change = hn::Div(hn::Sub(scale, hn::Sqrt(before)), rate);
    const auto pull = hn::NegMulAdd(change, w, hn::MulAdd(hn::Set(d, s.shrink), w, g));
    const auto z = hn::Add(hn::LoadU(d, s.z + i), pull);
    hn::StoreU(z, d, s.z + i);
    const auto bounded = hn::IfThenElse(hn::Lt(z, least), least, hn::IfThenElse(hn::Gt(z, l1), l1, z));
    const auto curve = hn::Add(hn::Div(scale, rate), hn::Set(d, Scalar(2) * s.l2));
    hn::StoreU(hn::Div(hn::Sub(bounded, z), curve), d, s.w + i);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace maas::inline MAAS_ABI::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace maas::inline MAAS_ABI {

namespace kernels {

MAAS_BODIES(CurveRows);
MAAS_BODIES(SlopeSweep);
MAAS_BODIES(SlopeAndSums);
MAAS_BODIES(LogisticLossSweep);
MAAS_BODIES(LogisticSlopeSweep);
MAAS_BODIES(AddRow);
MAAS_BODIES(AdamKernel);
MAAS_BODIES(SgdKernel);
MAAS_BODIES(RmspropKernel);
MAAS_BODIES(AdamaxKernel);
MAAS_BODIES(NadamKernel);
MAAS_BODIES(AdagradKernel);
MAAS_BODIES(AdadeltaKernel);
MAAS_BODIES(LionKernel);
MAAS_BODIES(FtrlKernel);

void curve_rows(ops::Curve curve, Index rows, Index columns, Scalar* y, Index stride) {
  MAAS_BODY(CurveRows)(curve, rows, columns, y, y, stride);
}

}  // namespace kernels

namespace ops {

using namespace kernels;

void relu(Index count, const Scalar* x, Scalar* y) {
  if (!use_vectors()) return portable::relu(count, x, y);
  MAAS_BODY(CurveRows)(Curve::relu, 1, count, x, y, count);
}
void relu_gradient(Index count, const Scalar* y, Scalar* gradient) {
  if (!use_vectors()) return portable::relu_gradient(count, y, gradient);
  MAAS_BODY(SlopeSweep)(Curve::relu, count, y, gradient);
}
void sigmoid(Index count, const Scalar* x, Scalar* y) {
  if (!use_vectors()) return portable::sigmoid(count, x, y);
  MAAS_BODY(CurveRows)(Curve::sigmoid, 1, count, x, y, count);
}
void sigmoid_gradient(Index count, const Scalar* y, Scalar* gradient) {
  if (!use_vectors()) return portable::sigmoid_gradient(count, y, gradient);
  MAAS_BODY(SlopeSweep)(Curve::sigmoid, count, y, gradient);
}
void tanh(Index count, const Scalar* x, Scalar* y) {
  if (!use_vectors()) return portable::tanh(count, x, y);
  MAAS_BODY(CurveRows)(Curve::tanh, 1, count, x, y, count);
}
void tanh_gradient(Index count, const Scalar* y, Scalar* gradient) {
  if (!use_vectors()) return portable::tanh_gradient(count, y, gradient);
  MAAS_BODY(SlopeSweep)(Curve::tanh, count, y, gradient);
}
void apply_curve(Curve curve, Index count, const Scalar* x, Scalar* y) {
  if (!use_vectors()) return portable::apply_curve(curve, count, x, y);
  MAAS_BODY(CurveRows)(curve, 1, count, x, y, count);
}
void logistic_loss(Index count, const Scalar* x, const Scalar* t, Scalar* loss) {
  if (!use_vectors()) return portable::logistic_loss(count, x, t, loss);
  MAAS_BODY(LogisticLossSweep)(count, x, t, loss);
}
void logistic_slope(Index count, const Scalar* x, const Scalar* t, Scalar* slope) {
  if (!use_vectors()) return portable::logistic_slope(count, x, t, slope);
  MAAS_BODY(LogisticSlopeSweep)(count, x, t, slope);
}
void add_row(Index rows, Index columns, const Scalar* row, Scalar* y) {
  if (!use_vectors()) return portable::add_row(rows, columns, row, y);
  MAAS_BODY(AddRow)(rows, columns, row, y);
}
void sum_rows(Index rows, Index columns, const Scalar* x, Scalar* sums) {
  if (!use_vectors()) return portable::sum_rows(rows, columns, x, sums);
  MAAS_BODY(SlopeAndSums)(Curve::none, rows, columns, x, const_cast<Scalar*>(x), sums);  // it writes sums alone
}
void slope_and_sum_rows(Curve curve, Index rows, Index columns, const Scalar* y, Scalar* gradient, Scalar* sums) {
  if (!use_vectors()) return portable::slope_and_sum_rows(curve, rows, columns, y, gradient, sums);
  MAAS_BODY(SlopeAndSums)(curve, rows, columns, y, gradient, sums);
}
void adam(Index count, const AdamSweep& sweep) {
  if (!use_vectors()) return portable::adam(count, sweep);
  MAAS_BODY(AdamKernel)(count, sweep);
}
void sgd(Index count, const SgdSweep& sweep) {
  if (!use_vectors()) return portable::sgd(count, sweep);
  MAAS_BODY(SgdKernel)(count, sweep);
}
void rmsprop(Index count, const RmspropSweep& sweep) {
  if (!use_vectors()) return portable::rmsprop(count, sweep);
  MAAS_BODY(RmspropKernel)(count, sweep);
}
void adamax(Index count, const AdamaxSweep& sweep) {
  if (!use_vectors()) return portable::adamax(count, sweep);
  MAAS_BODY(AdamaxKernel)(count, sweep);
}
void nadam(Index count, const NadamSweep& sweep) {
  if (!use_vectors()) return portable::nadam(count, sweep);
  MAAS_BODY(NadamKernel)(count, sweep);
}
void adagrad(Index count, const AdagradSweep& sweep) {
  if (!use_vectors()) return portable::adagrad(count, sweep);
  MAAS_BODY(AdagradKernel)(count, sweep);
}
void adadelta(Index count, const AdadeltaSweep& sweep) {
  if (!use_vectors()) return portable::adadelta(count, sweep);
  MAAS_BODY(AdadeltaKernel)(count, sweep);
}
void lion(Index count, const LionSweep& sweep) {
  if (!use_vectors()) return portable::lion(count, sweep);
  MAAS_BODY(LionKernel)(count, sweep);
}
void ftrl(Index count, const FtrlSweep& sweep) {
  if (!use_vectors()) return portable::ftrl(count, sweep);
  MAAS_BODY(FtrlKernel)(count, sweep);
}

}  // namespace ops

}  // namespace maas::inline MAAS_ABI

#endif
