// Bodies of ForecastFrame.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "maas/data/enum_from-inl.hpp"
#include "maas/data/times.hpp"
#include "maas/forecast/frame.hpp"
#include "maas/forecast/kept_errors-inl.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Config to_config(SensorMode mode) { return detail::sensor_mode_names[static_cast<std::size_t>(mode)]; }
MAAS_INLINE void from_config(const Config& config, std::string_view where, SensorMode& mode) {
  mode = detail::enum_from<SensorMode>(config, where, detail::sensor_mode_names);
}
MAAS_INLINE Config to_config(ReadingScaling scaling) {
  return detail::reading_scaling_names[static_cast<std::size_t>(scaling)];
}
MAAS_INLINE void from_config(const Config& config, std::string_view where, ReadingScaling& scaling) {
  scaling = detail::enum_from<ReadingScaling>(config, where, detail::reading_scaling_names);
}
MAAS_INLINE Config to_config(const ForecastOptions& options) {
  Config result = write_config(options);
  if (!options.masks) result.erase("masks");  // as in files from before there was such a thing
  if (options.known.empty()) result.erase("known");
  if (!options.known_masks) result.erase("known_masks");
  return result;
}
MAAS_INLINE void from_config(const Config& config, std::string_view where, ForecastOptions& options) {
  options = read_config<ForecastOptions>(config, where);
}

MAAS_INLINE void ForecastOptions::check() const {
  windows.check();
  require<ConfigError>(harmonics >= 1 && harmonics <= 100, "forecaster: expected from 1 to 100 harmonics, got {}",
                       harmonics);
  require<ConfigError>(!masks || windows.fill_missing,
                       "forecaster: expected fill_missing of the windows beside masks, which say what was filled, got "
                       "masks alone");
  require<ConfigError>(!known_masks || !known.empty(),
                       "forecaster: expected known inputs beside known_masks, which say what of them is missing, got "
                       "none");
  for (std::size_t i = 0; i < known.size(); ++i) {
    require<ConfigError>(!known[i].empty(), "forecaster: expected names of known inputs, got an empty one");
    require<ConfigError>(std::find(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(i), known[i]) ==
                             known.begin() + static_cast<std::ptrdiff_t>(i),
                         "forecaster: expected each known input once, got \"{}\" twice", known[i]);
  }
}

// ---- The network ----

MAAS_INLINE ForecastShape ForecastFrame::shape(Index count) const {
  require<ShapeError>(count >= 1, "forecaster: expected at least 1 sensor, got {}", count);
  const Index each = is_joint() ? count : 1;
  const Index known = (options.time_of_day ? 2 * options.harmonics : 0) + (options.day_of_week ? 2 : 0);
  return {.features = options.windows.lags * options.numbers_a_reading() * each + known + options.known_numbers(),
          .ids = !is_joint() && options.sensor_id && count > 1 ? count : 0,
          .outputs = static_cast<Index>(options.windows.horizons.size()) * each};
}

MAAS_INLINE void ForecastFrame::check_network(const Graph& graph) const {
  const ForecastShape wanted = shape(static_cast<Index>(sensors.size()));
  const std::size_t inputs = wanted.ids > 0 ? 2 : 1;
  require<ShapeError>(graph.inputs().size() == inputs && graph.outputs().size() == 1,
                      "forecaster: expected a network of {} inputs and 1 output, got {} and {}", inputs,
                      graph.inputs().size(), graph.outputs().size());
  require<ShapeError>(graph.input_shape(0).size() == wanted.features && graph.output_shape(0).size() == wanted.outputs,
                      "forecaster: expected a network that takes {} numbers and gives {}, got {} and {}",
                      wanted.features, wanted.outputs, graph.input_shape(0).size(), graph.output_shape(0).size());
  require<ShapeError>(inputs == 1 || graph.input_shape(1).size() == 1,
                      "forecaster: expected a network whose second input is 1 number, the sensor, got {}",
                      inputs == 1 ? 0 : graph.input_shape(1).size());
}

MAAS_INLINE void ForecastFrame::check_warning() const {
  const std::size_t columns = options.windows.horizons.size() * sensors.size();
  require<ShapeError>(!intervals || static_cast<std::size_t>(intervals->columns()) == columns,
                      "forecaster: expected intervals of {} columns, one a step and sensor, got {}", columns,
                      intervals ? intervals->columns() : 0);
  require<ConfigError>(!alarm || intervals, "forecaster: expected intervals, which give chances, beside an alarm");
  if (alarm) alarm->check(options.windows.horizons, sensors);
}

