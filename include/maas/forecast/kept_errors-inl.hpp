// The errors of intervals as a file keeps them: one matrix, a column each.
#pragma once

#include <algorithm>
#include <limits>
#include <string_view>

#include "maas/core/error.hpp"
#include "maas/io/info.hpp"

namespace maas::inline MAAS_ABI::detail {

/// The key of naive intervals in what a file keeps: a Forecaster has them, its frame does without.
inline constexpr std::string_view naive_key = "naive_intervals";

/// The errors of a forecaster's intervals, or those of naive ones, which stand in as many columns behind them. Throws
/// ConfigError where there are none.
inline Matrix kept_errors(const ModelInfo& info, bool naive) {
  require<ConfigError>(info.forecast_errors.has_value(), "intervals: expected errors beside them, got none");
  const Matrix& all = *info.forecast_errors;
  if (info.forecast->find(naive_key) == nullptr) return all;
  const Index half = all.cols() / 2;
  require<ConfigError>(all.cols() == 2 * half,
                       "intervals: expected errors of as many columns again for naive intervals, got {} in all",
                       all.cols());
  const auto errors = all.middleCols(naive ? half : 0, half);
  Index rows = errors.rows();  // without those that only the other ones have
  while (rows > 0 && errors.row(rows - 1).array().isNaN().all()) --rows;
  return errors.topRows(rows);
}

/// Both, as kept_errors takes them apart; where one has fewer rows, NaN below it.
inline Matrix errors_to_keep(const Matrix& own, const Matrix& naive) {
  Matrix both = Matrix::Constant(std::max(own.rows(), naive.rows()), own.cols() + naive.cols(),
                                 std::numeric_limits<Scalar>::quiet_NaN());
  both.topLeftCorner(own.rows(), own.cols()) = own;
  both.topRightCorner(naive.rows(), naive.cols()) = naive;
  return both;
}

}  // namespace maas::inline MAAS_ABI::detail
