// The body of use_kernels without kernels.
#pragma once

#include "maas/core/error.hpp"
#include "maas/ops/kernels.hpp"

namespace maas::inline MAAS_ABI::ops {

MAAS_INLINE void use_kernels(Kernels kernels) {
  require<ConfigError>(kernels == Kernels::automatic || kernels == Kernels::eigen,
                       "use_kernels: expected eigen: this program has the bodies of the headers alone");
}

}  // namespace maas::inline MAAS_ABI::ops
