// Folds as runs of successive rows, for rows that are too many to be listed: those of a stream.
#pragma once

#include <vector>

#include "maas/data/split.hpp"

namespace maas::inline MAAS_ABI {

struct RollingOriginOptions;  // in folds.hpp

/// Rows to learn from, and rows to judge by, which are held out.
struct FoldRuns {
  std::vector<RowRange> train = {};  ///< in order; none is empty
  RowRange test = {.held_out = true};
};

/// The folds of k_fold without shuffling: training lies before the test, behind it, or both. Throws as k_fold.
std::vector<FoldRuns> k_fold_runs(Index rows, Index n_splits = 5);

/// The folds of rolling_origin. Throws as rolling_origin.
std::vector<FoldRuns> rolling_origin_runs(Index rows, const RollingOriginOptions& options);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/fold_runs-inl.hpp"
#endif
