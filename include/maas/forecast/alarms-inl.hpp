// Bodies of alarms.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "maas/forecast/alarm_judge-inl.hpp"
#include "maas/forecast/alarms.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

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

/// Throws where windows do not stand at each reading: which of them follow on each other, and what came between them,
/// is not known then. Those of readings that are apart by a gap or by series need not.
inline void check_each_reading(const Forecasts& forecasts) {
  Index closest = 0;
  for (std::size_t next = 1; next < forecasts.origins.size(); ++next) {
    const Index apart = forecasts.origins[next] - forecasts.origins[next - 1];
    if (apart == 1) return;
    const bool in_series = forecasts.series.empty() || forecasts.series[next] == forecasts.series[next - 1];
    const bool has_times = !forecasts.times.empty() && forecasts.seconds_a_reading > 0;
    const double regular = (static_cast<double>(apart) + 0.5) * forecasts.seconds_a_reading;
    const bool jumps = has_times && forecasts.times[next] - forecasts.times[next - 1] > regular;
    if (in_series && !jumps) closest = closest == 0 ? apart : std::min(closest, apart);
  }
  require<ConfigError>(closest == 0,
                       "alarms: expected windows at each reading, as a stride of 1 gives them, got none that are less "
                       "than {} readings apart",
                       closest);
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
  detail::check_each_reading(forecasts);
  detail::AlarmJudge judge(options);
  judge.add(forecasts, alarms);
  return judge.report();
}

}  // namespace maas::inline MAAS_ABI
