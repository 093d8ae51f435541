// Portable bodies of the optimizers' sweeps.
#pragma once

#include <cmath>

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

MAAS_INLINE void ftrl(Index count, const FtrlSweep& s) {
  VectorView w(s.w, count), n(s.n, count), z(s.z, count);
  const auto g = ConstVectorView(s.g, count).array();
  const auto after = n.array() + g.square();
  z.array() += g + s.shrink * w.array() - (after.sqrt() - n.array().sqrt()) / s.rate * w.array();
  const auto bounded = (z.array() < -s.l1).select(-s.l1, (z.array() > s.l1).select(s.l1, z.array()));
  w.array() = (bounded - z.array()) / (after.sqrt() / s.rate + Scalar(2) * s.l2);
  n.array() = after;
}

MAAS_INLINE double sum_of_squares(Index count, const Scalar* x) {
  return static_cast<double>(ConstVectorView(x, count).squaredNorm());
}

// Views are held by value in an expression.
inline auto lamb_direction(Index count, const LambSweep& s) {
  return s.scale_1 * ConstVectorView(s.m, count).array() /
         ((s.scale_2 * ConstVectorView(s.v, count).array()).sqrt() + s.epsilon);
}

MAAS_INLINE SquareSums lamb_moments(Index count, const LambSweep& s) {
  VectorView m(s.m, count), v(s.v, count);
  const auto g = ConstVectorView(s.g, count).array();
  m.array() += (g - m.array()) * s.rest_1;
  v.array() += (g.square() - v.array()) * s.rest_2;
  return {sum_of_squares(count, s.w), static_cast<double>(lamb_direction(count, s).square().sum())};
}

MAAS_INLINE void lamb_step(Index count, const LambSweep& s, Scalar step) {
  VectorView(s.w, count).array() -= step * lamb_direction(count, s);
}

MAAS_INLINE void adafactor_numbers(Index count, const AdafactorNumbers& s) {
  VectorView v(s.v, count);
  v.array() = s.keep * v.array() + s.rest * (ConstVectorView(s.g, count).array().square() + s.epsilon);
}

MAAS_INLINE void adafactor_rows(const AdafactorRows& s) {
  VectorView sums(s.sums, s.columns);
  sums.setZero();
  for (Index row = 0; row < s.rows; ++row) {
    const ConstVectorView g(s.g + row * s.columns, s.columns);
    sums.array() += g.array().square();
    s.r[row] = s.keep * s.r[row] + s.rest * (g.squaredNorm() / static_cast<Scalar>(s.columns) + s.epsilon);
  }
}

MAAS_INLINE void adafactor_columns(const AdafactorColumns& s) {
  VectorView c(s.c, s.columns);
  c.array() = s.keep * c.array() + s.rest * s.epsilon;
  for (Index part = 0; part < s.parts; ++part)
    c += (s.rest / static_cast<Scalar>(s.rows)) * ConstVectorView(s.sums + part * s.stride, s.columns);
}

inline Scalar adafactor_share(const AdafactorDirection& d, Index row) {
  return d.r == nullptr ? Scalar(1) : d.r[row] / d.mean;
}

inline auto adafactor_direction(const AdafactorDirection& d, Index row) {
  return ConstVectorView(d.g + row * d.columns, d.columns).array() /
         (std::sqrt(adafactor_share(d, row)) * ConstVectorView(d.c, d.columns).array().sqrt());
}

MAAS_INLINE double adafactor_squares(const AdafactorDirection& d) {
  double total = 0;
  for (Index row = 0; row < d.rows; ++row) total += static_cast<double>(adafactor_direction(d, row).square().sum());
  return total;
}

MAAS_INLINE void adafactor_step(const AdafactorDirection& d, Scalar step, Scalar* w, Scalar* v) {
  for (Index row = 0; row < d.rows; ++row) {
    VectorView(w + row * d.columns, d.columns).array() -= step * adafactor_direction(d, row);
    if (v != nullptr)
      VectorView(v + row * d.columns, d.columns) = adafactor_share(d, row) * ConstVectorView(d.c, d.columns);
  }
}

MAAS_PORTABLE_END
}  // namespace maas::inline MAAS_ABI::ops
