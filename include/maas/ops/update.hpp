// Sweeps over flat buffers, cut into pieces that stay in the nearest cache.
#pragma once

#include <algorithm>
#include <array>

#include "maas/core/matrix.hpp"
#include "maas/core/parallel.hpp"

namespace maas::inline MAAS_ABI::ops {

/// `count` numbers of a buffer from `first` on.
inline VectorView part_of(VectorView buffer, Index first, Index count) { return {buffer.data() + first, count}; }

/// Where number `first` of a buffer lies.
inline Scalar* place_of(VectorView buffer, Index first) { return buffer.data() + first; }

/// How `size` numbers, or rows, are cut into shares that may run on threads: `share` each, the last one the rest. It
/// depends on sizes alone, not on how many threads there are.
struct Shares {
  static constexpr Index most = 128;  ///< of which a sum may be
  Index size, share;
  bool on_threads;
  /// How many shares there are.
  Index count() const { return (size + share - 1) / share; }
};

/// How many numbers are swept at a time, how many of those runs make a share, and from how many on threads are worth
/// their while.
inline constexpr Index run_length = 1024, runs_a_share = 16, shared_runs = 64;

/// Shares of a buffer of `size` numbers, `Shares::most` at most.
inline Shares shares_of(Index size) {
  const Index runs = (size + run_length - 1) / run_length;
  const Index share = std::max(runs_a_share, (runs + Shares::most - 1) / Shares::most);
  return {size, run_length * share, runs >= shared_runs};
}

/// Shares of the rows of a matrix, `Shares::most` at most: sixteen rows or more, and as many numbers as above.
inline Shares shares_of_rows(Index rows, Index columns) {
  const Index enough = runs_a_share * run_length / std::max<Index>(columns, 1) + 1;
  return {rows, std::max({Index{16}, enough, (rows + Shares::most - 1) / Shares::most}),
          rows * columns >= shared_runs * run_length};
}

/// Calls `work(number, first, count)` for every share.
template <class Work>
void for_each_share(const Shares& shares, Work&& work) {
  auto one = [&](Index number) {
    const Index first = number * shares.share;
    work(number, first, std::min(shares.share, shares.size - first));
  };
  if (shares.on_threads) return for_each_piece(shares.count(), one);
  for (Index number = 0; number < shares.count(); ++number) one(number);
}

/// Calls `sweep(first, count)` for consecutive runs that together cover 0 ... size - 1. Runs are a multiple of 64 bytes
/// and small enough that several buffers of that length stay in the first-level cache while their formulas are
/// evaluated one after the other. Large sizes are shared among threads; every element is on its own, so the result
/// does not depend on it.
template <class Sweep>
void for_each_run(Index size, Sweep&& sweep) {
  const Shares shares{size, runs_a_share * run_length, shares_of(size).on_threads};
  for_each_share(shares, [&](Index, Index first, Index count) {
    for (Index i = 0; i < count; i += run_length) sweep(first + i, std::min(run_length, count - i));
  });
}

/// The sum of what `sum(first, count)` gives for every share, added in order: the same bits with any number of threads.
template <class Sum>
auto sum_of_shares(const Shares& shares, Sum&& sum) {
  using Total = decltype(sum(Index{0}, Index{0}));
  std::array<Total, Shares::most> sums{};
  for_each_share(shares, [&](Index number, Index first, Index count) {
    sums[static_cast<std::size_t>(number)] = sum(first, count);
  });
  Total total{};
  for (Index number = 0; number < shares.count(); ++number) total += sums[static_cast<std::size_t>(number)];
  return total;
}

/// The sum of what `sweep(first, count)` gives for such runs, added in order within shares, and these in order.
template <class Sweep>
auto sum_over_runs(Index size, Sweep&& sweep) {
  return sum_of_shares(shares_of(size), [&](Index first, Index count) {
    decltype(sweep(first, count)) total{};
    for (Index i = 0; i < count; i += run_length) total += sweep(first + i, std::min(run_length, count - i));
    return total;
  });
}

/// One step of Adam over consecutive numbers: m += (g - m) rest_1; v += (g^2 - v) rest_2; w -= alpha m / (sqrt(v) +
/// epsilon); with `largest` (else null) that is the root of max(largest, v), which is kept.
struct AdamSweep {
  Scalar* w;
  const Scalar* g;
  Scalar *m, *v, *largest;
  Scalar alpha, rest_1, rest_2, epsilon;
};
void adam(Index count, const AdamSweep& sweep);

/// One step of gradient descent: momentum 0 (m null): w -= rate g; else m = momentum m - rate g, w += m, or with
/// nesterov w += momentum m - rate g with the new m.
struct SgdSweep {
  Scalar* w;
  const Scalar* g;
  Scalar* m;
  Scalar rate, momentum;
  bool nesterov;
};
void sgd(Index count, const SgdSweep& sweep);

/// One step of RMSprop: v = keep v + rest g^2; a = keep a + rest g where it is centred (else null); step = rate g /
/// sqrt(v - a^2 + epsilon), or with momentum m = momentum m + that step (else null); w -= step.
struct RmspropSweep {
  Scalar* w;
  const Scalar* g;
  Scalar *v, *a = nullptr, *m = nullptr;
  Scalar rate, keep, rest, epsilon, momentum = 0;
};
void rmsprop(Index count, const RmspropSweep& sweep);

/// One step of Adamax: m += (g - m) rest; u = max(keep u, |g|); w -= rate m / (u + epsilon).
struct AdamaxSweep {
  Scalar* w;
  const Scalar* g;
  Scalar *m, *u;
  Scalar rate, rest, keep, epsilon;
};
void adamax(Index count, const AdamaxSweep& sweep);

/// One step of Nadam: m and v as in Adam; w -= rate (m_share m + g_share g) / (sqrt(v / correction) + epsilon).
struct NadamSweep {
  Scalar* w;
  const Scalar* g;
  Scalar *m, *v;
  Scalar rate, rest_1, rest_2, m_share, g_share, correction, epsilon;
};
void nadam(Index count, const NadamSweep& sweep);

/// One step of Adagrad: a += g^2; w -= rate g / sqrt(a + epsilon).
struct AdagradSweep {
  Scalar* w;
  const Scalar* g;
  Scalar* a;
  Scalar rate, epsilon;
};
void adagrad(Index count, const AdagradSweep& sweep);

/// One step of Adadelta: a = keep a + rest g^2; s = sqrt(d + epsilon) / sqrt(a + epsilon) g; w -= rate s; d = keep d +
/// rest s^2.
struct AdadeltaSweep {
  Scalar* w;
  const Scalar* g;
  Scalar *a, *d;
  Scalar rate, keep, rest, epsilon;
};
void adadelta(Index count, const AdadeltaSweep& sweep);

/// One step of Lion: w -= rate sign(keep_1 m + rest_1 g); m = keep_2 m + rest_2 g.
struct LionSweep {
  Scalar* w;
  const Scalar* g;
  Scalar* m;
  Scalar rate, keep_1, rest_1, keep_2, rest_2;
};
void lion(Index count, const LionSweep& sweep);

/// One step of Ftrl with a power of -1/2: n' = n + g^2; z += g + shrink w - (sqrt(n') - sqrt(n)) / rate w; w = (z cut
/// to -l1 ... l1 - z) / (sqrt(n') / rate + 2 l2); n = n'.
struct FtrlSweep {
  Scalar* w;
  const Scalar* g;
  Scalar *n, *z;
  Scalar rate, l1, l2, shrink;
};
void ftrl(Index count, const FtrlSweep& sweep);

/// The sum of squares in 16 running sums, which are then added in halves: the order depends on the size alone. Every
/// sum of squares below is such a one, over at most 1024 numbers; those of more are added in order in double.
double sum_of_squares(Index count, const Scalar* x);

/// Sums of squares of weights and of the direction of their step.
struct SquareSums {
  double w = 0, r = 0;
  SquareSums& operator+=(const SquareSums& other) {
    w += other.w, r += other.r;
    return *this;
  }
};

/// Lamb, of which the direction is r = scale_1 m / (sqrt(scale_2 v) + epsilon).
struct LambSweep {
  Scalar* w;
  const Scalar* g;
  Scalar *m, *v;
  Scalar rest_1, rest_2, scale_1, scale_2, epsilon;
};
/// The first half of a step, over 1024 numbers at most: m and v as in Adam; gives the sums of squares of w and of r.
SquareSums lamb_moments(Index count, const LambSweep& sweep);
/// The second half: w -= step r.
void lamb_step(Index count, const LambSweep& sweep, Scalar step);

/// Adafactor's mean squares of numbers that have neither rows nor columns: v = keep v + rest (g^2 + epsilon).
struct AdafactorNumbers {
  const Scalar* g;
  Scalar* v;
  Scalar keep, rest, epsilon;
};
void adafactor_numbers(Index count, const AdafactorNumbers& sweep);

/// Adafactor's mean squares of some rows of a matrix: r = keep r + rest (mean of the row's g^2 + epsilon), one number a
/// row. `sums`, one number a column, is overwritten with the sums of these rows' g^2.
struct AdafactorRows {
  Index rows, columns;
  const Scalar* g;
  Scalar *r, *sums;
  Scalar keep, rest, epsilon;
};
void adafactor_rows(const AdafactorRows& sweep);

/// Adafactor's mean squares of the columns of a matrix, from `parts` sums of its rows that lie `stride` numbers apart:
/// c = keep c + rest (the parts' sum / rows + epsilon).
struct AdafactorColumns {
  Index rows, columns, parts, stride;
  const Scalar* sums;
  Scalar* c;
  Scalar keep, rest, epsilon;
};
void adafactor_columns(const AdafactorColumns& sweep);

/// Some rows of the direction of Adafactor: g / (sqrt(r / mean) sqrt(c)), with one r a row (null: no r,
/// and no mean) and one c a column.
struct AdafactorDirection {
  Index rows, columns;
  const Scalar *g, *r, *c;
  Scalar mean;
};
/// Its sum of squares.
double adafactor_squares(const AdafactorDirection& direction);
/// w -= step times the direction; v (null: not wanted) = r / mean c.
void adafactor_step(const AdafactorDirection& direction, Scalar step, Scalar* w, Scalar* v);

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/update-inl.hpp"
#endif
