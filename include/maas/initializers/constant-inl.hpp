// Bodies of the initializers without randomness.
#pragma once

#include "maas/initializers/constant.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void Zeros::fill(VectorView values, const Shape&, const Random&) const { values.setZero(); }
MAAS_INLINE void Ones::fill(VectorView values, const Shape&, const Random&) const { values.setOnes(); }
MAAS_INLINE void Constant::fill(VectorView values, const Shape&, const Random&) const {
  values.setConstant(static_cast<Scalar>(value));
}

}  // namespace maas::inline MAAS_ABI
