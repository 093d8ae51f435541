// Optimizers that scale every weight's step by the gradients it has seen: Adagrad, Adadelta, Ftrl; and Lion: the
// bodies.
#pragma once

#include "maas/optimizers/adaptive.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE std::span<const std::string_view> Adagrad::slot_names() {
  static constexpr std::string_view names[] = {"accumulator"};
  return names;
}

MAAS_INLINE void Adagrad::update(const Update& u) const {
  const Scalar rate = static_cast<Scalar>(u.learning_rate), small = static_cast<Scalar>(epsilon);
  ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
    ops::adagrad(count, {.w = ops::place_of(u.parameters, first),
                         .g = u.gradient.data() + first,
                         .a = ops::place_of(u.slots[0], first),
                         .rate = rate,
                         .epsilon = small});
  });
}

MAAS_INLINE std::span<const std::string_view> Adadelta::slot_names() {
  static constexpr std::string_view names[] = {"accumulated_grad", "accumulated_delta_var"};
  return names;
}

MAAS_INLINE void Adadelta::update(const Update& u) const {
  const Scalar rate = static_cast<Scalar>(u.learning_rate), small = static_cast<Scalar>(epsilon);
  const Scalar keep = static_cast<Scalar>(rho), rest = static_cast<Scalar>(1 - rho);
  ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
    ops::adadelta(count, {.w = ops::place_of(u.parameters, first),
                          .g = u.gradient.data() + first,
                          .a = ops::place_of(u.slots[0], first),
                          .d = ops::place_of(u.slots[1], first),
                          .rate = rate,
                          .keep = keep,
                          .rest = rest,
                          .epsilon = small});
  });
}

namespace detail {

// ops::ftrl with n^power instead of roots.
inline void ftrl_of_any_power(Index count, const ops::FtrlSweep& s, Scalar power) {
  for (Index i = 0; i < count; ++i) {
    Scalar &w = s.w[i], &n = s.n[i], &z = s.z[i];
    const Scalar g = s.g[i], after = n + g * g;
    const Scalar scale = std::pow(after, power), scale_before = std::pow(n, power);
    z += g + s.shrink * w - (scale - scale_before) / s.rate * w;
    const Scalar bounded = z < -s.l1 ? -s.l1 : z > s.l1 ? s.l1 : z;
    w = (bounded - z) / (scale / s.rate + Scalar(2) * s.l2);
    n = after;
  }
}

}  // namespace detail

MAAS_INLINE std::span<const std::string_view> Ftrl::slot_names() {
  static constexpr std::string_view names[] = {"accumulator", "linear"};
  return names;
}

MAAS_INLINE void Ftrl::update(const Update& u) const {
  const Scalar rate = static_cast<Scalar>(u.learning_rate), power = static_cast<Scalar>(-learning_rate_power);
  const Scalar l1 = static_cast<Scalar>(l1_regularization_strength);
  const Scalar l2 = static_cast<Scalar>(l2_regularization_strength + beta / (2 * u.learning_rate));
  const Scalar shrink = static_cast<Scalar>(2 * l2_shrinkage_regularization_strength);
  ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
    const ops::FtrlSweep sweep{.w = ops::place_of(u.parameters, first),
                               .g = u.gradient.data() + first,
                               .n = ops::place_of(u.slots[0], first),
                               .z = ops::place_of(u.slots[1], first),
                               .rate = rate,
                               .l1 = l1,
                               .l2 = l2,
                               .shrink = shrink};
    if (learning_rate_power == -0.5)
      ops::ftrl(count, sweep);
    else
      detail::ftrl_of_any_power(count, sweep, power);
  });
}

MAAS_INLINE void Lion::check() const {
  require<ConfigError>(beta_1 > 0 && beta_1 <= 1, "Lion: expected a beta_1 above 0, at most 1, got {}", beta_1);
}

MAAS_INLINE std::span<const std::string_view> Lion::slot_names() {
  static constexpr std::string_view names[] = {"momentum"};
  return names;
}

MAAS_INLINE void Lion::update(const Update& u) const {
  const Scalar rate = static_cast<Scalar>(u.learning_rate);
  const Scalar keep_1 = static_cast<Scalar>(beta_1), rest_1 = static_cast<Scalar>(1 - beta_1);
  const Scalar keep_2 = static_cast<Scalar>(beta_2), rest_2 = static_cast<Scalar>(1 - beta_2);
  ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
    ops::lion(count, {.w = ops::place_of(u.parameters, first),
                      .g = u.gradient.data() + first,
                      .m = ops::place_of(u.slots[0], first),
                      .rate = rate,
                      .keep_1 = keep_1,
                      .rest_1 = rest_1,
                      .keep_2 = keep_2,
                      .rest_2 = rest_2});
  });
}

}  // namespace maas::inline MAAS_ABI
