// Which vectors the products and sweeps use.
#pragma once

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::ops {

/// Where products and sweeps are computed.
enum class Kernels {
  automatic,  ///< the widest vectors of this processor, or what the environment says
  eigen,      ///< the bodies of the headers, as the compiler was told to build them
  sse4,
  avx2,
  avx512
};

/// Forces kernels for the whole process, from the next call on; the environment's MAAS_KERNELS (eigen, sse4, avx2 or
/// avx512) does the same from the start, and takes narrower ones where the processor lacks those it names. Not while
/// anything is computed on another thread. avx2, avx512 and NEON give
/// the same bits; sse4 and eigen others. Throws ConfigError where the processor lacks them, or where the headers alone
/// were compiled and other than eigen is asked for.
void use_kernels(Kernels kernels);

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/kernels-inl.hpp"
#endif
