// Filling of missing values: by column, or along time.
#pragma once

#include <span>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"
#include "maas/data/training_rows.hpp"

namespace maas::inline MAAS_ABI {

/// What is put where a value is missing.
enum class Fill {
  mean,                 ///< that of the training rows
  median,               ///< that of the training rows
  constant,             ///< a number of the user's
  most_frequent,        ///< of the training rows; the smallest of those that are equally frequent
  forward_fill,         ///< the last value above; see fill_forward
  linear_interpolation  ///< the straight line between the values above and below; see interpolate
};

/// Fills NaN by a number a column, learned from training rows: their mean, median or most frequent number, or a
/// constant; or along the rows, where there is nothing to learn but the number of columns.
///
///     Imputer imputer{.fill = Fill::median};
///     imputer.fit({readings, split.train});
///     const Matrix x = imputer.apply(readings);
struct Imputer {
  Fill fill = Fill::mean;
  double constant = 0;  ///< for Fill::constant

  std::vector<double> values = {};  ///< learned: one a column

  /// Learns from rows x columns. Throws DataError for a column without any number, unless nothing is learned of it.
  Imputer& fit(const TrainingRows& rows);
  /// A copy with every NaN filled; along the rows, those that fill_forward and interpolate fill. Throws StateError
  /// before fit, ShapeError for another number of columns.
  Matrix apply(MatrixArg rows) const;
};

/// Fills NaN by the last number above it in the same column; at most `limit` rows in a row (negative: no limit).
/// Missing values above the first number stay. With `times`, one a row, and `seconds` from one row to the next rows
/// that are not there count as well: nothing is filled across a jump of time that is longer than `limit` rows take
/// (negative: across none), nor where times run back or are missing. Throws ShapeError unless there is a time a row
/// then.
Matrix fill_forward(MatrixArg rows, Index limit = -1, std::span<const double> times = {}, double seconds = 0);

/// Fills runs of NaN that have numbers on both ends by the straight line between these. `times` places the rows, one a
/// row (empty: evenly spaced). A run of more than `limit` rows stays as it is (negative: none does): a long gap is
/// better seen than invented. Runs at the beginning and the end stay. With `seconds` from one row to the next jumps of
/// time count, as for fill_forward; 0: they do not. Throws ShapeError unless there is a time a row, DataError for times
/// that do not rise across a run (with `seconds` it stays as it is).
Matrix interpolate(MatrixArg rows, Index limit = -1, std::span<const double> times = {}, double seconds = 0);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/impute-inl.hpp"
#endif
