// Softmax and its slope along rows, for the vectors of the processor they run on.
//
// A row is taken 16 numbers at a time, sums in 16 lanes and one fixed tree, so that it has the same bits on every
// target with fused multiply-adds. What is left of a row is filled up on the way.
#include "maas/ops/softmax.hpp"

#include <algorithm>
#include <limits>

#include "kernels/portable.hpp"
#include "kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/dispatch.hpp"
#include "kernels/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace maas::inline MAAS_ABI::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr Index width = 16;
using Part = hn::CappedTag<Scalar, width>;
constexpr Index lanes = static_cast<Index>(hn::MaxLanes(Part()));
constexpr int vectors = static_cast<int>(width / lanes);
using Sums = hn::Vec<Part>[vectors];

// The last numbers of a row as 16, filled up with `filling`.
struct Tail {
  Tail(const Scalar* from, Index count, Scalar filling) {
    std::fill_n(numbers, width, filling);
    for (Index i = 0; i < count; ++i) numbers[i] = from[i];
  }
  HWY_ALIGN_MAX Scalar numbers[width];
};

HWY_INLINE void SetAll(Sums& sums, Scalar value) {
  for (int v = 0; v < vectors; ++v) sums[v] = hn::Set(Part(), value);
}

// The largest of 16 numbers each; a NaN is passed over, since what follows meets it again.
HWY_INLINE void TakeLargest(const Scalar* x, Sums& largest) {
  for (int v = 0; v < vectors; ++v) {
    const auto here = hn::LoadU(Part(), x + v * lanes);
    largest[v] = hn::IfThenElse(hn::Gt(here, largest[v]), here, largest[v]);
  }
}

HWY_INLINE Scalar LargestOf(const Scalar* x, Index size) {
  constexpr Scalar least = -std::numeric_limits<Scalar>::infinity();
  Sums largest;
  SetAll(largest, least);
  Index i = 0;
  for (; i + width <= size; i += width) TakeLargest(x + i, largest);
  if (i < size) TakeLargest(Tail(x + i, size - i, least).numbers, largest);
  for (int v = 1; v < vectors; ++v) largest[0] = hn::IfThenElse(hn::Gt(largest[v], largest[0]), largest[v], largest[0]);
  HWY_ALIGN_MAX Scalar lane[width];
  hn::Store(largest[0], Part(), lane);
  return *std::max_element(lane, lane + lanes);
}

// y = exp(x - largest) of 16 numbers.
HWY_INLINE void ExpOf(const Scalar* x, hn::Vec<Part> largest, Scalar* y) {
  for (int v = 0; v < vectors; ++v)
    hn::StoreU(Exp(Part(), hn::Sub(hn::LoadU(Part(), x + v * lanes), largest)), Part(), y + v * lanes);
}

HWY_INLINE void AddTo(Sums& sums, const Scalar* x) {
  for (int v = 0; v < vectors; ++v) sums[v] = hn::Add(sums[v], hn::LoadU(Part(), x + v * lanes));
}

void SoftmaxRows(Index rows, Index size, const Scalar* x, Scalar* y) {
  const Index whole = size / width * width, rest = size - whole;
  for (Index row = 0; row < rows; ++row, x += size, y += size) {
    const auto largest = hn::Set(Part(), LargestOf(x, size));
    Sums sums;
    SetAll(sums, 0);
    for (Index i = 0; i < whole; i += width) {
      ExpOf(x + i, largest, y + i);
      AddTo(sums, y + i);
    }
    Tail tail(x + whole, rest, 0);
    if (rest > 0) {
      ExpOf(tail.numbers, largest, tail.numbers);
      std::fill_n(tail.numbers + rest, width - rest, Scalar(0));
      AddTo(sums, tail.numbers);
    }
    const auto sum = hn::Set(Part(), AddHalves(Part(), sums));
    for (Index i = 0; i < whole; i += lanes) hn::StoreU(hn::Div(hn::LoadU(Part(), y + i), sum), Part(), y + i);
    for (Index i = 0; i < rest; i += lanes)
      hn::Store(hn::Div(hn::Load(Part(), tail.numbers + i), sum), Part(), tail.numbers + i);
    for (Index i = 0; i < rest; ++i) y[whole + i] = tail.numbers[i];
  }
}

HWY_INLINE void AddProducts(Sums& sums, const Scalar* a, const Scalar* b) {
  for (int v = 0; v < vectors; ++v)
    sums[v] = hn::MulAdd(hn::LoadU(Part(), a + v * lanes), hn::LoadU(Part(), b + v * lanes), sums[v]);
}

// g = y (g - inner) of 16 numbers.
HWY_INLINE void TurnSlope(const Scalar* y, hn::Vec<Part> inner, Scalar* g) {
  for (Index i = 0; i < width; i += lanes)
    hn::StoreU(hn::Mul(hn::LoadU(Part(), y + i), hn::Sub(hn::LoadU(Part(), g + i), inner)), Part(), g + i);
}

void SoftmaxGradientRows(Index rows, Index size, const Scalar* y, Scalar* gradient) {
  const Index whole = size / width * width, rest = size - whole;
  for (Index row = 0; row < rows; ++row, y += size, gradient += size) {
    Sums sums;
    SetAll(sums, 0);
    for (Index i = 0; i < whole; i += width) AddProducts(sums, gradient + i, y + i);
    const Tail outputs(y + whole, rest, 0);
    Tail slopes(gradient + whole, rest, 0);
    if (rest > 0) AddProducts(sums, slopes.numbers, outputs.numbers);
    const auto inner = hn::Set(Part(), AddHalves(Part(), sums));
    for (Index i = 0; i < whole; i += width) TurnSlope(y + i, inner, gradient + i);
    if (rest == 0) continue;
    TurnSlope(outputs.numbers, inner, slopes.numbers);
    for (Index i = 0; i < rest; ++i) gradient[whole + i] = slopes.numbers[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maas::inline MAAS_ABI::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace maas::inline MAAS_ABI {

namespace kernels {

MAAS_BODIES(SoftmaxRows);
MAAS_BODIES(SoftmaxGradientRows);

}  // namespace kernels

namespace ops {

using namespace kernels;

void softmax(const ConstMatrixView& x, MatrixView y) {
  if (!use_vectors()) return portable::softmax(x, y);
  MAAS_BODY(SoftmaxRows)(x.rows(), x.cols(), x.data(), y.data());
}

void softmax_gradient(const ConstMatrixView& y, MatrixView gradient) {
  if (!use_vectors()) return portable::softmax_gradient(y, gradient);
  MAAS_BODY(SoftmaxGradientRows)(y.rows(), y.cols(), y.data(), gradient.data());
}

}  // namespace ops

}  // namespace maas::inline MAAS_ABI

#endif
