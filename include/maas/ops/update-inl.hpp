// Portable bodies of the optimizers' sweeps.
#pragma once

#include "maas/ops/portable.hpp"
#include "maas/ops/update.hpp"

namespace maas::inline MAAS_ABI::ops {
MAAS_PORTABLE_BEGIN

MAAS_INLINE void adam(Index count, const AdamSweep& s) {
  VectorView w(s.w, count), m(s.m, count), v(s.v, count);
  const auto g = ConstVectorView(s.g, count).array();
  m.array() += (g - m.array()) * s.rest_1;
  v.array() += (g.square() - v.array()) * s.rest_2;
  if (s.largest == nullptr) {
    w.array() -= s.alpha * m.array() / (v.array().sqrt() + s.epsilon);
    return;
  }
  VectorView largest(s.largest, count);
  largest = largest.cwiseMax(v);
  w.array() -= s.alpha * m.array() / (largest.array().sqrt() + s.epsilon);
}

MAAS_INLINE void sgd(Index count, const SgdSweep& s) {
  VectorView w(s.w, count);
  const ConstVectorView g(s.g, count);
  if (s.m == nullptr) {
    w -= s.rate * g;
    return;
  }
  VectorView m(s.m, count);
  m = s.momentum * m - s.rate * g;
  if (s.nesterov)
    w += s.momentum * m - s.rate * g;
  else
    w += m;
}

MAAS_INLINE void rmsprop(Index count, const RmspropSweep& s) {
  VectorView w(s.w, count), v(s.v, count);
  const auto g = ConstVectorView(s.g, count).array();
  v.array() = s.keep * v.array() + s.rest * g.square();
  w.array() -= s.rate * g / (v.array() + s.epsilon).sqrt();
}

MAAS_PORTABLE_END
}  // namespace maas::inline MAAS_ABI::ops
