#include "kernels/targets.hpp"

#include <hwy/detect_targets.h>
#if HWY_ARCH_X86
#include <cpuid.h>
#endif

#include <array>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <utility>

#include "maas/core/error.hpp"
#include "maas/ops/kernels.hpp"

namespace maas::inline MAAS_ABI {

namespace kernels {

namespace {

using ops::Kernels;

constexpr std::array<std::pair<std::string_view, Kernels>, 4> names = {
    {{"eigen", Kernels::eigen}, {"sse4", Kernels::sse4}, {"avx2", Kernels::avx2}, {"avx512", Kernels::avx512}}};

Kernels from_start = Kernels::automatic;  // what the environment says

#if HWY_ARCH_X86

// What Highway compiles its targets for; the compiler's questions ask also whether the system saves the registers.
std::int64_t find_targets() {
  __builtin_cpu_init();
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool has_f16c = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
  const bool has_lzcnt = __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & bit_LZCNT) != 0;
  std::int64_t found = HWY_STATIC_TARGET;
  if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("aes"))
    return found;
  found |= HWY_SSE4;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2") || !has_f16c || !has_lzcnt)
    return found;
  found |= HWY_AVX2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd"))
    found |= HWY_AVX3;
  return found;
}

#else

std::int64_t find_targets() { return HWY_STATIC_TARGET; }

#endif

std::int64_t targets_here() {
  static const std::int64_t found = find_targets();
  return found;
}

bool has(Kernels kernels) {
  if (kernels == Kernels::avx512) return (targets_here() & HWY_AVX3) != 0;
  if (kernels == Kernels::avx2) return (targets_here() & HWY_AVX2) != 0;
  return kernels != Kernels::sse4 || (targets_here() & HWY_SSE4) != 0;
}

// Those, or narrower ones where the processor lacks them.
void use(Kernels kernels) {
  std::int64_t wanted = targets_here();
  if (kernels == Kernels::sse4) wanted &= ~std::int64_t{HWY_AVX2 | HWY_AVX3};
  if (kernels == Kernels::avx2) wanted &= ~std::int64_t{HWY_AVX3};
  if (kernels == Kernels::eigen) wanted |= std::numeric_limits<std::int64_t>::min();
  enabled_targets = wanted;
}

bool read_environment() {
  const char* text = std::getenv("MAAS_KERNELS");
  const std::string_view asked = text == nullptr ? "" : text;
  use(Kernels::automatic);
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

std::atomic<std::int64_t> enabled_targets{0};

std::int64_t read_enabled_targets() {
  [[maybe_unused]] static const bool once = read_environment();
  return enabled_targets.load(std::memory_order_relaxed);
}

}  // namespace kernels

void ops::use_kernels(Kernels kernels) {
  kernels::enabled();  // or the environment would be read after this
  for (const auto& [name, which] : kernels::names)
    require<ConfigError>(which != kernels || kernels::has(which), "use_kernels: this processor has no {}", name);
  kernels::use(kernels == Kernels::automatic ? kernels::from_start : kernels);
}

}  // namespace maas::inline MAAS_ABI
