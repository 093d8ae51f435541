// Bodies of Readings, ForecastWindows and Forecasts.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "maas/data/jumps-inl.hpp"
#include "maas/data/times.hpp"
#include "maas/forecast/readings.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// More readings than this in a window, or ahead, are a mistake: and products of them stay far from overflowing.
inline void require_count(std::string_view what, Index value) {
  require<ConfigError>(value >= 1 && value <= most_readings_ahead, "forecast windows: expected {} from 1 to {}, got {}",
                       what, most_readings_ahead, value);
}

/// The median of the differences of times within series; 0 without any.
inline double seconds_between(const Readings& readings) {
  std::vector<double> steps;
  for (std::size_t row = 1; row < readings.times.size(); ++row)
    if (!readings.begins_series(static_cast<Index>(row)))
      steps.push_back(readings.times[row] - readings.times[row - 1]);
  return middle_step(std::move(steps));
}

/// Before which readings no window goes on: where a series begins, and where the time jumps, unless windows are taken
/// across that. As counts_of.
inline std::vector<Index> breaks_before(const Readings& readings, double seconds, bool across_gaps) {
  const std::vector<Index> jumps = jumps_before(readings.times, seconds, readings.rows());
  std::vector<bool> breaks;
  for (Index row = 0; row < readings.rows(); ++row)
    breaks.push_back(readings.begins_series(row) || (!across_gaps && any_in(jumps, row, row + 1)));
  return counts_of(breaks);
}

/// A column of names, one a row: texts, or numbers as texts.
inline std::vector<std::string> series_of(const Table& table, std::string_view name) {
  const Column& column = table.column(name);
  require<DataError>(column.type != ColumnType::time,
                     "readings: expected texts or numbers that name series in \"{}\", got times", name);
  std::vector<std::string> names;
  for (std::size_t row = 0; row < static_cast<std::size_t>(table.rows()); ++row) {
    const bool is_text = column.type == ColumnType::text;
    require<DataError>(is_text ? !column.texts[row].empty() : !std::isnan(column.numbers[row]),
                       "readings: expected the name of a series in \"{}\", got none in row {}", name, row);
    names.push_back(is_text ? column.texts[row] : fmt::format("{}", column.numbers[row]));
  }
  return names;
}

/// Numbers of a matrix that are finite, or missing.
inline void require_finite(MatrixArg values, std::string_view what) {
  for (Index row = 0; row < values.rows(); ++row)
    for (Index column = 0; column < values.cols(); ++column)
      require<DataError>(!std::isinf(values(row, column)),
                         "Readings: expected finite numbers, or NaN where one is missing, got {} in row {}, {} {}",
                         values(row, column), row, what, column);
}

/// Of each part of some, those of rows from `begin` up to `end`; nothing where there are none.
template <class Part>
std::vector<Part> rows_of(const std::vector<Part>& all, Index begin, Index end) {
  if (all.empty()) return {};
  return {all.begin() + begin, all.begin() + end};
}

MAAS_INLINE RowMarks marks_of(const Readings& readings) {
  const RowMarks marks = readings.marks.sized(readings.rows());
  return readings.held_out && !marks.any_held_out() ? marks.with_all_held_out() : marks;
}

MAAS_INLINE void require_unlearned(std::string_view who, const ForecastWindows& windows, const LearnedRows& learned) {
  const Readings& readings = windows.readings();
  if (!readings.held_out || learned.empty()) return;
  const RowMarks marks = marks_of(readings);
  std::vector<bool> is_judged(static_cast<std::size_t>(readings.rows()), false);
  for (Index window = 0; window < windows.size(); ++window)
    for (Index step = 0; step < windows.steps(); ++step) {
      const Index row = windows.target_row(window, step);
      is_judged[static_cast<std::size_t>(row)] = marks.is_held_out(row);
    }
  std::vector<Index> judged;
  for (Index row = 0; row < readings.rows(); ++row)
    if (is_judged[static_cast<std::size_t>(row)]) judged.push_back(row);
  require_unlearned(who, marks, judged,
                    {.what = "readings", .whole = "readings", .why = "held out for validation or test"}, learned);
}

}  // namespace detail

