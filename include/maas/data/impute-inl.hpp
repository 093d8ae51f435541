// Bodies of impute.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/data/figures-inl.hpp"
#include "maas/data/impute.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Whether the fill is learned from training rows.
inline bool is_learned(Fill fill) { return fill == Fill::mean || fill == Fill::median || fill == Fill::most_frequent; }

/// The most frequent value, and the smallest of those that are equally frequent. `values` are not empty.
template <class T>
T most_frequent_of(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  std::size_t best = 0, best_count = 0;
  for (std::size_t begin = 0, end = 0; begin < values.size(); begin = end) {
    while (end < values.size() && values[end] == values[begin]) ++end;
    if (end - begin > best_count) best = begin, best_count = end - begin;
  }
  return values[best];
}

/// What a learned fill puts in the place of missing numbers, from those that are there.
inline double learned_fill(Fill fill, const std::vector<double>& numbers) {
  if (fill == Fill::mean) return mean_of(numbers);
  return fill == Fill::median ? median_of(numbers) : most_frequent_of(numbers);
}

/// When rows lie, for fills along them.
struct RowTimes {
  std::span<const double> times = {};
  double seconds = 0;  // from one row to the next; 0: nobody knows

  double from_to(Index first, Index last) const {
    return times[static_cast<std::size_t>(last)] - times[static_cast<std::size_t>(first)];
  }
  /// Whether a run of missing rows goes on at `row`: no jump before it, or where a limit bounds what a jump may be,
  /// time that does not run back. Clocks of detectors are a little off: a hundredth of a row does not count.
  bool goes_on(Index row, Index limit) const {
    if (seconds == 0) return true;
    const double step = from_to(row - 1, row);
    return limit < 0 ? std::abs(step - seconds) <= seconds / 100 : step >= 0;
  }
  /// Whether no more time lies between than so many rows take; no limit: any.
  bool are_within(Index first, Index last, Index rows, Index limit) const {
    return seconds == 0 || limit < 0 || from_to(first, last) <= (static_cast<double>(rows) + 0.01) * seconds;
  }
  /// Between two rows of one moment there is no line.
  bool are_apart(Index first, Index last) const { return seconds == 0 || from_to(first, last) > 0; }
};

/// Fills missing cells by the last one above; see maas::fill_forward.
template <class Cell, class IsMissing>
void fill_forward(std::span<Cell> cells, Index limit, const RowTimes& times, IsMissing is_missing) {
  Index last = -1;  // the row of what fills; none behind a jump
  for (Index row = 0; row < static_cast<Index>(cells.size()); ++row) {
    Cell& cell = cells[static_cast<std::size_t>(row)];
    if (!is_missing(cell))
      last = row;
    else if (last >= 0 && !(times.goes_on(row, limit) && times.are_within(last, row, limit, limit)))
      last = -1;
    else if (last >= 0 && (limit < 0 || row - last <= limit))
      cell = cells[static_cast<std::size_t>(last)];
  }
}

inline void fill_forward(std::span<double> values, Index limit, const RowTimes& times) {
  fill_forward(values, limit, times, [](double value) { return std::isnan(value); });
}

/// Fills the rows between two numbers, `above` and `below`.
inline void fill_line(std::span<double> values, std::size_t above, std::size_t below, std::span<const double> times) {
  const auto place = [&](std::size_t row) { return times.empty() ? static_cast<double>(row) : times[row]; };
  const double first = values[above], last = values[below], length = place(below) - place(above);
  for (std::size_t row = above + 1; row < below; ++row) {
    if (std::isnan(place(row)) || std::isnan(length)) continue;  // nobody knows where it lies
    const double share = (place(row) - place(above)) / length;
    require<DataError>(share >= 0 && share <= 1, "interpolate: expected rising times, got row {} out of order", row);
    values[row] = first + share * (last - first);
  }
}

/// Fills runs of missing numbers along lines; see maas::interpolate.
inline void interpolate(std::span<double> values, Index limit, const RowTimes& times) {
  Index last = -1;       // the row of the last number seen
  bool is_whole = true;  // no jump since
  for (Index row = 0; row < static_cast<Index>(values.size()); ++row) {
    is_whole = is_whole && (last < 0 || times.goes_on(row, limit));
    if (std::isnan(values[static_cast<std::size_t>(row)])) continue;
    const Index missing = row - last - 1;
    if (last >= 0 && missing > 0 && (limit < 0 || missing <= limit) && is_whole &&
        times.are_within(last, row, limit + 1, limit) && times.are_apart(last, row))
      fill_line(values, static_cast<std::size_t>(last), static_cast<std::size_t>(row), times.times);
    last = row;
    is_whole = true;
  }
}

/// Throws ShapeError unless there is a time a row, where there are times or they are needed.
inline RowTimes row_times(std::string_view who, Index rows, std::span<const double> times, double seconds) {
  require<ShapeError>((times.empty() && seconds == 0) || static_cast<Index>(times.size()) == rows,
                      "{}: expected {} times, one a row, got {}", who, rows, times.size());
  return {times, seconds};
}

}  // namespace detail

MAAS_INLINE Imputer& Imputer::fit(const TrainingRows& training) {
  const Matrix& rows = training.values();
  values.assign(static_cast<std::size_t>(rows.cols()), constant);
  if (!detail::is_learned(fill)) return *this;
  for (Index column = 0; column < rows.cols(); ++column) {
    const std::vector<double> numbers = detail::present(detail::column_values(rows, column));
    require<DataError>(!numbers.empty(), "Imputer: expected a number in column {} (counted from 0), got none", column);
    values[static_cast<std::size_t>(column)] = detail::learned_fill(fill, numbers);
  }
  return *this;
}

MAAS_INLINE Matrix Imputer::apply(MatrixArg rows) const {
  require<StateError>(!values.empty(), "Imputer: call fit before apply");
  require<ShapeError>(rows.cols() == static_cast<Index>(values.size()), "Imputer: expected {} columns, got {}",
                      values.size(), rows.cols());
  if (fill == Fill::forward_fill) return fill_forward(rows);
  if (fill == Fill::linear_interpolation) return interpolate(rows);
  Matrix result = rows;
  for (Index row = 0; row < result.rows(); ++row)
    for (Index column = 0; column < result.cols(); ++column)
      if (std::isnan(result(row, column)))
        result(row, column) = static_cast<Scalar>(values[static_cast<std::size_t>(column)]);
  return result;
}

MAAS_INLINE Matrix fill_forward(MatrixArg rows, Index limit, std::span<const double> times, double seconds) {
  const detail::RowTimes placed = detail::row_times("fill_forward", rows.rows(), times, seconds);
  Matrix result = rows;
  for (Index column = 0; column < result.cols(); ++column) {
    std::vector<double> values = detail::column_values(rows, column);
    detail::fill_forward(values, limit, placed);
    detail::set_column(result, column, values);
  }
  return result;
}

MAAS_INLINE Matrix interpolate(MatrixArg rows, Index limit, std::span<const double> times, double seconds) {
  const detail::RowTimes placed = detail::row_times("interpolate", rows.rows(), times, seconds);
  Matrix result = rows;
  for (Index column = 0; column < result.cols(); ++column) {
    std::vector<double> values = detail::column_values(rows, column);
    detail::interpolate(values, limit, placed);
    detail::set_column(result, column, values);
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI
