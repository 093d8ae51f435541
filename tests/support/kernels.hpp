// Which kernels can be forced here, and the choice given back afterwards.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/ops/kernels.hpp"
#include "maas/ops/probes.hpp"

namespace maas_tests {

/// Those that can be forced here, and what they call themselves; behind them those of a processor that has but one
/// kind.
inline std::vector<std::pair<maas::ops::Kernels, std::string>> kernels_here() {
  using maas::ops::Kernels;
  std::vector<std::pair<Kernels, std::string>> found;
  for (const auto which : {Kernels::eigen, Kernels::sse4, Kernels::avx2, Kernels::avx512}) {
    try {
      maas::ops::use_kernels(which);
      found.emplace_back(which, maas::ops::vectors_in_use());
    } catch (const maas::ConfigError&) {  // not on this processor
    }
  }
  maas::ops::use_kernels(Kernels::automatic);
  const std::string best = maas::ops::vectors_in_use();
  if (std::ranges::none_of(found, [&](const auto& kernels) { return kernels.second == best; }))
    found.emplace_back(Kernels::automatic, best);
  return found;
}

/// Gives the choice of kernels back at its end.
struct RestoreKernels {
  ~RestoreKernels() { maas::ops::use_kernels(maas::ops::Kernels::automatic); }
};

}  // namespace maas_tests
