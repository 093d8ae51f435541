#include "kernels/targets.hpp"

#include <hwy/targets.h>

#include <cstdlib>
#include <string_view>

#include "maas/core/error.hpp"

namespace maas::inline MAAS_ABI::kernels {

namespace {

bool limit_targets() {
  const char* text = std::getenv("MAAS_KERNELS");
  const std::string_view name = text == nullptr ? "" : text;
  if (name == "sse4")
    hwy::DisableTargets(HWY_AVX2 | HWY_AVX3 | HWY_AVX3_DL);
  else if (name == "avx2")
    hwy::DisableTargets(HWY_AVX3 | HWY_AVX3_DL);
  else
    require<ConfigError>(name.empty() || name == "avx512", "MAAS_KERNELS: expected sse4, avx2 or avx512, got {}", name);
  return true;
}

}  // namespace

void choose_target() { [[maybe_unused]] static const bool once = limit_targets(); }

}  // namespace maas::inline MAAS_ABI::kernels
