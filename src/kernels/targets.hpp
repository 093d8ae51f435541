// Which vectors the kernels use.
#pragma once

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::kernels {

/// Reads MAAS_KERNELS (sse4, avx2 or avx512) once, at the first call, and keeps the kernels from using more than it
/// names. Without it they use the best that the processor has.
void choose_target();

}  // namespace maas::inline MAAS_ABI::kernels
