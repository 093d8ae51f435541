// Which vectors the kernels use.
#pragma once

#include <cstdint>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::kernels {

/// True if kernels are to be used, false for the portable bodies. Reads MAAS_KERNELS at the first call.
bool use_vectors();

/// The targets of Highway that kernels may use, as bits: those that the processor has and nobody has switched off.
std::int64_t targets();

}  // namespace maas::inline MAAS_ABI::kernels
