// What a missing number is.
#pragma once

#include <limits>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::tests {

inline constexpr Scalar gap = std::numeric_limits<Scalar>::quiet_NaN();

}  // namespace maas::inline MAAS_ABI::tests
