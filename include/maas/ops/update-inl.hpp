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
  auto step_over = [&](const auto& squares) {
    if (s.m == nullptr) {
      w.array() -= s.rate * g / (squares + s.epsilon).sqrt();
      return;
    }
    VectorView m(s.m, count);
    m.array() = s.momentum * m.array() + s.rate * g / (squares + s.epsilon).sqrt();
    w -= m;
  };
  if (s.a == nullptr) return step_over(v.array());
  VectorView a(s.a, count);
  a.array() = s.keep * a.array() + s.rest * g;
  step_over(v.array() - a.array().square());
}

MAAS_INLINE void adamax(Index count, const AdamaxSweep& s) {
  VectorView w(s.w, count), m(s.m, count), u(s.u, count);
  const auto g = ConstVectorView(s.g, count).array();
  m.array() += (g - m.array()) * s.rest;
  u.array() = (s.keep * u.array()).max(g.abs());
  w.array() -= s.rate * m.array() / (u.array() + s.epsilon);
}

MAAS_INLINE void nadam(Index count, const NadamSweep& s) {
  VectorView w(s.w, count), m(s.m, count), v(s.v, count);
  const auto g = ConstVectorView(s.g, count).array();
  m.array() += (g - m.array()) * s.rest_1;
  v.array() += (g.square() - v.array()) * s.rest_2;
  w.array() -= s.rate * (s.m_share * m.array() + s.g_share * g) / ((v.array() / s.correction).sqrt() + s.epsilon);
}

MAAS_INLINE void adagrad(Index count, const AdagradSweep& s) {
  VectorView w(s.w, count), a(s.a, count);
  const auto g = ConstVectorView(s.g, count).array();
  a.array() += g.square();
  w.array() -= s.rate * g / (a.array() + s.epsilon).sqrt();
}

MAAS_INLINE void adadelta(Index count, const AdadeltaSweep& s) {
  VectorView w(s.w, count), a(s.a, count), d(s.d, count);
  const auto g = ConstVectorView(s.g, count).array();
  a.array() = s.keep * a.array() + s.rest * g.square();
  const auto step = (d.array() + s.epsilon).sqrt() / (a.array() + s.epsilon).sqrt() * g;
  w.array() -= s.rate * step;
  d.array() = s.keep * d.array() + s.rest * step.square();
}

MAAS_INLINE void lion(Index count, const LionSweep& s) {
  VectorView w(s.w, count), m(s.m, count);
  const auto g = ConstVectorView(s.g, count).array();
  w.array() -= s.rate * (s.keep_1 * m.array() + s.rest_1 * g).sign();
  m.array() = s.keep_2 * m.array() + s.rest_2 * g;
}

MAAS_PORTABLE_END
}  // namespace maas::inline MAAS_ABI::ops
