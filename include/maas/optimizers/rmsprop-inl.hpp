// RMSprop: the bodies.
#pragma once

#include "maas/optimizers/rmsprop.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE std::span<const std::string_view> RMSprop::slot_names() const {
  static constexpr std::string_view all[] = {"velocity", "momentum", "average_gradient"};
  static constexpr std::string_view centered_only[] = {"velocity", "average_gradient"};
  if (centered && momentum == 0) return centered_only;
  return {all, 1u + (momentum != 0) + centered};
}

MAAS_INLINE void RMSprop::update(const Update& u) const {
  const Scalar rate = static_cast<Scalar>(u.learning_rate), keep = static_cast<Scalar>(rho),
               mu = static_cast<Scalar>(momentum);
  const Scalar rest = static_cast<Scalar>(1 - rho), small = static_cast<Scalar>(epsilon);
  ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
    ops::rmsprop(count, {.w = ops::place_of(u.parameters, first),
                         .g = u.gradient.data() + first,
                         .v = ops::place_of(u.slots[0], first),
                         .a = centered ? ops::place_of(u.slots.back(), first) : nullptr,
                         .m = momentum == 0 ? nullptr : ops::place_of(u.slots[1], first),
                         .rate = rate,
                         .keep = keep,
                         .rest = rest,
                         .epsilon = small,
                         .momentum = mu});
  });
}

}  // namespace maas::inline MAAS_ABI
