// Bodies of the scalers.
#pragma once

#include <cmath>

#include "maas/data/figures-inl.hpp"
#include "maas/data/scalers.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

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
      result(row, column) = static_cast<Scalar>(inverse ? line.inverse(value) : line(value));
    }
  }
  return result;
}

inline ColumnFigures column_figures(std::string_view who, MatrixArg rows, Index column) {
  const ColumnFigures figures = figures_of(column_values(rows, column));
  require<DataError>(figures.count > 0, "{}: expected a number in column {} (counted from 0), got none", who, column);
  require<DataError>(std::isfinite(figures.min) && std::isfinite(figures.max),
                     "{}: expected finite numbers in column {} (counted from 0), got an infinite one", who, column);
  return figures;
}

}  // namespace detail

MAAS_INLINE MinMaxScaler& MinMaxScaler::fit(const TrainingRows& training) {
  const Matrix& rows = training.values();
  require<ConfigError>(range_min < range_max, "MinMaxScaler: expected range_min below range_max, got {} and {}",
                       range_min, range_max);
  data_min.clear();
  data_max.clear();
  for (Index column = 0; column < rows.cols(); ++column) {
    const detail::ColumnFigures figures = detail::column_figures(class_name, rows, column);
    detail::require_finite_width(class_name, figures);
    data_min.push_back(figures.min);
    data_max.push_back(figures.max);
  }
  return *this;
}

namespace detail {

inline auto min_max_line(const MinMaxScaler& scaler) {
  return [&scaler](std::size_t column) {
    const double low = scaler.data_min[column], width = width_or_one(scaler.data_max[column] - low);
    return ScalerLine{low, (scaler.range_max - scaler.range_min) / width, scaler.range_min};
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

MAAS_INLINE StandardScaler& StandardScaler::fit(const TrainingRows& training) {
  const Matrix& rows = training.values();
  mean.clear();
  scale.clear();
  for (Index column = 0; column < rows.cols(); ++column) {
    const detail::ColumnFigures figures = detail::column_figures(class_name, rows, column);
    mean.push_back(figures.mean);
    scale.push_back(detail::standard_scale(class_name, figures));
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
