// Runs of a network for several requests at once, and how large they may be.
#pragma once

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// Measures what runs of 1, 2, 4 ... samples cost, for some 50 ms at most, and compares their answers. The smallest
/// number of samples whose cost for each is within a tenth of the least; 1 where answers depend on the batch.
Index measured_batch_rows(const Network& network);

}  // namespace maas::inline MAAS_ABI::serve
