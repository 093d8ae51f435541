// The sweeps of ops/update.hpp that look at whole tensors, for the vectors of the processor they run on.
//
// Numbers are taken 16 at a time, sums of squares in 16 lanes and one fixed tree, so that they have the same bits on
// every target with fused multiply-adds. What is left of a row is filled up on the way with numbers whose sum is 0.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/portable.hpp"
#include "kernels/targets.hpp"
#include "maas/ops/update.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/layerwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/dispatch.hpp"
#include "kernels/parts.hpp"
#include "kernels/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace maas::inline MAAS_ABI::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// So many numbers at the most are summed in the lanes; sums of more are sums of those, in double.
constexpr Index run = ops::run_length;

// All sixteen numbers are there.
using Whole = std::integral_constant<Index, width>;

HWY_INLINE void LoadPart(const Scalar* from, Whole, Scalar, Sums& to) { LoadAll(from, to); }
HWY_INLINE void LoadPart(const Scalar* from, Index count, Scalar filling, Sums& to) {
  LoadTail(from, count, filling, to);
}
HWY_INLINE void StorePart(const Sums& from, Whole, Scalar* to) { StoreAll(from, to); }
HWY_INLINE void StorePart(const Sums& from, Index count, Scalar* to) { StoreTail(from, count, to); }

// What was computed from fillings counts as 0.
HWY_INLINE void KeepPart(Whole, Sums&) {}
HWY_INLINE void KeepPart(Index count, Sums& x) {
  for (int v = 0; v < vectors; ++v) x[v] = hn::IfThenElseZero(LanesBelow(count, v), x[v]);
}

// Calls body(position, how many are there) for sixteen numbers at a time, then for the rest.
template <class Body>
HWY_INLINE void ForParts(Index count, Body&& body) {
  Index i = 0;
  for (; i + width <= count; i += width) body(i, Whole());
  if (i < count) body(i, count - i);
}

HWY_INLINE void AddSquares(const Sums& x, Sums& sums) {
  for (int v = 0; v < vectors; ++v) sums[v] = hn::MulAdd(x[v], x[v], sums[v]);
}

double SumOfSquares(Index count, const Scalar* x) {
  Sums sums;
  SetAll(sums, 0);
  ForParts(count, [&](Index i, auto there) HWY_ATTR {
    Sums here;
    LoadPart(x + i, there, 0, here);
    AddSquares(here, sums);
  });
  return static_cast<double>(AddHalves(Part(), sums));
}

HWY_INLINE void LambDirection(const ops::LambSweep& s, const Sums& m, const Sums& v, Sums& r) {
  const Part d;
  const auto scale_1 = hn::Set(d, s.scale_1), scale_2 = hn::Set(d, s.scale_2), small = hn::Set(d, s.epsilon);
  for (int k = 0; k < vectors; ++k)
    r[k] = hn::Div(hn::Mul(scale_1, m[k]), hn::Add(hn::Sqrt(hn::Mul(scale_2, v[k])), small));
}

ops::SquareSums LambMoments(Index count, const ops::LambSweep& s) {
  const auto rest_1 = hn::Set(Part(), s.rest_1), rest_2 = hn::Set(Part(), s.rest_2);
  Sums weights, directions;
  SetAll(weights, 0);
  SetAll(directions, 0);
  ForParts(count, [&](Index i, auto there) HWY_ATTR {
    Sums w, g, m, v, r;
    LoadPart(s.g + i, there, 0, g);
    LoadPart(s.m + i, there, 0, m);
    LoadPart(s.v + i, there, 1, v);
    for (int k = 0; k < vectors; ++k) {
      m[k] = hn::MulAdd(hn::Sub(g[k], m[k]), rest_1, m[k]);
      v[k] = hn::MulAdd(hn::MulSub(g[k], g[k], v[k]), rest_2, v[k]);
    }
    StorePart(m, there, s.m + i);
    StorePart(v, there, s.v + i);
    LambDirection(s, m, v, r);
    KeepPart(there, r);
    AddSquares(r, directions);
    LoadPart(s.w + i, there, 0, w);
    AddSquares(w, weights);
  });
  return {static_cast<double>(AddHalves(Part(), weights)), static_cast<double>(AddHalves(Part(), directions))};
}

