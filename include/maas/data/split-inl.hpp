// Splitting rows by time: training first, then validation, then test: the bodies.
#pragma once

#include <numeric>
#include <vector>

#include "maas/data/split.hpp"
#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Table RowRange::of(const Table& table) const {
  Table part = table.part(begin, end);
  if (held_out) part.hold_out();
  return part;
}

MAAS_INLINE void Table::hold_out(const RowRange& range, std::string why) {
  require<DataError>(range.begin >= 0 && range.begin <= range.end && range.end <= rows(),
                     "Table: expected rows within 0 to {} to hold out, got {} to {}", rows(), range.begin, range.end);
  std::vector<Index> held(static_cast<std::size_t>(range.size()));
  std::iota(held.begin(), held.end(), range.begin);
  hold_out_rows(held, std::move(why));
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

MAAS_INLINE TimeSplit split_by_time(Table& table, double validation, double test) {
  const TimeSplit split = split_by_time(table.rows(), validation, test);
  table.hold_out(split.validation);
  table.hold_out(split.test);
  return split;
}

}  // namespace maas::inline MAAS_ABI
