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

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/update-inl.hpp"
#endif