MAAS_INLINE std::vector<std::string> Readings::sensor_names() const {
  if (!sensors.empty()) return sensors;
  std::vector<std::string> names;
  for (Index sensor = 0; sensor < sensor_count(); ++sensor) names.push_back(fmt::format("sensor {}", sensor));
  return names;
}

MAAS_INLINE Readings Readings::part(const RowRange& rows) const {
  require<ShapeError>(rows.begin >= 0 && rows.begin <= rows.end && rows.end <= values.rows(),
                      "Readings: expected rows within 0 to {}, got {} to {}", values.rows(), rows.begin, rows.end);
  check_counts();
  const RowMarks picked = detail::marks_of(*this).part(rows.begin, rows.end);
  return {.values = rows.of(values),
          .times = detail::rows_of(times, rows.begin, rows.end),
          .sensors = sensors,
          .held_out = held_out || rows.held_out,
          .marks = rows.held_out ? picked.with_all_held_out() : picked,
          .series = detail::rows_of(series, rows.begin, rows.end),
          .known = known_names.empty() ? Matrix() : rows.of(known),
          .known_names = known_names};
}

MAAS_INLINE void Readings::check_counts() const {
  require<ShapeError>(times.empty() || static_cast<Index>(times.size()) == rows(),
                      "Readings: expected {} times, one a reading, got {}", rows(), times.size());
  require<ShapeError>(series.empty() || static_cast<Index>(series.size()) == rows(),
                      "Readings: expected {} names of series, one a reading, got {}", rows(), series.size());
  require<ShapeError>(
      known_names.empty() ? known.size() == 0
                          : known.rows() == rows() && known.cols() == static_cast<Index>(known_names.size()),
      "Readings: expected known inputs of {} x {}, one row a reading and one column a name, got {} x {}", rows(),
      known_names.size(), known.rows(), known.cols());
}

MAAS_INLINE void Readings::check() const {
  check_counts();
  require<ShapeError>(sensors.empty() || static_cast<Index>(sensors.size()) == sensor_count(),
                      "Readings: expected {} names, one a sensor, got {}", sensor_count(), sensors.size());
  for (std::size_t row = 0; row < times.size(); ++row) {
    require<DataError>(std::isfinite(times[row]), "Readings: expected a time for every reading, got none in row {}",
                       row);
    if (row > 0 && !begins_series(static_cast<Index>(row)))
      detail::require_later("Readings", times[row], times[row - 1], static_cast<Index>(row));
  }
  std::set<std::string_view> ended;
  for (std::size_t row = 1; row < series.size(); ++row) {
    if (!begins_series(static_cast<Index>(row))) continue;
    ended.insert(series[row - 1]);
    require<DataError>(!ended.contains(series[row]),
                       "Readings: expected the readings of a series on end, got \"{}\" again in row {}, behind \"{}\"",
                       series[row], row, series[row - 1]);
  }
  detail::require_finite(values, "sensor");
  detail::require_finite(known, "known input");
}

MAAS_INLINE Readings readings_of(const Table& table, const ReadingColumns& columns) {
  Readings result{.sensors = columns.sensors, .held_out = table.is_held_out(), .marks = table.marks()};
  const auto is_known = [&](const std::string& name) {
    return std::find(columns.known.begin(), columns.known.end(), name) != columns.known.end();
  };
  if (result.sensors.empty())
    for (Index i = 0; i < table.columns(); ++i)
      if (const Column& column = table.column(i);
          column.type == ColumnType::number && column.name != columns.series && !is_known(column.name))
        result.sensors.push_back(column.name);
  require<DataError>(!result.sensors.empty(), "readings: expected a column of numbers, got none");
  result.values = table.matrix(result.sensors);
  if (!columns.time.empty()) result.times = table.times(columns.time);
  if (!columns.series.empty()) result.series = detail::series_of(table, columns.series);
  if (!columns.known.empty()) result.known = table.matrix(columns.known);
  result.known_names = columns.known;
  result.check();
  return result;
}

MAAS_INLINE Readings readings_of(const Table& table, std::string_view time, const std::vector<std::string>& sensors) {
  return readings_of(table, {.time = std::string(time), .sensors = sensors});
}

