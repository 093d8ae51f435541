// Figures of the numbers in a column, in double: what scalers, imputers, steps and reports count with.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI::detail {

/// A column of a matrix in double.
inline std::vector<double> column_values(MatrixArg rows, Index column) {
  std::vector<double> values(static_cast<std::size_t>(rows.rows()));
  for (Index row = 0; row < rows.rows(); ++row) values[static_cast<std::size_t>(row)] = rows(row, column);
  return values;
}

inline void set_column(Matrix& rows, Index column, std::span<const double> values) {
  for (Index row = 0; row < rows.rows(); ++row)
    rows(row, column) = static_cast<Scalar>(values[static_cast<std::size_t>(row)]);
}

/// The numbers without the missing ones.
inline std::vector<double> present(std::span<const double> values) {
  std::vector<double> result;
  for (double value : values)
    if (!std::isnan(value)) result.push_back(value);
  return result;
}

/// Count, mean, variance (that of the population), smallest and largest of what is not missing.
struct ColumnFigures {
  Index count = 0;
  double mean = 0, variance = 0;
  double min = std::numeric_limits<double>::infinity(), max = -std::numeric_limits<double>::infinity();
};

inline ColumnFigures figures_of(std::span<const double> values) {
  ColumnFigures figures;
  for (double value : values) {
    if (std::isnan(value)) continue;
    ++figures.count;
    figures.mean += value;
    figures.min = std::min(figures.min, value);
    figures.max = std::max(figures.max, value);
  }
  figures.mean /= static_cast<double>(figures.count);
  for (double value : values) {
    const double distance = value - figures.mean;
    if (!std::isnan(value)) figures.variance += distance * distance;
  }
  figures.variance /= static_cast<double>(figures.count);
  return figures;
}

/// Whether the variance is 0 or no more than its own rounding errors (scikit-learn's bound).
inline bool is_constant(const ColumnFigures& figures) {
  const double relative = static_cast<double>(figures.count) * std::numeric_limits<double>::epsilon();
  const double shift = relative * figures.mean;
  return figures.variance <= relative * figures.variance + shift * shift;
}

/// By what a standard scaler divides: the standard deviation, 1 for a constant. Throws DataError for numbers whose
/// variance is beyond all numbers, which looks like that of a constant.
inline double standard_scale(std::string_view who, const ColumnFigures& figures) {
  require<DataError>(std::isfinite(figures.variance),
                     "{}: expected numbers with a variance that is a number, too, got {:.6g} to {:.6g}", who,
                     figures.min, figures.max);
  return is_constant(figures) ? 1 : std::sqrt(figures.variance);
}

/// The width of a range, 1 for one that is empty but for rounding errors (scikit-learn's bound).
inline double width_or_one(double width) { return width < 10 * std::numeric_limits<double>::epsilon() ? 1 : width; }

/// Throws DataError for numbers so far apart that their range has no width.
inline void require_finite_width(std::string_view who, const ColumnFigures& figures) {
  require<DataError>(std::isfinite(figures.max - figures.min),
                     "{}: expected numbers of which one less another is a number, too, got {:.6g} and {:.6g}", who,
                     figures.min, figures.max);
}

inline double mean_of(std::span<const double> values) {
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

/// The value below which the share lies, between neighbours along a line: numpy's default. Of sorted numbers.
inline double quantile_of(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double part = place - static_cast<double>(below);
  if (part == 0 || sorted[below] == sorted[below + 1]) return sorted[below];  // beside an infinite one, too
  return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

/// (value - subtract) * multiply + add: what linear scalers do with a number.
struct ScalerLine {
  double subtract, multiply, add;
  double operator()(double value) const { return (value - subtract) * multiply + add; }
  double inverse(double value) const { return (value - add) / multiply + subtract; }
};

}  // namespace maas::inline MAAS_ABI::detail
