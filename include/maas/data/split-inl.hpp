// Splitting rows by time: training first, then validation, then test: the bodies.
#pragma once

#include "maas/data/split.hpp"
#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Table RowRange::of(const Table& table) const {
  Table part = table.part(begin, end);
  if (held_out) part.hold_out();
  return part;
}

MAAS_INLINE TimeSplit split_by_time(Index rows, double validation, double test) {
  require<ConfigError>(validation >= 0 && test >= 0 && validation + test < 1,
                       "split_by_time: expected shares of at least 0 and together below 1, got {} and {}", validation,
                       test);
  // 0.1 * 30 is a little below 3 in binary; a share that small is meant.
  const auto share_of = [rows](double share) {
    return static_cast<Index>(std::floor(share * static_cast<double>(rows) + 1e-6));
  };
  const Index test_begin = rows - share_of(test), train_end = test_begin - share_of(validation);
  const TimeSplit split{{0, train_end}, {train_end, test_begin, true}, {test_begin, rows, true}};
  require<DataError>(split.train.size() > 0 && (validation == 0 || split.validation.size() > 0) &&
                         (test == 0 || split.test.size() > 0),
                     "split_by_time: expected rows for every part, got {} rows in all", rows);
  return split;
}

}  // namespace maas::inline MAAS_ABI