MAAS_INLINE void ForecastWindowOptions::check() const {
  detail::require_count("lags", lags);
  detail::require_count("a stride", stride);
  require<ConfigError>(!horizons.empty(), "forecast windows: expected at least 1 horizon, got none");
  for (std::size_t i = 0; i < horizons.size(); ++i) {
    detail::require_count("horizons", horizons[i]);
    require<ConfigError>(i == 0 || horizons[i] > horizons[i - 1],
                         "forecast windows: expected horizons that grow, got {} after {}", horizons[i],
                         horizons[i == 0 ? 0 : i - 1]);
  }
  require<ConfigError>(seconds_a_reading >= 0 && std::isfinite(seconds_a_reading),
                       "forecast windows: expected seconds_a_reading of at least 0, got {}", seconds_a_reading);
}

MAAS_INLINE Config to_config(const ForecastWindowOptions& options) {
  Config result = write_config(options);
  if (!options.fill_missing) result.erase("fill_missing");  // as in files from before there was such a thing
  return result;
}
MAAS_INLINE void from_config(const Config& config, std::string_view where, ForecastWindowOptions& options) {
  options = read_config<ForecastWindowOptions>(config, where);
}

MAAS_INLINE std::string horizon_text(Index horizon, double seconds_a_reading) {
  if (!(seconds_a_reading > 0)) return fmt::format("{} readings", horizon);
  return fmt::format("{:g} minutes", static_cast<double>(horizon) * seconds_a_reading / seconds_a_minute);
}

MAAS_INLINE ForecastWindows::ForecastWindows(Readings readings, const ForecastWindowOptions& options)
    : readings_(std::make_shared<const Readings>(std::move(readings))), options_(options) {
  readings_->check();
  options_.check();
  seconds_ = options_.seconds_a_reading > 0 ? options_.seconds_a_reading : detail::seconds_between(*readings_);
  const Index rows = readings_->rows(), length = options_.lags + options_.horizons.back();
  const std::vector<Index> breaks = detail::breaks_before(*readings_, seconds_, options_.across_gaps);
  for (Index begin = 0; begin + length <= rows; begin += options_.stride)
    if (!detail::any_in(breaks, begin + 1, begin + length)) origins_.push_back(begin + options_.lags - 1);
  require<DataError>(!origins_.empty() && readings_->sensor_count() > 0,
                     "forecast windows: expected {} readings on end without a gap (lags and the last horizon), got "
                     "none in {} readings of {} sensors",
                     length, rows, readings_->sensor_count());
}

MAAS_INLINE ForecastWindows::ForecastWindows(Readings readings, const ForecastWindowOptions& options,
                                             std::vector<Index> origins)
    : readings_(std::make_shared<const Readings>(std::move(readings))),
      options_(options),
      origins_(std::move(origins)),
      seconds_(options.seconds_a_reading) {
  readings_->check();
  options_.check();
  require<DataError>(!origins_.empty(), "forecast windows: expected the origin of at least 1, got none");
  require<ShapeError>(origins_.front() + 1 >= options_.lags && std::is_sorted(origins_.begin(), origins_.end()) &&
                          origins_.back() + options_.horizons.back() < readings_->rows(),
                      "forecast windows: expected windows that lie in {} readings, got origins from {} to {}",
                      readings_->rows(), origins_.front(), origins_.back());
}

MAAS_INLINE Index ForecastWindows::target_row(Index window, Index step) const {
  return origin(window) + options_.horizons[static_cast<std::size_t>(step)];
}

MAAS_INLINE Matrix ForecastWindows::truth() const {
  const Index sensors = readings_->sensor_count();
  Matrix result(size(), steps() * sensors);
  for (Index window = 0; window < size(); ++window)
    for (Index step = 0; step < steps(); ++step)
      result.row(window).segment(step * sensors, sensors) = readings_->values.row(target_row(window, step));
  return result;
}

MAAS_INLINE ForecastWindows ForecastWindows::with_origins(std::vector<Index> origins, std::string_view what) const {
  require<DataError>(!origins.empty(), "forecast windows: expected some with targets {}, got none of {}", what, size());
  ForecastWindows result = *this;
  result.origins_ = std::move(origins);
  return result;
}

