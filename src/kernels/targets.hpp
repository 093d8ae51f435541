// Which vectors the kernels use.
#pragma once

#include <atomic>
#include <cstdint>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::kernels {

/// The targets of Highway that kernels may use, as bits; below 0 where the portable bodies are to be used instead,
/// which is no target's bit; 0 until the environment is read. One number, since every product asks for it: what it
/// needs to know lies in one line of the cache.
extern std::atomic<std::int64_t> enabled_targets;

/// Reads MAAS_KERNELS, then says which targets are enabled. Throws ConfigError for a name that is not one.
std::int64_t read_enabled_targets();

inline std::int64_t enabled() {
  const std::int64_t found = enabled_targets.load(std::memory_order_relaxed);
  return found != 0 ? found : read_enabled_targets();
}

/// True if kernels are to be used, false for the portable bodies. Reads MAAS_KERNELS at the first call.
inline bool use_vectors() { return enabled() > 0; }

/// Those that the processor has and nobody has switched off.
inline std::int64_t targets() { return enabled() & ~(std::int64_t{1} << 63); }

}  // namespace maas::inline MAAS_ABI::kernels
