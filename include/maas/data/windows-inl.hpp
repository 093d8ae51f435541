// Bodies of Windows.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

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

inline const Matrix& targets_of(const Series& series) {
  return series.targets.size() > 0 ? series.targets : series.values;
}

inline Index width_of_known(const Series& series) { return series.known.size() > 0 ? series.known.cols() : 0; }

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

MAAS_INLINE std::vector<Series> series_of_variables(const Series& series) {
  const bool has_targets = series.targets.size() > 0;
  require<ShapeError>(!has_targets || series.targets.cols() == series.values.cols(),
                      "series_of_variables: expected a column of targets for each of {} variables, got {}",
                      series.values.cols(), series.targets.cols());
  std::vector<Series> result;
  for (Index variable = 0; variable < series.values.cols(); ++variable) {
    result.push_back({.values = series.values.col(variable), .times = series.times, .known = series.known});
    if (has_targets) result.back().targets = series.targets.col(variable);
  }
  return result;
}

MAAS_INLINE std::vector<Index> every_step(Index horizon) {
  require<ConfigError>(horizon >= 1 && horizon <= detail::most_readings_ahead,
                       "every_step: expected a horizon from 1 to {}, got {}", detail::most_readings_ahead, horizon);
  std::vector<Index> steps(static_cast<std::size_t>(horizon));
  std::iota(steps.begin(), steps.end(), Index{1});
  return steps;
}

MAAS_INLINE void Windows::check_options() const {
  const auto in_range = [](std::string_view what, Index value) {
    require<ConfigError>(value >= 1 && value <= detail::most_readings_ahead,
                         "Windows: expected {} from 1 to {}, got {}", what, detail::most_readings_ahead, value);
  };
  in_range("lags", options_.lags);
  in_range("a stride", options_.stride);
  require<ConfigError>(!options_.horizons.empty(), "Windows: expected at least 1 horizon, got none");
  Index before = 0;
  for (const Index horizon : options_.horizons) {
    in_range("horizons", horizon);
    require<ConfigError>(horizon > before, "Windows: expected horizons that grow, got {} after {}", horizon, before);
    before = horizon;
  }
  require<ConfigError>(!options_.fill_missing || !options_.keep_missing,
                       "Windows: expected either keep_missing or fill_missing, got both");
  require<ConfigError>(!options_.masks || options_.fill_missing,
                       "Windows: expected fill_missing beside masks, which say where it was written, got none");
}

MAAS_INLINE void Windows::check(Index number) const {
  const Series &series = series_at(number), &first = series_at(0);
  const Index readings = series.values.rows();
  const auto same_length = [&](std::string_view what, Index rows) {
    require<ShapeError>(rows == readings, "Windows: expected {} {}, one a reading, got {}", readings, what, rows);
  };
  if (!series.times.empty()) same_length("times", static_cast<Index>(series.times.size()));
  if (series.targets.size() > 0) same_length("rows of targets", series.targets.rows());
  if (series.known.size() > 0) same_length("rows of known numbers", series.known.rows());
  const auto same_width = [&](std::string_view what, Index expected, Index columns) {
    require<ShapeError>(columns == expected, "Windows: expected {} {} in series {}, as in series 0, got {}", expected,
                        what, number, columns);
  };
  same_width("variables", first.values.cols(), series.values.cols());
  same_width("columns of targets", detail::targets_of(first).cols(), detail::targets_of(series).cols());
  same_width("known numbers", detail::width_of_known(first), detail::width_of_known(series));
}

MAAS_INLINE void Windows::find_places(Index number) {
  const Series& series = series_at(number);
  const Index readings = series.values.rows();
  const std::vector<Index> missing = detail::missing_rows(series.values, readings);
  const std::vector<Index> missing_targets = detail::missing_rows(detail::targets_of(series), readings);
  const std::vector<Index> missing_known = detail::missing_rows(series.known, readings);
  const std::vector<Index> jumps = detail::jumps_before(series.times, options_.seconds_a_reading, readings);

  // Readings between the window and its targets are not used and may be missing.
  const auto lacks = [&](Index begin) {
    const Index last = begin + options_.lags - 1, target = last + options_.horizons.front();
    if (!options_.fill_missing && detail::any_in(missing, begin, last + 1)) return true;
    return detail::any_in(missing_known, target, target + 1) ||
           std::ranges::any_of(options_.horizons, [&](Index horizon) {
             return detail::any_in(missing_targets, last + horizon, last + horizon + 1);
           });
  };
  const Index length = options_.lags + options_.horizons.back();
  for (Index begin = 0; begin + length <= readings; begin += options_.stride)
    if ((options_.across_gaps || !detail::any_in(jumps, begin + 1, begin + length)) &&
        (options_.keep_missing || !lacks(begin)))
      places_.push_back({number, begin});
}

MAAS_INLINE Windows::Windows(Series series, const WindowOptions& options)
    : Windows(std::vector<Series>{std::move(series)}, options) {}

MAAS_INLINE Windows::Windows(std::vector<Series> series, const WindowOptions& options)
    : series_(std::make_shared<const std::vector<Series>>(std::move(series))), options_(options) {
  check_options();
  require<DataError>(!series_->empty(), "Windows: expected at least 1 series, got none");
  Index readings = 0;
  for (Index number = 0; number < static_cast<Index>(series_->size()); ++number) {
    check(number);
    find_places(number);
    readings += series_at(number).values.rows();
  }
  require<DataError>(!places_.empty(),
                     "Windows: expected {} readings on end without a gap (lags and the last horizon), got none in {}",
                     options_.lags + options_.horizons.back(), readings);
}

MAAS_INLINE Index Windows::target_columns() const { return detail::targets_of(series_at(0)).cols(); }

MAAS_INLINE Index Windows::known_columns() const { return detail::width_of_known(series_at(0)); }

MAAS_INLINE Shape Windows::feature_shape() const {
  const Index beside = known_columns() + (options_.series_ids ? 1 : 0);
  if (options_.sequences && beside == 0) return Shape{options_.lags, numbers_a_reading()};
  return Shape{options_.lags * numbers_a_reading() + beside};
}

MAAS_INLINE Scalar* Windows::write_readings(const Series& series, Index first, Scalar* to) const {
  const Index count = variables();
  const Scalar* from = series.values.data() + first * count;
  if (!options_.fill_missing) return std::copy_n(from, options_.lags * count, to);
  for (const Scalar* end = from + options_.lags * count; from < end; from += count) {
    for (Index i = 0; i < count; ++i) *to++ = std::isnan(from[i]) ? *options_.fill_missing : from[i];
    if (options_.masks)
      for (Index i = 0; i < count; ++i) *to++ = std::isnan(from[i]) ? Scalar(0) : Scalar(1);
  }
  return to;
}

MAAS_INLINE void Windows::write_features(Index sample, Scalar* to) const {
  const Series& series = series_at(series_of(sample));
  const Index known = known_columns();
  to = write_readings(series, first_reading(sample), to);
  if (known > 0) to = std::copy_n(series.known.data() + target_reading(sample) * known, known, to);
  if (options_.series_ids) *to = static_cast<Scalar>(series_of(sample));
}

MAAS_INLINE void Windows::write_targets(Index sample, Scalar* to) const {
  const Matrix& targets = detail::targets_of(series_at(series_of(sample)));
  for (const Index horizon : options_.horizons)
    to = std::copy_n(targets.data() + (last_reading(sample) + horizon) * targets.cols(), targets.cols(), to);
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
