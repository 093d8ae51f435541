// Sweeps over flat buffers, cut into pieces that stay in the nearest cache.
#pragma once

#include <algorithm>

#include "maas/core/matrix.hpp"
#include "maas/core/parallel.hpp"

namespace maas::inline MAAS_ABI::ops {

/// `count` numbers of a buffer from `first` on.
inline VectorView part_of(VectorView buffer, Index first, Index count) { return {buffer.data() + first, count}; }

/// Where number `first` of a buffer lies.
inline Scalar* place_of(VectorView buffer, Index first) { return buffer.data() + first; }

/// Calls `sweep(first, count)` for consecutive runs that together cover 0 ... size - 1. Runs are a multiple of 64 bytes
/// and small enough that several buffers of that length stay in the first-level cache while their formulas are
/// evaluated one after the other. Large sizes are shared among threads; every element is on its own, so the result
/// does not depend on it.
template <class Sweep>
void for_each_run(Index size, Sweep&& sweep) {
  constexpr Index run = 1024, shared_runs = 64;
  const Index runs = (size + run - 1) / run;
  auto one_run = [&](Index piece) { sweep(piece * run, std::min(run, size - piece * run)); };
  if (runs < shared_runs) {
    for (Index piece = 0; piece < runs; ++piece) one_run(piece);
    return;
  }
  for_each_piece((runs + 15) / 16, [&](Index group) {
    for (Index piece = group * 16; piece < std::min(runs, group * 16 + 16); ++piece) one_run(piece);
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

/// One step of RMSprop without centring or momentum: v = keep v + rest g^2; w -= rate g / sqrt(v + epsilon).
struct RmspropSweep {
  Scalar* w;
  const Scalar* g;
  Scalar* v;
  Scalar rate, keep, rest, epsilon;
};
void rmsprop(Index count, const RmspropSweep& sweep);

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/update-inl.hpp"
#endif
