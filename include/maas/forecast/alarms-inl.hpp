// Bodies of alarms.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "maas/data/times.hpp"
#include "maas/forecast/alarm_figures-inl.hpp"
#include "maas/forecast/alarms.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// How many of the horizons are looked at.
inline Index watched_steps(const std::vector<Index>& horizons, const AlarmOptions& options) {
  require<ConfigError>(options.probability >= 0 && options.probability <= 1,
                       "alarms: expected a probability from 0 to 1, got {}", options.probability);
  require<ConfigError>(std::isfinite(options.value), "alarms: expected a finite value, got {}", options.value);
  for (const auto& [name, value] : options.values)
    require<ConfigError>(std::isfinite(value), "alarms: expected a finite value of \"{}\", got {}", name, value);
  const auto steps = static_cast<Index>(horizons.size());
  return options.horizon == 0 ? steps : Forecasts{.horizons = horizons}.step_of(options.horizon) + 1;
}

/// One sensor's windows seen as a judge of alarms needs them.
class AlarmJudge {
 public:
  AlarmJudge(const Forecasts& forecasts, MatrixArg alarms, const AlarmOptions& options, Index sensor)
      : forecasts_(forecasts),
        alarms_(alarms),
        value_(options.value_of(forecasts.sensors[static_cast<std::size_t>(sensor)])),
        sensor_(sensor) {
    steps_ = watched_steps(forecasts.horizons, options);
    reach_ = forecasts.horizons[static_cast<std::size_t>(steps_ - 1)];
  }

  void count(AlarmReport& report, double& lead_readings) const {
    bool in_alarm = false, right = false;
    for (Index window = 0; window < forecasts_.windows(); ++window) {
      if (is_event(window)) {
        ++report.events;
        if (const Index lead = lead_of(window); lead > 0) {
          ++report.warned;
          lead_readings += static_cast<double>(lead);
        }
      }
      const bool goes_on = in_alarm && follows(window) && is_raised(window);
      if (in_alarm && !goes_on) finish(report, right);
      if (!is_raised(window)) {
        in_alarm = false;
        continue;
      }
      right = (goes_on && right) || falls_within_reach(window);
      in_alarm = true;
    }
    if (in_alarm) finish(report, right);
  }

 private:
  static void finish(AlarmReport& report, bool right) {
    ++report.alarms;
    report.right += right ? 1 : 0;
  }
  Index origin(Index window) const { return forecasts_.origins[static_cast<std::size_t>(window)]; }
  bool follows(Index window) const { return window > 0 && origin(window) == origin(window - 1) + 1; }
  double last(Index window) const { return static_cast<double>(forecasts_.last(window, sensor_)); }
  bool is_raised(Index window) const { return alarms_(window, sensor_) > 0; }
  bool is_event(Index window) const { return follows(window) && last(window) < value_ && last(window - 1) >= value_; }
  bool falls_within_reach(Index window) const {
    for (Index step = 0; step < steps_; ++step)
      if (static_cast<double>(forecasts_.truth(window, forecasts_.column(step, sensor_))) < value_) return true;
    return false;
  }
  /// Readings from the first window that warned of an event to it; 0 where none did.
  Index lead_of(Index event) const {
    Index lead = 0;
    for (Index window = event - 1; window >= 0 && origin(event) - origin(window) <= reach_; --window) {
      if (!(last(window) >= value_)) break;  // the event before
      if (is_raised(window)) lead = origin(event) - origin(window);
    }
    return lead;
  }

  const Forecasts& forecasts_;
  MatrixArg alarms_;
  double value_;
  Index sensor_, steps_ = 0, reach_ = 0;
};

inline void check_alarm_shapes(const Forecasts& forecasts, MatrixArg given, Index columns, std::string_view what) {
  const auto sensors = static_cast<Index>(forecasts.sensors.size()), windows = forecasts.windows();
  require<ShapeError>(given.rows() == windows && given.cols() == columns, "alarms: expected {} of {} x {}, got {} x {}",
                      what, windows, columns, given.rows(), given.cols());
  require<ShapeError>(forecasts.last.rows() == windows && forecasts.last.cols() == sensors &&
                          forecasts.truth.rows() == windows &&
                          forecasts.truth.cols() == static_cast<Index>(forecasts.horizons.size()) * sensors &&
                          static_cast<Index>(forecasts.origins.size()) == windows,
                      "alarms: expected forecasts with last readings, truth and origins for each of {} windows, got "
                      "others",
                      windows);
}

}  // namespace detail

