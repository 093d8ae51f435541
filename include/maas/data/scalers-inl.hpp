// Bodies of the scalers.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "maas/data/scalers.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// What both scalers do with a number: (value - subtract) * multiply + add, by column.
struct ScalerLine {
  double subtract, multiply, add;
};

template <class LineOf>
Matrix scaled(std::string_view who, MatrixArg rows, std::size_t columns, bool inverse, LineOf&& line_of) {
  require<StateError>(columns > 0, "{}: call fit first", who);
  require<ShapeError>(rows.cols() == static_cast<Index>(columns), "{}: expected {} columns, got {}", who, columns,
                      rows.cols());
  Matrix result(rows.rows(), rows.cols());
  for (Index column = 0; column < rows.cols(); ++column) {
    const ScalerLine line = line_of(static_cast<std::size_t>(column));
    for (Index row = 0; row < rows.rows(); ++row) {
      const double value = rows(row, column);
      result(row, column) = static_cast<Scalar>(inverse ? (value - line.add) / line.multiply + line.subtract
                                                        : (value - line.subtract) * line.multiply + line.add);
    }
  }
  return result;
}

/// Count, mean, variance, smallest and largest of the numbers in a column.
struct ColumnFigures {
  Index count = 0;
  double mean = 0, variance = 0;
  double min = std::numeric_limits<double>::infinity(), max = -std::numeric_limits<double>::infinity();
};

inline ColumnFigures column_figures(std::string_view who, MatrixArg rows, Index column) {
  ColumnFigures figures;
  for (Index row = 0; row < rows.rows(); ++row) {
    const double value = rows(row, column);
    if (std::isnan(value)) continue;
    ++figures.count;
    figures.mean += value;
    figures.min = std::min(figures.min, value);
    figures.max = std::max(figures.max, value);
  }
  require<DataError>(figures.count > 0, "{}: expected a number in column {} (counted from 0), got none", who, column);
  require<DataError>(std::isfinite(figures.min) && std::isfinite(figures.max),
                     "{}: expected finite numbers in column {} (counted from 0), got an infinite one", who, column);
  figures.mean /= static_cast<double>(figures.count);
  for (Index row = 0; row < rows.rows(); ++row) {
    const double distance = rows(row, column) - figures.mean;
    if (!std::isnan(distance)) figures.variance += distance * distance;
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

}  // namespace detail

MAAS_INLINE MinMaxScaler& MinMaxScaler::fit(MatrixArg rows) {
  require<ConfigError>(range_min < range_max, "MinMaxScaler: expected range_min below range_max, got {} and {}",
                       range_min, range_max);
  data_min.clear();
  data_max.clear();
  for (Index column = 0; column < rows.cols(); ++column) {
    const detail::ColumnFigures figures = detail::column_figures(class_name, rows, column);
    data_min.push_back(figures.min);
    data_max.push_back(figures.max);
  }
  return *this;
}

namespace detail {

inline auto min_max_line(const MinMaxScaler& scaler) {
  return [&scaler](std::size_t column) {
    const double low = scaler.data_min[column], width = scaler.data_max[column] - low;
    const bool constant = width < 10 * std::numeric_limits<double>::epsilon();
    return ScalerLine{low, (scaler.range_max - scaler.range_min) / (constant ? 1 : width), scaler.range_min};
  };
}

inline auto standard_line(const StandardScaler& scaler) {
  return [&scaler](std::size_t column) { return ScalerLine{scaler.mean[column], 1 / scaler.scale[column], 0}; };
}

}  // namespace detail

MAAS_INLINE Matrix MinMaxScaler::apply(MatrixArg rows) const {
  return detail::scaled(class_name, rows, data_min.size(), false, detail::min_max_line(*this));
}
MAAS_INLINE Matrix MinMaxScaler::invert(MatrixArg rows) const {
  return detail::scaled(class_name, rows, data_min.size(), true, detail::min_max_line(*this));
}

MAAS_INLINE StandardScaler& StandardScaler::fit(MatrixArg rows) {
  mean.clear();
  scale.clear();
  for (Index column = 0; column < rows.cols(); ++column) {
    const detail::ColumnFigures figures = detail::column_figures(class_name, rows, column);
    mean.push_back(figures.mean);
    scale.push_back(detail::is_constant(figures) ? 1 : std::sqrt(figures.variance));
  }
  return *this;
}

MAAS_INLINE Matrix StandardScaler::apply(MatrixArg rows) const {
  return detail::scaled(class_name, rows, mean.size(), false, detail::standard_line(*this));
}
MAAS_INLINE Matrix StandardScaler::invert(MatrixArg rows) const {
  return detail::scaled(class_name, rows, mean.size(), true, detail::standard_line(*this));
}

}  // namespace maas::inline MAAS_ABI