// ---- Windows ----

MAAS_INLINE OutOfRange ForecastFrame::out_of_range() const {
  if (table) return has_steps() ? OutOfRange::pass : table->pipeline().out_of_range();
  return ranges ? ranges->out_of_range : OutOfRange::pass;
}

MAAS_INLINE std::optional<NumberRange> ForecastFrame::range_of(Index sensor) const {
  const auto place = static_cast<std::size_t>(sensor);
  if (table) return has_steps() ? std::nullopt : table->pipeline().range_of(sensors[place]);
  return ranges ? ranges->sensors[place] : std::nullopt;
}

MAAS_INLINE double ForecastFrame::filled(double reading, Index sensor) const {
  if (std::isnan(reading)) return options.windows.fill_missing ? means[static_cast<std::size_t>(sensor)] : reading;
  return ranges ? ranges->told(reading, sensor) : reading;
}

MAAS_INLINE double ForecastFrame::last_of(MatrixArg readings, Index origin, Index column, Index sensor) const {
  const Index first = options.windows.fill_missing ? std::max(Index{0}, origin - options.windows.lags + 1) : origin;
  for (Index row = origin; row >= first; --row)
    if (!std::isnan(readings(row, column))) return filled(static_cast<double>(readings(row, column)), sensor);
  return filled(std::numeric_limits<double>::quiet_NaN(), sensor);
}

MAAS_INLINE double ForecastFrame::scaled(double reading, Index sensor) const {
  const auto place = static_cast<std::size_t>(sensor);
  return (reading - center[place]) / scale[place];
}

MAAS_INLINE Matrix ForecastFrame::known(std::vector<double> times) const {
  const Index day = options.time_of_day ? 2 * options.harmonics : 0, week = options.day_of_week ? 2 : 0;
  Matrix result(static_cast<Index>(times.size()), day + week);
  if (result.cols() == 0) return result;
  const double ahead = static_cast<double>(options.windows.horizons.front()) * options.windows.seconds_a_reading;
  for (double& time : times) time += ahead;
  const Matrix features = time_features(times);
  if (day > 0) result.leftCols(2) = features.leftCols(2);
  for (Index i = 2; i < day; i += 2)
    for (Index row = 0; row < result.rows(); ++row) {
      const double days = seconds_of_day(times[static_cast<std::size_t>(row)]) / seconds_a_day;
      const double multiple = static_cast<double>(i / 2 + 1) * 2 * std::numbers::pi * days;
      result(row, i) = static_cast<Scalar>(std::sin(multiple));
      result(row, i + 1) = static_cast<Scalar>(std::cos(multiple));
    }
  if (week > 0) result.rightCols(2) = features.rightCols(2);
  return result;
}

MAAS_INLINE std::vector<Index> ForecastFrame::known_columns(const Readings& readings) const {
  std::vector<Index> columns;
  for (const std::string& name : options.known) {
    const auto found = std::ranges::find(readings.known_names, name);
    require<DataError>(found != readings.known_names.end(),
                       "forecaster: expected readings with the known input \"{}\", got {} others", name,
                       readings.known_names.size());
    columns.push_back(found - readings.known_names.begin());
  }
  return columns;
}

MAAS_INLINE Matrix ForecastFrame::known_inputs(const Readings& readings, const std::vector<Index>& origins) const {
  Matrix result(static_cast<Index>(origins.size()), options.known_numbers());
  const std::vector<Index> columns = known_columns(readings);
  for (std::size_t window = 0; window < origins.size() && !columns.empty(); ++window) {
    Scalar* to = result.data() + static_cast<Index>(window) * result.cols();
    for (Index horizon : options.windows.horizons)
      for (std::size_t i = 0; i < columns.size(); ++i) {
        const Index row = origins[window] + horizon;
        require<DataError>(row < readings.rows(),
                           "forecaster: expected the known input \"{}\" up to row {}, got {} rows", options.known[i],
                           row, readings.rows());
        const auto given = static_cast<double>(readings.known(row, columns[i]));
        const double value = ranges ? ranges->told_known(given, i) : given;
        const bool is_there = !std::isnan(value);
        require<DataError>(
            is_there || options.known_masks,
            "forecaster: expected the known input \"{}\" at each moment that is forecast, got none in row "
            "{}; known_masks tells the network of it instead",
            options.known[i], row);
        *to++ = is_there ? static_cast<Scalar>((value - known_center[i]) / known_scale[i]) : Scalar(0);
        if (options.known_masks) *to++ = is_there ? Scalar(1) : Scalar(0);
      }
  }
  return result;
}

