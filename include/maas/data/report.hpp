// DataReport: what a table holds, and what in it is odd, before anything is learned from it.
#pragma once

#include <string>
#include <vector>

#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

/// A text of a column, and how many rows hold it.
struct CategoryCount {
  std::string name;
  Index count = 0;
};

/// One column. Figures are of what is not missing; of times in seconds; NaN where there is nothing.
struct ColumnReport {
  std::string name;
  ColumnType type = ColumnType::number;
  Index missing = 0;                                 ///< NaN, or an empty text
  std::vector<Index> missing_rows = {};              ///< the first 20, counted from 0
  bool constant = false;                             ///< one and the same value in all rows that have one
  double min = 0, max = 0, mean = 0, deviation = 0;  ///< deviation: of the population
  double q1 = 0, median = 0, q3 = 0;                 ///< quartiles, as numpy's
  Index outliers = 0;   ///< numbers more than 1.5 * (q3 - q1) beyond the quartiles (Tukey 1977)
  Index farthest = -1;  ///< the row of the one farthest from the median; -1: none
  Index negative = 0;   ///< numbers below 0
  Index lowest = -1;    ///< the row of the lowest number; -1: none
  /// Of texts that are not missing, the most frequent first. Of numbers that may be classes, too: from 2 to 20
  /// different whole ones, each 5 times or more on average.
  std::vector<CategoryCount> categories = {};
};

/// Pearson's correlation of two columns of numbers, over the rows that have both.
struct Correlation {
  std::string a, b;
  double value = 0;
};

/// A row with the same cells as one before.
struct DuplicateRow {
  Index row = 0, first = 0;  ///< counted from 0
};

/// All of it.
struct DataReport {
  static constexpr std::size_t most_correlations = 1000000;  ///< some 1400 columns, each with each
  Index rows = 0;
  std::vector<ColumnReport> columns = {};
  std::vector<DuplicateRow> duplicates = {};
  /// Of each two columns that vary, the strongest first; no more than `most_correlations`.
  std::vector<Correlation> correlations = {};
  /// What a careful reader would ask about, a line each: where values are missing, rows that come twice, columns that
  /// never change, infinite numbers, a few negative ones in a column that has none else, numbers far beyond the others,
  /// a rare text that looks like a frequent one, texts that are numbers but for a few or for their decimal comma, or
  /// times but for their offset from UTC, times that run back or stand still in no more than a tenth of the rows.
  std::vector<std::string> findings = {};

  /// For people: the columns one by one, the strongest correlations, the findings. Ends in a line end.
  std::string text() const;
};

/// Looks at a table. Takes time in the rows and in the square of the columns of numbers. Never throws for what it
/// finds.
DataReport report(const Table& table);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/report-inl.hpp"
#endif