MAAS_INLINE void AlarmOptions::check(const std::vector<Index>& horizons) const {
  detail::watched_steps(horizons, *this);
}
MAAS_INLINE void AlarmOptions::check(const std::vector<Index>& horizons,
                                     const std::vector<std::string>& sensors) const {
  check(horizons);
  for (const auto& [name, own] : values) {
    if (std::ranges::find(sensors, name) != sensors.end()) continue;
    constexpr std::size_t most = 20;
    std::string known;
    for (std::size_t i = 0; i < std::min(most, sensors.size()); ++i) known += (i == 0 ? "" : ", ") + sensors[i];
    fail<ConfigError>("alarms: unknown sensor \"{}\" in values: expected one of {}{}", name, known,
                      sensors.size() > most ? ", ..." : "");
  }
}

MAAS_INLINE double AlarmOptions::value_of(const std::string& sensor) const {
  const auto own = values.find(sensor);
  return own == values.end() ? value : own->second;
}

MAAS_INLINE std::vector<double> AlarmOptions::values_of(const std::vector<std::string>& sensors) const {
  std::vector<double> result;
  for (const std::string& sensor : sensors) result.push_back(value_of(sensor));
  return result;
}

MAAS_INLINE AlarmOptions AlarmOptions::of(const std::string& sensor) const {
  AlarmOptions result = *this;
  result.value = value_of(sensor);
  result.values.clear();
  return result;
}

MAAS_INLINE Config to_config(const AlarmOptions& options) {
  Config result = write_config(options);
  if (options.values.empty()) return result;  // as in files from before there was such a thing
  Config values{Config::Object{}};
  for (const auto& [name, value] : options.values) values.set(name, value);
  return result.set("values", std::move(values));
}
MAAS_INLINE void from_config(const Config& config, std::string_view where, AlarmOptions& options) {
  Config plain = config;
  plain.erase("values");
  options = read_config<AlarmOptions>(plain, where);
  const Config* values = config.find("values");
  if (values == nullptr) return;
  for (const auto& [name, value] : values->as_object(fmt::format("{} values", where)))
    options.values[name] = value.as_real(fmt::format("{} values {}", where, name));
}

MAAS_INLINE std::string_view name_of(Warning::State state) {
  constexpr std::string_view names[] = {"clear", "raised", "reached", "unknown"};
  return names[static_cast<std::size_t>(state)];
}

MAAS_INLINE Warning warning_of(std::span<const Scalar> chances, double last, const AlarmOptions& options,
                               const std::vector<Index>& horizons) {
  const Index steps = detail::watched_steps(horizons, options);
  require<ConfigError>(options.values.empty(),
                       "alarms: expected the options of one sensor, as AlarmOptions::of gives them, got values of {}",
                       options.values.size());
  require<ShapeError>(chances.size() == horizons.size(), "alarms: expected {} chances, one a horizon, got {}",
                      horizons.size(), chances.size());
  Warning warning{.probability = std::numeric_limits<double>::quiet_NaN()};
  for (Scalar each : chances.first(static_cast<std::size_t>(steps)))
    if (const auto chance = static_cast<double>(each); !(chance <= warning.probability) && !std::isnan(chance))
      warning.probability = chance;
  if (std::isnan(last) || std::isnan(warning.probability)) return warning;
  if (last < options.value)
    warning.state = Warning::State::reached;
  else
    warning.state = warning.probability > options.probability ? Warning::State::raised : Warning::State::clear;
  return warning;
}

MAAS_INLINE Matrix raise_alarms(const Forecasts& forecasts, MatrixArg chances, const AlarmOptions& options) {
  options.check(forecasts.horizons, forecasts.sensors);
  const Index steps = detail::watched_steps(forecasts.horizons, options);
  const auto sensors = static_cast<Index>(forecasts.sensors.size());
  const std::vector<double> values = options.values_of(forecasts.sensors);
  detail::check_alarm_shapes(forecasts, chances, forecasts.truth.cols(), "chances");
  Matrix alarms = Matrix::Zero(forecasts.windows(), sensors);
  for (Index window = 0; window < alarms.rows(); ++window)
    for (Index sensor = 0; sensor < sensors; ++sensor) {
      if (!(static_cast<double>(forecasts.last(window, sensor)) >= values[static_cast<std::size_t>(sensor)])) continue;
      for (Index step = 0; step < steps; ++step)
        if (static_cast<double>(chances(window, forecasts.column(step, sensor))) > options.probability)
          alarms(window, sensor) = 1;
    }
  return alarms;
}

MAAS_INLINE AlarmReport judge_alarms(const Forecasts& forecasts, MatrixArg alarms, const AlarmOptions& options) {
  options.check(forecasts.horizons, forecasts.sensors);
  const auto sensors = static_cast<Index>(forecasts.sensors.size());
  detail::check_alarm_shapes(forecasts, alarms, sensors, "alarms");
  AlarmReport report;
  double lead_readings = 0;
  for (Index sensor = 0; sensor < sensors; ++sensor)
    detail::AlarmJudge(forecasts, alarms, options, sensor).count(report, lead_readings);
  detail::set_figures(report, forecasts.windows(), forecasts.seconds_a_reading, lead_readings);
  return report;
}

}  // namespace maas::inline MAAS_ABI