MAAS_INLINE std::vector<Matrix> ForecastFrame::inputs(MatrixArg window, Index sensor, double time) const {
  const Index count = static_cast<Index>(sensors.size()), width = is_joint() ? count : 1, lags = options.windows.lags;
  require<ShapeError>(window.rows() == lags && window.cols() == width,
                      "forecaster: expected a window of {} x {}, got {} x {}", lags, width, window.rows(),
                      window.cols());
  require<ShapeError>(is_joint() || (sensor >= 0 && sensor < count),
                      "forecaster: expected a sensor from 0 to {}, got {}", count - 1, sensor);
  require<DataError>(
      options.known.empty(),
      "forecaster: expected a model that forecasts from readings alone, got one that takes known inputs, "
      "such as \"{}\"",
      options.known.empty() ? "" : options.known.front());
  std::vector<Matrix> result{Matrix(1, shape(count).features)};
  const Index numbers = options.numbers_a_reading() * width;
  for (Index row = 0; row < lags; ++row)
    for (Index each = 0; each < width; ++each) {
      const auto reading = static_cast<double>(window(row, each));
      const Index of = is_joint() ? each : sensor;
      result[0](0, row * numbers + each) = static_cast<Scalar>(scaled(filled(reading, of), of));
      if (options.masks) result[0](0, row * numbers + width + each) = std::isnan(reading) ? Scalar(0) : Scalar(1);
    }
  if (const Index begin = lags * numbers; begin < result[0].cols()) {
    const Matrix ahead = known({time});
    for (Index i = 0; i < ahead.cols(); ++i) result[0](0, begin + i) = ahead(0, i);
  }
  if (shape(count).ids > 0) result.push_back(Matrix::Constant(1, 1, static_cast<Scalar>(sensor)));
  return result;
}

MAAS_INLINE Matrix ForecastFrame::forecasts(MatrixArg outputs, MatrixArg window, Index sensor) const {
  const Index width = is_joint() ? static_cast<Index>(sensors.size()) : 1;
  const Index steps = static_cast<Index>(options.windows.horizons.size());
  require<ShapeError>(
      outputs.rows() == 1 && outputs.cols() == steps * width && window.rows() >= 1 && window.cols() == width,
      "forecaster: expected 1 x {} outputs beside a window of {} columns, got {} x {} and {}", steps * width, width,
      outputs.rows(), outputs.cols(), window.cols());
  Matrix result(steps, width);
  for (Index step = 0; step < steps; ++step)
    for (Index each = 0; each < width; ++each) {
      const Index of = is_joint() ? each : sensor;
      const auto place = static_cast<std::size_t>(of);
      const double base = options.changes ? last_of(window, window.rows() - 1, each, of) : center[place];
      result(step, each) =
          static_cast<Scalar>(base + scale[place] * static_cast<double>(outputs(0, step * width + each)));
    }
  return result;
}

MAAS_INLINE std::vector<Index> ForecastFrame::columns(Index sensor) const {
  const auto count = static_cast<Index>(sensors.size());
  const auto steps = static_cast<Index>(options.windows.horizons.size());
  std::vector<Index> result;
  for (Index step = 0; step < steps; ++step)
    for (Index each = 0; each < (is_joint() ? count : 1); ++each)
      result.push_back(step * count + (is_joint() ? each : sensor));
  return result;
}

MAAS_INLINE std::vector<double> ForecastFrame::alarm_values(Index sensor) const {
  if (!alarm) return {};
  return is_joint() ? alarm->values_of(sensors)
                    : std::vector<double>{alarm->value_of(sensors[static_cast<std::size_t>(sensor)])};
}

// ---- Files ----

MAAS_INLINE Config ForecastFrame::config() const {
  Config result = Config{}
                      .set("options", to_config(options))
                      .set("label", label)
                      .set("sensors", to_config(sensors))
                      .set("center", to_config(center))
                      .set("scale", to_config(scale));
  if (options.windows.fill_missing) result.set("means", to_config(means));
  if (!options.known.empty()) {
    result.set("known_center", to_config(known_center));
    result.set("known_scale", to_config(known_scale));
  }
  if (networks > 1) result.set("networks", static_cast<std::int64_t>(networks));
  if (intervals) result.set("intervals", intervals->config());
  if (alarm) result.set("alarm", to_config(*alarm));
  if (table) result.set("table", table->config());
  if (ranges) result.set("ranges", ranges->config());
  if (scores != ScoreOptions()) result.set("scores", to_config(scores));
  return result;
}

