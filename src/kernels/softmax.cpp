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
#include "kernels/parts.hpp"
#include "kernels/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace maas::inline MAAS_ABI::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The largest of 16 numbers each; a NaN is passed over, since what follows meets it again.
HWY_INLINE void TakeLargest(const Sums& x, Sums& largest) {
  for (int v = 0; v < vectors; ++v) largest[v] = hn::IfThenElse(hn::Gt(x[v], largest[v]), x[v], largest[v]);
}

// In every lane. No sum, so that the order does not matter.
HWY_INLINE hn::Vec<Part> LargestOf(const Scalar* x, Index whole, const Sums& tail) {
  Sums largest;
  SetAll(largest, -std::numeric_limits<Scalar>::infinity());
  TakeLargest(tail, largest);
  for (Index i = 0; i < whole; i += width) {
    Sums here;
    LoadAll(x + i, here);
    TakeLargest(here, largest);
  }
  for (int v = 1; v < vectors; ++v) largest[0] = hn::Max(largest[v], largest[0]);
  return hn::MaxOfLanes(Part(), largest[0]);
}

// exp(x - largest) of 16 numbers.
HWY_INLINE void ExpOf(hn::Vec<Part> largest, Sums& x) {
  for (int v = 0; v < vectors; ++v) x[v] = Exp(Part(), hn::Sub(x[v], largest));
}

HWY_INLINE void AddTo(Sums& sums, const Sums& x) {
  for (int v = 0; v < vectors; ++v) sums[v] = hn::Add(sums[v], x[v]);
}

void SoftmaxRows(Index rows, Index size, const Scalar* x, Scalar* y) {
  const Index whole = size / width * width, rest = size - whole;
  for (Index row = 0; row < rows; ++row, x += size, y += size) {
    Sums sums, tail;
    LoadTail(x + whole, rest, -std::numeric_limits<Scalar>::infinity(), tail);
    const auto largest = LargestOf(x, whole, tail);
    SetAll(sums, 0);
    for (Index i = 0; i < whole; i += width) {
      Sums here;
      LoadAll(x + i, here);
      ExpOf(largest, here);
      AddTo(sums, here);
      StoreAll(here, y + i);
    }
    if (rest > 0) {
      // What fills up is taken for a number whose exp is quick to compute, and then for 0.
      for (int v = 0; v < vectors; ++v) tail[v] = hn::IfThenElse(LanesBelow(rest, v), tail[v], largest);
      ExpOf(largest, tail);
      for (int v = 0; v < vectors; ++v) tail[v] = hn::IfThenElseZero(LanesBelow(rest, v), tail[v]);
      AddTo(sums, tail);
    }
    const auto sum = hn::Set(Part(), AddHalves(Part(), sums));
    for (Index i = 0; i < whole; i += lanes) hn::StoreU(hn::Div(hn::LoadU(Part(), y + i), sum), Part(), y + i);
    if (rest == 0) continue;
    for (int v = 0; v < vectors; ++v) tail[v] = hn::Div(tail[v], sum);
    StoreTail(tail, rest, y + whole);
  }
}

HWY_INLINE void AddProducts(Sums& sums, const Sums& a, const Sums& b) {
  for (int v = 0; v < vectors; ++v) sums[v] = hn::MulAdd(a[v], b[v], sums[v]);
}

// g = y (g - inner) of 16 numbers.
HWY_INLINE void TurnSlope(const Sums& y, hn::Vec<Part> inner, Sums& g) {
  for (int v = 0; v < vectors; ++v) g[v] = hn::Mul(y[v], hn::Sub(g[v], inner));
}

void SoftmaxGradientRows(Index rows, Index size, const Scalar* y, Scalar* gradient) {
  const Index whole = size / width * width, rest = size - whole;
  Sums last_slopes;
  if (rows > 0) LoadTail(gradient + whole, rest, 0, last_slopes);
  for (Index row = 0; row < rows; ++row, y += size, gradient += size) {
    Sums sums, outputs, slopes;
    SetAll(sums, 0);
    for (Index i = 0; i < whole; i += width) {
      LoadAll(y + i, outputs);
      LoadAll(gradient + i, slopes);
      AddProducts(sums, slopes, outputs);
    }
    Sums last_outputs;
    LoadTail(y + whole, rest, 0, last_outputs);
    AddProducts(sums, last_slopes, last_outputs);
    const auto inner = hn::Set(Part(), AddHalves(Part(), sums));
    for (Index i = 0; i < whole; i += width) {
      LoadAll(y + i, outputs);
      LoadAll(gradient + i, slopes);
      TurnSlope(outputs, inner, slopes);
      StoreAll(slopes, gradient + i);
    }
    if (rest == 0) continue;
    TurnSlope(last_outputs, inner, last_slopes);
    // The next row's are read first: a vector that overlaps one just stored would wait for it.
    Sums next;
    if (row + 1 < rows)
      LoadTail(gradient + size + whole, rest, 0, next);
    else
      SetAll(next, 0);
    StoreTail(last_slopes, rest, gradient + whole);
    for (int v = 0; v < vectors; ++v) last_slopes[v] = next[v];
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
