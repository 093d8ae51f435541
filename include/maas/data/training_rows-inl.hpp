// Bodies of training_rows.hpp.
#pragma once

#include "maas/data/training_rows.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline void check_learnable(bool held_out, Index rows, Index first) {
  require<DataError>(!held_out,
                     "TrainingRows: expected training rows to learn from, got {} rows, from row {} on (counted from "
                     "0), that are held out for validation or test",
                     rows, first);
}

/// The rows of a range, checked to be there before Eigen takes their word for it.
inline Matrix rows_of(MatrixArg matrix, const RowRange& rows) {
  require<DataError>(rows.begin >= 0 && rows.begin <= rows.end && rows.end <= matrix.rows(),
                     "TrainingRows: expected rows of 0 to {}, got {} to {}", matrix.rows(), rows.begin, rows.end);
  return rows.of(matrix);
}

}  // namespace detail

MAAS_INLINE TrainingRows::TrainingRows(MatrixArg matrix, const RowRange& rows) {
  detail::check_learnable(rows.held_out, rows.size(), rows.begin);
  values_ = detail::rows_of(matrix, rows);
}

MAAS_INLINE TrainingRows::TrainingRows(MatrixArg matrix, const RowList& rows) {
  detail::check_learnable(rows.held_out, rows.size(), rows.rows.empty() ? 0 : rows.rows.front());
  values_ = rows.of(matrix);
}

}  // namespace maas::inline MAAS_ABI
