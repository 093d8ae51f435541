// Stochastic gradient descent: the bodies.
#pragma once

#include "maas/optimizers/sgd.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void Sgd::check() const {
  require<ConfigError>(momentum >= 0 && momentum <= 1, "SGD: expected a momentum from 0 to 1, got {}", momentum);
}

MAAS_INLINE std::span<const std::string_view> Sgd::slot_names() const {
  static constexpr std::string_view names[] = {"momentum"};
  return {names, momentum != 0 ? 1u : 0u};
}

MAAS_INLINE void Sgd::update(const Update& u) const {
  const Scalar rate = static_cast<Scalar>(u.learning_rate), mu = static_cast<Scalar>(momentum);
  ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
    ops::sgd(count, {.w = ops::place_of(u.parameters, first),
                     .g = u.gradient.data() + first,
                     .m = momentum != 0 ? ops::place_of(u.slots[0], first) : nullptr,
                     .rate = rate,
                     .momentum = mu,
                     .nesterov = nesterov});
  });
}

}  // namespace maas::inline MAAS_ABI
