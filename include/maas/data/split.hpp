// Splitting rows by time: training first, then validation, then test.
#pragma once

#include <cmath>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

/// Rows from `begin` up to, not including, `end`.
struct RowRange {
  Index begin = 0, end = 0;

  Index size() const { return end - begin; }
  bool contains(Index row) const { return row >= begin && row < end; }
  /// These rows of a matrix, without a copy.
  auto of(const Matrix& matrix) const { return matrix.middleRows(begin, size()); }

  friend bool operator==(const RowRange&, const RowRange&) = default;
};

/// Three parts of rows that are in order of time; what is predicted always lies later than what was learned from.
struct TimeSplit {
  RowRange train, validation, test;
};

/// The last share `test` of the rows for the test, the share `validation` before it for validation, the rest, at the
/// beginning, for training. Shares are of all rows, rounded down. Throws ConfigError for shares outside [0, 1) or that
/// leave nothing for training, DataError where a part that was asked for would have no row.
inline TimeSplit split_by_time(Index rows, double validation, double test) {
  require<ConfigError>(validation >= 0 && test >= 0 && validation + test < 1,
                       "split_by_time: expected shares of at least 0 and together below 1, got {} and {}", validation,
                       test);
  // 0.1 * 30 is a little below 3 in binary; a share that small is meant.
  const auto share_of = [rows](double share) {
    return static_cast<Index>(std::floor(share * static_cast<double>(rows) + 1e-6));
  };
  const Index test_begin = rows - share_of(test), train_end = test_begin - share_of(validation);
  const TimeSplit split{{0, train_end}, {train_end, test_begin}, {test_begin, rows}};
  require<DataError>(split.train.size() > 0 && (validation == 0 || split.validation.size() > 0) &&
                         (test == 0 || split.test.size() > 0),
                     "split_by_time: expected rows for every part, got {} rows in all", rows);
  return split;
}

}  // namespace maas::inline MAAS_ABI
