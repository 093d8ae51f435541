// Which vectors the kernels use.
#pragma once

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::kernels {

/// True if kernels are to be used, false for the portable bodies. Reads MAAS_KERNELS at the first call.
bool use_vectors();

}  // namespace maas::inline MAAS_ABI::kernels
