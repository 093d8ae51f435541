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

void use(Kernels kernels) {
  hwy::DisableTargets(0);
  const auto here = hwy::SupportedTargets();
  const bool found = kernels == Kernels::avx512 ? (here & wide) != 0
                     : kernels == Kernels::avx2 ? (here & HWY_AVX2) != 0
                     : kernels == Kernels::sse4 ? (here & HWY_SSE4) != 0
                                                : true;
  std::string_view name;
  for (const auto& [text, which] : names)
    if (which == kernels) name = text;
  require<ConfigError>(found, "kernels: this processor has no {}", name);
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
  kernels::use(kernels);
}

}  // namespace maas::inline MAAS_ABI
