// Gradient descent over the full batch: the bodies.
#pragma once

#include "maas/optimizers/gradient_descent.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void GradientDescent::update(const Update& u) const {
  const Scalar rate = static_cast<Scalar>(u.learning_rate);
  ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
    ops::part_of(u.parameters, first, count) -= rate * u.gradient.segment(first, count);
  });
}

}  // namespace maas::inline MAAS_ABI
