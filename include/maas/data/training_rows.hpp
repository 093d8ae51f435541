// TrainingRows: what a part on matrices learns from, said by the split that the rows come from.
#pragma once

#include "maas/data/folds.hpp"
#include "maas/data/split.hpp"

namespace maas::inline MAAS_ABI {

/// Rows of a matrix that may be learned from. A matrix cannot be marked as a table can (see Table::hold_out), so the
/// rows are named by the part of a split, and those held out for validation or test are refused:
///
///     MinMaxScaler scaler;
///     scaler.fit({readings, split.train});    // a DataError for split.validation and split.test
///     scaler.fit(TrainingRows::all_of(x));    // where all rows of x are for training
class TrainingRows {
 public:
  /// These rows of a matrix. Throws DataError for rows that are held out, or not there.
  TrainingRows(MatrixArg matrix, const RowRange& rows);
  TrainingRows(MatrixArg matrix, const RowList& rows);
  /// All rows of a matrix that holds no others than those of training.
  static TrainingRows all_of(MatrixArg matrix) { return {matrix, RowRange{.begin = 0, .end = matrix.rows()}}; }

  /// A copy of them.
  const Matrix& values() const { return values_; }

 private:
  Matrix values_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/training_rows-inl.hpp"
#endif
