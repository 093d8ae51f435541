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
    ops::adamax(count, {.w = ops::place_of(step.parameters, first),
                        .g = step.gradient.data() + first,
                        .m = ops::place_of(step.slots[0], first),
                        .u = ops::place_of(step.slots[1], first),
                        .rate = rate,
                        .rest = rest,
                        .keep = keep,
                        .epsilon = small});
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
    ops::nadam(count, {.w = ops::place_of(step.parameters, first),
                       .g = step.gradient.data() + first,
                       .m = ops::place_of(step.slots[0], first),
                       .v = ops::place_of(step.slots[1], first),
                       .rate = rate,
                       .rest_1 = rest_1,
                       .rest_2 = rest_2,
                       .m_share = m_share,
                       .g_share = g_share,
                       .correction = correction,
                       .epsilon = small});
  });
}

}  // namespace maas::inline MAAS_ABI
