// Adam and its kin: the bodies.
#pragma once

#include "maas/optimizers/adam.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

MAAS_INLINE std::span<const std::string_view> adam_slots(bool amsgrad) {
  static constexpr std::string_view names[] = {"momentum", "velocity", "velocity_hat"};
  return {names, amsgrad ? 3u : 2u};
}

}  // namespace detail

MAAS_INLINE std::span<const std::string_view> Adamax::slot_names() {
  static constexpr std::string_view names[] = {"momentum", "norm"};
  return names;
}

MAAS_INLINE void Adamax::update(const Update& step) const {
  const Scalar rate = static_cast<Scalar>(step.learning_rate) /
                      (1 - std::pow(static_cast<Scalar>(beta_1), static_cast<Scalar>(step.step)));
  const Scalar rest = static_cast<Scalar>(1 - beta_1), keep = static_cast<Scalar>(beta_2),
               small = static_cast<Scalar>(epsilon);
  ops::for_each_run(step.parameters.size(), [&](Index first, Index count) {
    VectorView w = ops::part_of(step.parameters, first, count);
    VectorView m = ops::part_of(step.slots[0], first, count), u = ops::part_of(step.slots[1], first, count);
    const auto g = step.gradient.segment(first, count).array();
    m.array() += (g - m.array()) * rest;
    u.array() = (keep * u.array()).max(g.abs());
    w.array() -= rate * m.array() / (u.array() + small);
  });
}

MAAS_INLINE std::span<const std::string_view> Nadam::slot_names() {
  static constexpr std::string_view names[] = {"momentum", "velocity"};
  return names;
}

MAAS_INLINE std::span<const std::string_view> Nadam::scalar_names() {
  static constexpr std::string_view names[] = {"u_product"};
  return names;
}

MAAS_INLINE void Nadam::update(const Update& step) const {
  // All in Scalar, as in Keras; see AdamStep.
  const Scalar t = static_cast<Scalar>(step.step), shrink = static_cast<Scalar>(0.96), half = static_cast<Scalar>(0.5);
  const Scalar keep_1 = static_cast<Scalar>(beta_1), keep_2 = static_cast<Scalar>(beta_2);
  const Scalar u = keep_1 * (1 - half * std::pow(shrink, t)), next_u = keep_1 * (1 - half * std::pow(shrink, t + 1));
  const Scalar product = static_cast<Scalar>(step.scalars[0]) * u;
  step.scalars[0] = static_cast<double>(product);
  const Scalar rest_1 = 1 - keep_1, rest_2 = 1 - keep_2;
  const Scalar m_share = next_u / (1 - product * next_u), g_share = (1 - u) / (1 - product);
  const Scalar correction = 1 - std::pow(keep_2, t), small = static_cast<Scalar>(epsilon);
  const Scalar rate = static_cast<Scalar>(step.learning_rate);
  ops::for_each_run(step.parameters.size(), [&](Index first, Index count) {
    VectorView w = ops::part_of(step.parameters, first, count);
    VectorView m = ops::part_of(step.slots[0], first, count), v = ops::part_of(step.slots[1], first, count);
    const auto g = step.gradient.segment(first, count).array();
    m.array() += (g - m.array()) * rest_1;
    v.array() += (g.square() - v.array()) * rest_2;
    w.array() -= rate * (m_share * m.array() + g_share * g) / ((v.array() / correction).sqrt() + small);
  });
}

}  // namespace maas::inline MAAS_ABI