// w -= step r of 16 numbers.
template <class There>
HWY_INLINE void StepAlong(const Sums& r, Scalar step, There there, Scalar* at) {
  Sums w;
  LoadPart(at, there, 0, w);
  for (int v = 0; v < vectors; ++v) w[v] = hn::NegMulAdd(hn::Set(Part(), step), r[v], w[v]);
  StorePart(w, there, at);
}

void LambStep(Index count, const ops::LambSweep& s, Scalar step) {
  ForParts(count, [&](Index i, auto there) HWY_ATTR {
    Sums m, v, r;
    LoadPart(s.m + i, there, 0, m);
    LoadPart(s.v + i, there, 1, v);
    LambDirection(s, m, v, r);
    StepAlong(r, step, there, s.w + i);
  });
}

// mean = keep mean + rest (square + epsilon) of 16 numbers.
template <class Sweep, class There>
HWY_INLINE void KeepMean(const Sweep& s, const Sums& squares, There there, Scalar* at) {
  const Part d;
  const auto keep = hn::Set(d, s.keep), rest = hn::Set(d, s.rest), small = hn::Set(d, s.epsilon);
  Sums mean;
  LoadPart(at, there, 0, mean);
  for (int v = 0; v < vectors; ++v) mean[v] = hn::MulAdd(keep, mean[v], hn::Mul(rest, hn::Add(squares[v], small)));
  StorePart(mean, there, at);
}

void AdafactorNumbersKernel(Index count, const ops::AdafactorNumbers& s) {
  ForParts(count, [&](Index i, auto there) HWY_ATTR {
    Sums g;
    LoadPart(s.g + i, there, 0, g);
    for (int v = 0; v < vectors; ++v) g[v] = hn::Mul(g[v], g[v]);
    KeepMean(s, g, there, s.v + i);
  });
}

// The sum of squares of a run of a row, each square added to the sum of its column, too.
HWY_INLINE double SumRowAndColumns(Index count, const Scalar* g, Scalar* columns) {
  Sums sums;
  SetAll(sums, 0);
  ForParts(count, [&](Index i, auto there) HWY_ATTR {
    Sums here, column;
    LoadPart(g + i, there, 0, here);
    LoadPart(columns + i, there, 0, column);
    AddSquares(here, sums);
    AddSquares(here, column);
    StorePart(column, there, columns + i);
  });
  return static_cast<double>(AddHalves(Part(), sums));
}

void AdafactorRowsKernel(const ops::AdafactorRows& s) {
  std::fill_n(s.sums, s.columns, Scalar(0));
  for (Index row = 0; row < s.rows; ++row) {
    const Scalar* g = s.g + row * s.columns;
    double squares = 0;
    for (Index i = 0; i < s.columns; i += run)
      squares += SumRowAndColumns(std::min(run, s.columns - i), g + i, s.sums + i);
    const Scalar mean = static_cast<Scalar>(squares / static_cast<double>(s.columns)) + s.epsilon;
    s.r[row] = s.keep * s.r[row] + s.rest * mean;
  }
}

void AdafactorColumnsKernel(const ops::AdafactorColumns& s) {
  const auto rows = hn::Set(Part(), static_cast<Scalar>(s.rows));
  ForParts(s.columns, [&](Index i, auto there) HWY_ATTR {
    Sums sum;
    SetAll(sum, 0);
    for (Index part = 0; part < s.parts; ++part) {
      Sums here;
      LoadPart(s.sums + part * s.stride + i, there, 0, here);
      for (int v = 0; v < vectors; ++v) sum[v] = hn::Add(sum[v], here[v]);
    }
    for (int v = 0; v < vectors; ++v) sum[v] = hn::Div(sum[v], rows);
    KeepMean(s, sum, there, s.c + i);
  });
}

// What the mean square of a row is of that of all rows.
HWY_INLINE Scalar RowShare(const ops::AdafactorDirection& d, Index row) {
  return d.r == nullptr ? Scalar(1) : d.r[row] / d.mean;
}

// g / (size sqrt(c)) of 16 numbers, size being the root of the row's share. Roots one by one: the product of a small
// share and a small c may be 0.
template <class There>
HWY_INLINE void DirectionOf(const Scalar* g, const Scalar* c, Scalar size, There there, Sums& r) {
  Sums columns;
  LoadPart(g, there, 0, r);
  LoadPart(c, there, 1, columns);
  for (int v = 0; v < vectors; ++v) r[v] = hn::Div(r[v], hn::Mul(hn::Set(Part(), size), hn::Sqrt(columns[v])));
}

