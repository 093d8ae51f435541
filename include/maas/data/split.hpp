// Splitting rows by time: training first, then validation, then test.
#pragma once

#include <cmath>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"
#include "maas/data/held_out.hpp"

namespace maas::inline MAAS_ABI {

class Table;

/// Rows from `begin` up to, not including, `end`.
struct RowRange {
  Index begin = 0, end = 0;
  HeldOut<RowRange> held_out = false;  ///< for validation or test: its tables are marked so (see Table::hold_out)

  Index size() const { return end - begin; }
  bool contains(Index row) const { return row >= begin && row < end; }
  /// These rows of a matrix, without a copy.
  auto of(const Matrix& matrix) const { return matrix.middleRows(begin, size()); }
  /// A copy of these rows of a table, held out where the range is.
  Table of(const Table& table) const;

  /// Whether they are the same rows.
  friend bool operator==(const RowRange& a, const RowRange& b) { return a.begin == b.begin && a.end == b.end; }
};

/// Three parts of rows that are in order of time; what is predicted always lies later than what was learned from.
/// Validation and test are held out: no step of a pipeline learns from their tables.
struct TimeSplit {
  RowRange train, validation, test;
};

/// The last share `test` of the rows for the test, the share `validation` before it for validation, the rest, at the
/// beginning, for training. Shares are of all rows, rounded down. Throws ConfigError for shares outside [0, 1) or that
/// leave nothing for training, DataError where a part that was asked for would have no row.
TimeSplit split_by_time(Index rows, double validation, double test);
/// The same of the rows of a table, which is told: validation and test rows are held out in it, whichever way parts are
/// cut out of it later (see Table::hold_out).
TimeSplit split_by_time(Table& table, double validation, double test);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/split-inl.hpp"
#endif