MAAS_INLINE ForecastWindows ForecastWindows::targets_before(Index row) const {
  std::vector<Index> kept;
  for (Index origin : origins_)
    if (origin + options_.horizons.back() < row) kept.push_back(origin);
  return with_origins(std::move(kept), fmt::format("before row {}", row));
}

MAAS_INLINE ForecastWindows ForecastWindows::targets_from(Index row) const {
  std::vector<Index> kept;
  for (Index origin : origins_)
    if (origin + options_.horizons.front() >= row) kept.push_back(origin);
  return with_origins(std::move(kept), fmt::format("from row {} on", row));
}

MAAS_INLINE ForecastWindows ForecastWindows::at(std::vector<Index> origins) const {
  for (Index origin : origins)
    require<DataError>(std::binary_search(origins_.begin(), origins_.end(), origin),
                       "forecast windows: expected a window of {} lags and its targets around reading {}, got none, as "
                       "readings, time or a series end there",
                       options_.lags, origin);
  return with_origins(std::move(origins), "of these origins");
}

MAAS_INLINE Index Forecasts::step_of(Index horizon) const {
  for (std::size_t step = 0; step < horizons.size(); ++step)
    if (horizons[step] == horizon) return static_cast<Index>(step);
  std::string known;
  for (Index each : horizons) known += (known.empty() ? "" : ", ") + std::to_string(each);
  fail<ConfigError>("forecasts: there is no horizon {}; there are {}", horizon, known);
}

MAAS_INLINE Forecasts Forecasts::part(const RowRange& range) const {
  require<ShapeError>(range.begin >= 0 && range.begin <= range.end && range.end <= windows(),
                      "forecasts: expected windows within 0 to {}, got {} to {}", windows(), range.begin, range.end);
  Forecasts result{.model = model,
                   .horizons = horizons,
                   .sensors = sensors,
                   .origins = {origins.begin() + range.begin, origins.begin() + range.end},
                   .times = {},
                   .seconds_a_reading = seconds_a_reading,
                   .values = range.of(values),
                   .truth = range.of(truth),
                   .last = range.of(last),
                   .series = detail::rows_of(series, range.begin, range.end),
                   .marks = marks};
  if (!times.empty()) result.times.assign(times.begin() + range.begin, times.begin() + range.end);
  return result;
}

MAAS_INLINE std::vector<Index> Forecasts::target_rows() const {
  const auto count = static_cast<Index>(sensors.size());
  if (static_cast<Index>(origins.size()) != windows() || static_cast<Index>(horizons.size()) * count != values.cols() ||
      truth.rows() != values.rows() || truth.cols() != values.cols())
    return {};
  std::vector<Index> rows;
  for (Index window = 0; window < windows(); ++window)
    for (std::size_t step = 0; step < horizons.size(); ++step) {
      const auto errors = truth.row(window).segment(column(static_cast<Index>(step), 0), count) -
                          values.row(window).segment(column(static_cast<Index>(step), 0), count);
      if (!errors.array().isNaN().all()) rows.push_back(origins[static_cast<std::size_t>(window)] + horizons[step]);
    }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

MAAS_INLINE Forecasts empty_forecasts(std::string model, const ForecastWindows& windows) {
  const Readings& readings = windows.readings();
  Forecasts result{.model = std::move(model),
                   .horizons = windows.options().horizons,
                   .sensors = readings.sensor_names(),
                   .origins = windows.origins(),
                   .times = {},
                   .seconds_a_reading = windows.seconds_a_reading(),
                   .values = {},
                   .truth = windows.truth(),
                   .last = Matrix(windows.size(), readings.sensor_count()),
                   .marks = detail::marks_of(readings)};
  if (!readings.times.empty())
    for (Index origin : result.origins) result.times.push_back(readings.times[static_cast<std::size_t>(origin)]);
  if (!readings.series.empty())
    for (Index origin : result.origins) result.series.push_back(readings.series[static_cast<std::size_t>(origin)]);
  for (Index window = 0; window < windows.size(); ++window)
    result.last.row(window) = readings.values.row(windows.origin(window));
  result.values = Matrix::Constant(result.truth.rows(), result.truth.cols(), std::numeric_limits<Scalar>::quiet_NaN());
  return result;
}

}  // namespace maas::inline MAAS_ABI
