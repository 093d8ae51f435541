// Bodies of impute.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/data/impute.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The numbers of a column, without the missing ones.
inline std::vector<double> present(MatrixArg rows, Index column) {
  std::vector<double> result;
  for (Index row = 0; row < rows.rows(); ++row)
    if (!std::isnan(rows(row, column))) result.push_back(rows(row, column));
  return result;
}

inline double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// The middle value, or the mean of the two middle ones.
inline double median_of(std::vector<double> values) {
  const std::size_t half = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half), values.end());
  const double upper = values[half];
  if (values.size() % 2 == 1) return upper;
  return (*std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(half)) + upper) / 2;
}

/// Fills the rows between two numbers, `above` and `below`, in one column.
inline void fill_line(Matrix& rows, Index column, Index above, Index below, std::span<const double> times) {
  const auto place = [&](Index row) {
    return times.empty() ? static_cast<double>(row) : times[static_cast<std::size_t>(row)];
  };
  const double first = rows(above, column), last = rows(below, column), length = place(below) - place(above);
  for (Index row = above + 1; row < below; ++row) {
    const double share = (place(row) - place(above)) / length;
    require<DataError>(share >= 0 && share <= 1, "interpolate: expected rising times, got row {} out of order", row);
    rows(row, column) = static_cast<Scalar>(first + share * (last - first));
  }
}

}  // namespace detail

MAAS_INLINE Imputer& Imputer::fit(MatrixArg rows) {
  values.assign(static_cast<std::size_t>(rows.cols()), constant);
  if (fill == Fill::constant) return *this;
  for (Index column = 0; column < rows.cols(); ++column) {
    const std::vector<double> numbers = detail::present(rows, column);
    require<DataError>(!numbers.empty(), "Imputer: expected a number in column {} (counted from 0), got none", column);
    values[static_cast<std::size_t>(column)] =
        fill == Fill::mean ? detail::mean_of(numbers) : detail::median_of(numbers);
  }
  return *this;
}

MAAS_INLINE Matrix Imputer::apply(MatrixArg rows) const {
  require<StateError>(!values.empty(), "Imputer: call fit before apply");
  require<ShapeError>(rows.cols() == static_cast<Index>(values.size()), "Imputer: expected {} columns, got {}",
                      values.size(), rows.cols());
  Matrix result = rows;
  for (Index row = 0; row < result.rows(); ++row)
    for (Index column = 0; column < result.cols(); ++column)
      if (std::isnan(result(row, column)))
        result(row, column) = static_cast<Scalar>(values[static_cast<std::size_t>(column)]);
  return result;
}

MAAS_INLINE Matrix fill_forward(MatrixArg rows, Index limit) {
  Matrix result = rows;
  for (Index column = 0; column < result.cols(); ++column) {
    Index last = -1;  // the row of the last number seen
    for (Index row = 0; row < result.rows(); ++row) {
      if (!std::isnan(rows(row, column)))
        last = row;
      else if (last >= 0 && (limit < 0 || row - last <= limit))
        result(row, column) = rows(last, column);
    }
  }
  return result;
}

MAAS_INLINE Matrix interpolate(MatrixArg rows, Index limit, std::span<const double> times) {
  require<ShapeError>(times.empty() || static_cast<Index>(times.size()) == rows.rows(),
                      "interpolate: expected {} times, one a row, got {}", rows.rows(), times.size());
  Matrix result = rows;
  for (Index column = 0; column < result.cols(); ++column) {
    Index last = -1;  // the row of the last number seen
    for (Index row = 0; row < result.rows(); ++row) {
      if (std::isnan(rows(row, column))) continue;
      const Index missing = row - last - 1;
      if (last >= 0 && missing > 0 && (limit < 0 || missing <= limit))
        detail::fill_line(result, column, last, row, times);
      last = row;
    }
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI
