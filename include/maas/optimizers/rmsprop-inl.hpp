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
  const Scalar rate = static_cast<Scalar>(u.learning_rate), r = static_cast<Scalar>(rho),
               mu = static_cast<Scalar>(momentum);
  const Scalar rest = static_cast<Scalar>(1 - rho), small = static_cast<Scalar>(epsilon);
  if (momentum == 0 && !centered) {
    ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
      ops::rmsprop(count, {.w = ops::place_of(u.parameters, first),
                           .g = u.gradient.data() + first,
                           .v = ops::place_of(u.slots[0], first),
                           .rate = rate,
                           .keep = r,
                           .rest = rest,
                           .epsilon = small});
    });
    return;
  }
  ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
    VectorView w = ops::part_of(u.parameters, first, count), v = ops::part_of(u.slots[0], first, count);
    const auto g = u.gradient.segment(first, count).array();
    v.array() = r * v.array() + rest * g.square();
    auto step_over = [&](const auto& squares) {
      if (momentum == 0) {
        w.array() -= rate * g / (squares + small).sqrt();
        return;
      }
      VectorView m = ops::part_of(u.slots[1], first, count);
      m.array() = mu * m.array() + rate * g / (squares + small).sqrt();
      w -= m;
    };
    if (!centered) return step_over(v.array());
    VectorView a = ops::part_of(u.slots.back(), first, count);
    a.array() = r * a.array() + rest * g;
    step_over(v.array() - a.array().square());
  });
}

}  // namespace maas::inline MAAS_ABI
