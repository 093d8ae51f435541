// Bodies of alarms.
#pragma once

#include <cmath>
#include <limits>

#include "maas/data/times.hpp"
#include "maas/forecast/alarms.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// How many of the horizons are looked at.
inline Index watched_steps(const std::vector<Index>& horizons, const AlarmOptions& options) {
  require<ConfigError>(options.probability >= 0 && options.probability <= 1,
                       "alarms: expected a probability from 0 to 1, got {}", options.probability);
  require<ConfigError>(std::isfinite(options.value), "alarms: expected a finite value, got {}", options.value);
  const auto steps = static_cast<Index>(horizons.size());
  return options.horizon == 0 ? steps : Forecasts{.horizons = horizons}.step_of(options.horizon) + 1;
}

/// One sensor's windows seen as a judge of alarms needs them.
class AlarmJudge {
 public:
  AlarmJudge(const Forecasts& forecasts, MatrixArg alarms, const AlarmOptions& options, Index sensor)
      : forecasts_(forecasts), alarms_(alarms), value_(options.value), sensor_(sensor) {
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
MAAS_INLINE Config to_config(const AlarmOptions& options) { return write_config(options); }
MAAS_INLINE void from_config(const Config& config, std::string_view where, AlarmOptions& options) {
  options = read_config<AlarmOptions>(config, where);
}

MAAS_INLINE std::string_view name_of(Warning::State state) {
  constexpr std::string_view names[] = {"clear", "raised", "reached", "unknown"};
  return names[static_cast<std::size_t>(state)];
}

MAAS_INLINE Warning warning_of(std::span<const Scalar> chances, double last, const AlarmOptions& options,
                               const std::vector<Index>& horizons) {
  const Index steps = detail::watched_steps(horizons, options);
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
  const Index steps = detail::watched_steps(forecasts.horizons, options);
  const auto sensors = static_cast<Index>(forecasts.sensors.size());
  detail::check_alarm_shapes(forecasts, chances, forecasts.truth.cols(), "chances");
  Matrix alarms = Matrix::Zero(forecasts.windows(), sensors);
  for (Index window = 0; window < alarms.rows(); ++window)
    for (Index sensor = 0; sensor < sensors; ++sensor) {
      if (!(static_cast<double>(forecasts.last(window, sensor)) >= options.value)) continue;
      for (Index step = 0; step < steps; ++step)
        if (static_cast<double>(chances(window, forecasts.column(step, sensor))) > options.probability)
          alarms(window, sensor) = 1;
    }
  return alarms;
}

MAAS_INLINE AlarmReport judge_alarms(const Forecasts& forecasts, MatrixArg alarms, const AlarmOptions& options) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  detail::watched_steps(forecasts.horizons, options);
  const auto sensors = static_cast<Index>(forecasts.sensors.size());
  detail::check_alarm_shapes(forecasts, alarms, sensors, "alarms");
  AlarmReport report;
  double lead_readings = 0;
  for (Index sensor = 0; sensor < sensors; ++sensor)
    detail::AlarmJudge(forecasts, alarms, options, sensor).count(report, lead_readings);
  const auto share = [&](Index part, Index all) {
    return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : none;
  };
  const double seconds = forecasts.seconds_a_reading > 0 ? forecasts.seconds_a_reading : none;
  report.days = static_cast<double>(forecasts.windows()) * seconds / seconds_a_day;
  report.precision = share(report.right, report.alarms);
  report.recall = share(report.warned, report.events);
  report.false_alarms_a_day = static_cast<double>(report.alarms - report.right) / report.days;
  report.mean_lead_minutes =
      report.warned > 0 ? lead_readings / static_cast<double>(report.warned) * seconds / seconds_a_minute : none;
  return report;
}

}  // namespace maas::inline MAAS_ABI
