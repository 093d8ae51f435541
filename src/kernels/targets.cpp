#include "kernels/targets.hpp"

#include <hwy/targets.h>

#include <cstdlib>
#include <string_view>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::kernels {

namespace {

// All with vectors of 64 bytes; later versions of Highway tell more of them apart.
constexpr auto wide = HWY_AVX3 | HWY_AVX3_DL
#if defined(HWY_AVX3_ZEN4)
                      | HWY_AVX3_ZEN4
#endif
#if defined(HWY_AVX3_SPR)
                      | HWY_AVX3_SPR
#endif
#if defined(HWY_AVX10_2)
                      | HWY_AVX10_2
#endif
    ;

bool limit_targets() {
  const char* text = std::getenv("MAAS_KERNELS");
  const std::string_view name = text == nullptr ? "" : text;
  if (name == "sse4")
    hwy::DisableTargets(HWY_AVX2 | wide);
  else if (name == "avx2")
    hwy::DisableTargets(wide);
  else
    require<ConfigError>(name.empty() || name == "avx512", "MAAS_KERNELS: expected sse4, avx2 or avx512, got {}", name);
  return true;
}

}  // namespace

void choose_target() { [[maybe_unused]] static const bool once = limit_targets(); }

}  // namespace maas::inline MAAS_ABI::kernels
