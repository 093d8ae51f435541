// Bodies of the penalties on size.
#pragma once

#include "maas/regularizers/l1_l2.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE double L1L2::value(const ConstVectorView& w) const {
  return l1 * static_cast<double>(w.template lpNorm<1>()) + l2 * static_cast<double>(w.squaredNorm());
}
MAAS_INLINE void L1L2::add_gradient(const ConstVectorView& w, VectorView gradient) const {
  gradient.array() += static_cast<Scalar>(l1) * w.array().sign() + static_cast<Scalar>(2 * l2) * w.array();
}

}  // namespace maas::inline MAAS_ABI
