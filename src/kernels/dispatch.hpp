// The body of a kernel for the processor at hand: `MAAS_BODIES(Name);` makes a table of what was compiled, once a file,
// and `MAAS_BODY(Name)(arguments)` calls the best that the processor has.
//
// Highway brings the same, but in a shared library which measures the resolution of a clock for milliseconds whenever a
// program starts, and whose choice of a target is that of everything else in the process.
//
// Included behind hwy/highway.h.
#pragma once

#include <bit>
#include <cstddef>

#include "kernels/targets.hpp"

namespace maas::inline MAAS_ABI::kernels {

/// The place in a table of bodies, of those that were compiled.
inline std::size_t body_number(std::int64_t compiled) {
  const std::int64_t usable = HWY_CHOSEN_TARGET_SHIFT(targets() & compiled) | HWY_CHOSEN_TARGET_MASK_SCALAR;
  return static_cast<std::size_t>(std::countr_zero(static_cast<std::uint64_t>(usable))) - 1;
}

}  // namespace maas::inline MAAS_ABI::kernels

#define MAAS_BODIES(NAME)                     \
  static decltype(&HWY_STATIC_DISPATCH(NAME)) \
      const NAME##Bodies[HWY_MAX_DYNAMIC_TARGETS + 1] = {HWY_CHOOSE_TARGET_LIST(NAME), HWY_CHOOSE_FALLBACK(NAME)}
#define MAAS_BODY(NAME) (*NAME##Bodies[maas::kernels::body_number(HWY_TARGETS)])
