// What runs of a network cost: how many requests are worth one, and which are so short that nobody need wait for them.
#pragma once

#include <chrono>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// As Servable has them.
struct MeasuredRuns {
  Index batch_rows = 1;
  std::vector<Servable::RunCost> costs{};
};

/// Measures what runs of 1, 2, 4 ... samples cost, for some 50 ms at most, and compares their answers. Its batch_rows
/// are the smallest number of samples whose cost for each is within a tenth of the least; 1 where answers depend on the
/// batch.
MeasuredRuns measured_runs(const Network& network);

/// What a run is likely to take: as the one of the next larger number of samples that was measured.
/// nanoseconds::max() where none was.
std::chrono::nanoseconds likely_time(const Servable& servable, Index rows);

}  // namespace maas::inline MAAS_ABI::serve
