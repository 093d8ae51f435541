// Bodies of Windows.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/data/jumps-inl.hpp"
#include "maas/data/windows.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline std::vector<Index> missing_rows(const Matrix& rows, Index count) {
  std::vector<bool> marked(static_cast<std::size_t>(count), false);
  for (Index row = 0; row < rows.rows(); ++row)
    for (Index column = 0; column < rows.cols(); ++column)
      if (std::isnan(rows(row, column))) marked[static_cast<std::size_t>(row)] = true;
  return counts_of(marked);
}

}  // namespace detail

MAAS_INLINE Series Series::part(const RowRange& rows) const {
  require<ShapeError>(rows.begin >= 0 && rows.begin <= rows.end && rows.end <= values.rows(),
                      "Series: expected readings within 0 to {}, got {} to {}", values.rows(), rows.begin, rows.end);
  Series result{.values = rows.of(values)};
  if (!times.empty()) result.times.assign(times.begin() + rows.begin, times.begin() + rows.end);
  if (targets.size() > 0) result.targets = rows.of(targets);
  if (known.size() > 0) result.known = rows.of(known);
  return result;
}

MAAS_INLINE void Windows::check() const {
  const Index readings = series_.values.rows();
  const auto same_length = [&](std::string_view what, Index rows) {
    require<ShapeError>(rows == readings, "Windows: expected {} {}, one a reading, got {}", readings, what, rows);
  };
  if (!series_.times.empty()) same_length("times", static_cast<Index>(series_.times.size()));
  if (series_.targets.size() > 0) same_length("rows of targets", series_.targets.rows());
  if (series_.known.size() > 0) same_length("rows of known numbers", series_.known.rows());
  const auto at_least_1 = [](std::string_view what, Index value) {
    require<ConfigError>(value >= 1, "Windows: expected {} of at least 1, got {}", what, value);
  };
  at_least_1("lags", options_.lags);
  at_least_1("a horizon", options_.horizon);
  at_least_1("steps", options_.steps);
  at_least_1("a stride", options_.stride);
  require<ConfigError>(!options_.sequences || known_columns() == 0,
                       "Windows: expected no known numbers beside sequences, got {} columns", known_columns());
}

MAAS_INLINE Windows::Windows(Series series, const WindowOptions& options)
    : series_(std::move(series)), options_(options) {
  check();
  const Index readings = series_.values.rows();
  const std::vector<Index> missing = detail::missing_rows(series_.values, readings);
  const std::vector<Index> missing_targets = detail::missing_rows(targets(), readings);
  const std::vector<Index> missing_known = detail::missing_rows(series_.known, readings);
  const std::vector<Index> jumps = detail::jumps_before(series_.times, options_.seconds_a_reading, readings);

  const Index length = options_.lags - 1 + options_.horizon + options_.steps;
  for (Index begin = 0; begin + length <= readings; begin += options_.stride) {
    const Index end = begin + length, target = end - options_.steps;
    if (!options_.across_gaps && detail::any_in(jumps, begin + 1, end)) continue;
    // Readings between the window and its target are not used and may be missing.
    if (!options_.keep_missing &&
        (detail::any_in(missing, begin, begin + options_.lags) || detail::any_in(missing_targets, target, end) ||
         detail::any_in(missing_known, target, target + 1)))
      continue;
    begins_.push_back(begin);
  }
  require<DataError>(!begins_.empty(),
                     "Windows: expected {} readings on end without a gap (lags, horizon and steps), got none in {}",
                     length, readings);
}

MAAS_INLINE Shape Windows::feature_shape() const {
  const Index variables = series_.values.cols();
  return options_.sequences ? Shape{options_.lags, variables} : Shape{options_.lags * variables + known_columns()};
}

MAAS_INLINE void Windows::write_features(Index sample, Scalar* to) const {
  const Index variables = series_.values.cols(), known = known_columns();
  to = std::copy_n(series_.values.data() + first_reading(sample) * variables, options_.lags * variables, to);
  if (known > 0) std::copy_n(series_.known.data() + target_reading(sample) * known, known, to);
}

MAAS_INLINE void Windows::write_targets(Index sample, Scalar* to) const {
  const Index columns = targets().cols();
  std::copy_n(targets().data() + target_reading(sample) * columns, options_.steps * columns, to);
}

MAAS_INLINE void Windows::gather(std::span<const Index> rows, MatrixView x, MatrixView y) const {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    write_features(rows[i], x.data() + static_cast<Index>(i) * x.cols());
    write_targets(rows[i], y.data() + static_cast<Index>(i) * y.cols());
  }
}

MAAS_INLINE Matrix Windows::feature_matrix() const {
  Matrix x(size(), feature_shape().size());
  for (Index sample = 0; sample < size(); ++sample) write_features(sample, x.data() + sample * x.cols());
  return x;
}

MAAS_INLINE Matrix Windows::target_matrix() const {
  Matrix y(size(), target_shape().size());
  for (Index sample = 0; sample < size(); ++sample) write_targets(sample, y.data() + sample * y.cols());
  return y;
}

}  // namespace maas::inline MAAS_ABI
