#include "kernels/targets.hpp"

#include <hwy/targets.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "maas/core/error.hpp"
#include "maas/ops/kernels.hpp"

namespace maas::inline MAAS_ABI {

namespace kernels {

namespace {

using ops::Kernels;

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

constexpr std::array<std::pair<std::string_view, Kernels>, 4> names = {
    {{"eigen", Kernels::eigen}, {"sse4", Kernels::sse4}, {"avx2", Kernels::avx2}, {"avx512", Kernels::avx512}}};

std::atomic<bool> vectors{true};
Kernels from_start = Kernels::automatic;  // what the environment says

bool has(Kernels kernels) {
  hwy::DisableTargets(0);
  const auto here = hwy::SupportedTargets();
  if (kernels == Kernels::avx512) return (here & wide) != 0;
  if (kernels == Kernels::avx2) return (here & HWY_AVX2) != 0;
  return kernels != Kernels::sse4 || (here & HWY_SSE4) != 0;
}

// Those, or narrower ones where the processor lacks them.
void use(Kernels kernels) {
  hwy::DisableTargets(0);
  if (kernels == Kernels::sse4) hwy::DisableTargets(HWY_AVX2 | wide);
  if (kernels == Kernels::avx2) hwy::DisableTargets(wide);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  vectors = kernels != Kernels::eigen;
}

bool read_environment() {
  const char* text = std::getenv("MAAS_KERNELS");
  const std::string_view asked = text == nullptr ? "" : text;
  if (asked.empty()) return true;
  for (const auto& [name, which] : names)
    if (asked == name) {
      from_start = which;
      use(which);
      return true;
    }
  fail<ConfigError>("MAAS_KERNELS: expected eigen, sse4, avx2 or avx512, got {}", asked);
}

}  // namespace

bool use_vectors() {
  [[maybe_unused]] static const bool once = read_environment();
  return vectors.load(std::memory_order_relaxed);
}

}  // namespace kernels

void ops::use_kernels(Kernels kernels) {
  kernels::use_vectors();  // or the environment would be read after this
  for (const auto& [name, which] : kernels::names)
    require<ConfigError>(which != kernels || kernels::has(which), "use_kernels: this processor has no {}", name);
  kernels::use(kernels == Kernels::automatic ? kernels::from_start : kernels);
}

}  // namespace maas::inline MAAS_ABI
