// Bodies of the folds of runs.
#pragma once

#include <algorithm>

#include "maas/data/fold_runs.hpp"
#include "maas/data/fold_sizes-inl.hpp"
#include "maas/data/folds.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE std::vector<FoldRuns> k_fold_runs(Index rows, Index n_splits) {
  detail::check_splits("k_fold", "rows", rows, n_splits);
  std::vector<FoldRuns> folds;
  Index begin = 0;
  for (Index k = 0; k < n_splits; ++k) {
    const Index end = begin + detail::dealt_to(k, rows, n_splits);
    FoldRuns& fold = folds.emplace_back(FoldRuns{.test = {begin, end, true}});
    for (const RowRange& run : {RowRange{0, begin}, RowRange{end, rows}})
      if (run.size() > 0) fold.train.push_back(run);
    begin = end;
  }
  return folds;
}

MAAS_INLINE std::vector<FoldRuns> rolling_origin_runs(Index rows, const RollingOriginOptions& options) {
  constexpr std::string_view who = "rolling_origin";
  const Index n_splits = options.n_splits;
  require<ConfigError>(n_splits >= 2, "{}: expected n_splits of at least 2, got {}", who, n_splits);
  require<DataError>(n_splits < rows, "{}: expected more rows than n_splits ({}), got {}", who, n_splits, rows);
  const Index test = options.test_size.value_or(rows / (n_splits + 1));
  require<ConfigError>(test >= 1 && options.gap >= 0 && options.max_train_size.value_or(1) >= 1,
                       "{}: expected a test_size and a max_train_size of at least 1 and a gap of at least 0, got {}, "
                       "{} and {}",
                       who, test, options.max_train_size.value_or(1), options.gap);
  // Divided, so that no product can overflow.
  require<DataError>(options.gap < rows && test <= (rows - options.gap - 1) / n_splits,
                     "{}: expected rows for training before {} tests of {} rows and a gap of {}, got {} rows in all",
                     who, n_splits, test, options.gap, rows);
  std::vector<FoldRuns> folds;
  for (Index k = 0; k < n_splits; ++k) {
    const Index test_begin = rows - (n_splits - k) * test, train_end = test_begin - options.gap;
    const Index train_begin = std::max<Index>(0, train_end - options.max_train_size.value_or(train_end));
    folds.push_back({.train = {RowRange{train_begin, train_end}}, .test = {test_begin, test_begin + test, true}});
  }
  return folds;
}

}  // namespace maas::inline MAAS_ABI