MAAS_INLINE ForecastFrame ForecastFrame::from(const ModelInfo& info, std::span<const CatalogEntry<Step>> more) {
  require<ConfigError>(info.forecast.has_value(), "expected a model that a Forecaster saved");
  const Config& config = *info.forecast;
  ForecastFrame frame;
  from_config(config.at("options"), "options", frame.options);
  frame.options.check();
  from_config(config.at("label"), "label", frame.label);
  from_config(config.at("sensors"), "sensors", frame.sensors);
  from_config(config.at("center"), "center", frame.center);
  from_config(config.at("scale"), "scale", frame.scale);
  require<ConfigError>(!frame.sensors.empty() && frame.center.size() == frame.sensors.size() &&
                           frame.scale.size() == frame.sensors.size(),
                       "expected a center and a scale for each of {} sensors, got {} and {}", frame.sensors.size(),
                       frame.center.size(), frame.scale.size());
  for (std::size_t i = 0; i < frame.sensors.size(); ++i)
    require<ConfigError>(std::isfinite(frame.center[i]) && std::isfinite(frame.scale[i]) && frame.scale[i] > 0,
                         "expected a finite center and a scale above 0 for sensor \"{}\", got {} and {}",
                         frame.sensors[i], frame.center[i], frame.scale[i]);
  if (frame.options.windows.fill_missing) {
    from_config(config.at("means"), "means", frame.means);
    require<ConfigError>(frame.means.size() == frame.sensors.size(),
                         "means: expected one for each of {} sensors, got {}", frame.sensors.size(),
                         frame.means.size());
    for (double mean : frame.means)
      require<ConfigError>(std::isfinite(mean), "means: expected finite numbers, got {}", mean);
  }
  if (!frame.options.known.empty()) {
    from_config(config.at("known_center"), "known_center", frame.known_center);
    from_config(config.at("known_scale"), "known_scale", frame.known_scale);
    const std::size_t count = frame.options.known.size();
    require<ConfigError>(frame.known_center.size() == count && frame.known_scale.size() == count,
                         "expected a center and a scale for each of {} known inputs, got {} and {}", count,
                         frame.known_center.size(), frame.known_scale.size());
    for (std::size_t i = 0; i < count; ++i)
      require<ConfigError>(
          std::isfinite(frame.known_center[i]) && std::isfinite(frame.known_scale[i]) && frame.known_scale[i] > 0,
          "expected a finite center and a scale above 0 for the known input \"{}\", got {} and {}",
          frame.options.known[i], frame.known_center[i], frame.known_scale[i]);
  }
  if (const Config* kept = config.find("networks")) {
    from_config(*kept, "networks", frame.networks);
    require<ConfigError>(frame.networks >= 1 && frame.networks <= 1000, "networks: expected from 1 to 1000, got {}",
                         frame.networks);
  }
  if (const Config* kept = config.find("intervals"))
    frame.intervals = ConformalIntervals::from(*kept, detail::kept_errors(info, false));
  if (const Config* kept = config.find("alarm")) from_config(*kept, "alarm", frame.alarm.emplace());
  if (const Config* kept = config.find("table")) {
    frame.table = ReadingsPipeline::from(*kept, more);
    require<ConfigError>(frame.table->sensors() == frame.sensors,
                         "table: expected a pipeline that gives the {} sensors, got one that gives {} others",
                         frame.sensors.size(), frame.table->sensors().size());
    require<ConfigError>(frame.table->known() == frame.options.known,
                         "table: expected a pipeline that gives the {} known inputs, got one that gives {} others",
                         frame.options.known.size(), frame.table->known().size());
  }
  if (const Config* kept = config.find("ranges")) {
    require<ConfigError>(!frame.table, "ranges: expected none beside a table, which has them, got some");
    frame.ranges =
        ReadingRanges::from(*kept, frame.sensors.size(), frame.options.known.size(), !frame.options.scale_each);
  }
  if (const Config* kept = config.find("scores")) from_config(*kept, "scores", frame.scores);
  frame.check_warning();
  return frame;
}

}  // namespace maas::inline MAAS_ABI