HWY_INLINE double SumOfDirection(Index count, const Scalar* g, const Scalar* c, Scalar size) {
  Sums sums;
  SetAll(sums, 0);
  ForParts(count, [&](Index i, auto there) HWY_ATTR {
    Sums r;
    DirectionOf(g + i, c + i, size, there, r);
    KeepPart(there, r);
    AddSquares(r, sums);
  });
  return static_cast<double>(AddHalves(Part(), sums));
}

double AdafactorSquares(const ops::AdafactorDirection& d) {
  double total = 0;
  for (Index row = 0; row < d.rows; ++row) {
    const Scalar size = std::sqrt(RowShare(d, row));
    const Scalar* g = d.g + row * d.columns;
    for (Index i = 0; i < d.columns; i += run)
      total += SumOfDirection(std::min(run, d.columns - i), g + i, d.c + i, size);
  }
  return total;
}

void AdafactorStep(const ops::AdafactorDirection& d, Scalar step, Scalar* w, Scalar* v) {
  for (Index row = 0; row < d.rows; ++row) {
    const Scalar share = RowShare(d, row), size = std::sqrt(share);
    const Index first = row * d.columns;
    ForParts(d.columns, [&](Index i, auto there) HWY_ATTR {
      Sums r;
      DirectionOf(d.g + first + i, d.c + i, size, there, r);
      StepAlong(r, step, there, w + first + i);
      if (v == nullptr) return;
      LoadPart(d.c + i, there, 0, r);
      for (int k = 0; k < vectors; ++k) r[k] = hn::Mul(hn::Set(Part(), share), r[k]);
      StorePart(r, there, v + first + i);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maas::inline MAAS_ABI::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace maas::inline MAAS_ABI {

namespace kernels {

MAAS_BODIES(SumOfSquares);
MAAS_BODIES(LambMoments);
MAAS_BODIES(LambStep);
MAAS_BODIES(AdafactorNumbersKernel);
MAAS_BODIES(AdafactorRowsKernel);
MAAS_BODIES(AdafactorColumnsKernel);
MAAS_BODIES(AdafactorSquares);
MAAS_BODIES(AdafactorStep);

}  // namespace kernels

namespace ops {

using namespace kernels;

double sum_of_squares(Index count, const Scalar* x) {
  if (!use_vectors()) return portable::sum_of_squares(count, x);
  return MAAS_BODY(SumOfSquares)(count, x);
}
SquareSums lamb_moments(Index count, const LambSweep& sweep) {
  if (!use_vectors()) return portable::lamb_moments(count, sweep);
  return MAAS_BODY(LambMoments)(count, sweep);
}
void lamb_step(Index count, const LambSweep& sweep, Scalar step) {
  if (!use_vectors()) return portable::lamb_step(count, sweep, step);
  MAAS_BODY(LambStep)(count, sweep, step);
}
void adafactor_numbers(Index count, const AdafactorNumbers& sweep) {
  if (!use_vectors()) return portable::adafactor_numbers(count, sweep);
  MAAS_BODY(AdafactorNumbersKernel)(count, sweep);
}
void adafactor_rows(const AdafactorRows& sweep) {
  if (!use_vectors()) return portable::adafactor_rows(sweep);
  MAAS_BODY(AdafactorRowsKernel)(sweep);
}
void adafactor_columns(const AdafactorColumns& sweep) {
  if (!use_vectors()) return portable::adafactor_columns(sweep);
  MAAS_BODY(AdafactorColumnsKernel)(sweep);
}
double adafactor_squares(const AdafactorDirection& direction) {
  if (!use_vectors()) return portable::adafactor_squares(direction);
  return MAAS_BODY(AdafactorSquares)(direction);
}
void adafactor_step(const AdafactorDirection& direction, Scalar step, Scalar* w, Scalar* v) {
  if (!use_vectors()) return portable::adafactor_step(direction, step, w, v);
  MAAS_BODY(AdafactorStep)(direction, step, w, v);
}

}  // namespace ops

}  // namespace maas::inline MAAS_ABI

#endif
