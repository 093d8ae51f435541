// Early warning: alarms when readings are likely to fall below a value, and how good they were.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/fields.hpp"
#include "maas/forecast/readings.hpp"

namespace maas::inline MAAS_ABI {

/// When an alarm is raised.
struct AlarmOptions {
  double value = 0;          ///< what readings must not fall below, in their unit: of all sensors but those in `values`
  double probability = 0.5;  ///< raised where the chance of that is above, at one of the horizons; from 0 to 1
  Index horizon = 0;         ///< the furthest horizon that is looked at, in readings; 0: the last one there is
  std::map<std::string, double> values = {};  ///< of sensors that have a value of their own, by name

  static void fields(auto& self, auto&& field) {
    field("value", self.value);
    field("probability", self.probability);
    field("horizon", self.horizon);  // values are read and written by to_config and from_config
  }
  /// Throws ConfigError for numbers out of range, and a horizon that is none of these.
  void check(const std::vector<Index>& horizons) const;
  /// Throws ConfigError for a name in `values` that is none of these sensors, too.
  void check(const std::vector<Index>& horizons, const std::vector<std::string>& sensors) const;
  /// The value that counts for a sensor.
  double value_of(const std::string& sensor) const;
  /// Those of several, in order: for ConformalIntervals::chance_below and follow.
  std::vector<double> values_of(const std::vector<std::string>& sensors) const;
  /// The same alarm for one sensor alone: its value, and no others.
  AlarmOptions of(const std::string& sensor) const;
};

/// The options by name (`values` only where there are some), and from that.
Config to_config(const AlarmOptions& options);
void from_config(const Config& config, std::string_view where, AlarmOptions& options);

/// Where a sensor stands now.
struct Warning {
  /// `clear`: no alarm; `raised`: one is; `reached`: the last reading is below the value already; `unknown`: there is
  /// no forecast, or no last reading.
  enum class State { clear, raised, reached, unknown };
  State state = State::unknown;  ///< by the last reading and the chances
  double probability = 0;  ///< the largest chance of a reading below the value at the horizons looked at; NaN: unknown
};
/// "clear", "raised", "reached", "unknown".
std::string_view name_of(Warning::State state);

/// The warning for one window of one sensor: `chances` are those at each horizon of a reading below options.value, as
/// ConformalIntervals gives them, `last` is the last reading. It is raised where raise_alarms raises one. Throws
/// ShapeError for another number of chances than of horizons, ConfigError for options out of range, and for such with
/// `values`: options.of(sensor) are those of one.
Warning warning_of(std::span<const Scalar> chances, double last, const AlarmOptions& options,
                   const std::vector<Index>& horizons);

/// What alarms were worth. An event is a reading below the sensor's value that follows, at the next window, on one that
/// is not. An alarm is a run of successive windows, none of them itself below the value, at which one was raised; it
/// was right if within the horizon of one of these windows a reading fell below the value, also between the horizons
/// of forecasts: other windows tell what came there.
struct AlarmReport {
  Index events = 0;               ///< of all sensors
  Index warned = 0;               ///< events before which one was raised, at most a horizon before
  Index alarms = 0;               ///< of all sensors
  Index right = 0;                ///< alarms that were right
  double days = 0;                ///< how long the windows watched; NaN where the time between readings is not known
  double precision = 0;           ///< right / alarms; NaN without alarms
  double recall = 0;              ///< warned / events; NaN without events
  double false_alarms_a_day = 0;  ///< (alarms - right) / days, of all sensors together; NaN where days is NaN or 0
  /// From the first window that warned to the event, over events that were warned of; NaN where there was none, or the
  /// time between readings is not known.
  double mean_lead_minutes = 0;
};

/// For each window and sensor whether an alarm is raised (1 or 0), windows x sensors. `chances` are those of a reading
/// below the sensor's value, options.values_of(forecasts.sensors), as ConformalIntervals gives them for these
/// forecasts. Where the last reading is below the value already, or missing, there is no alarm. Throws ShapeError for
/// chances of another size, ConfigError for options out of range and for values of a sensor that is not there.
Matrix raise_alarms(const Forecasts& forecasts, MatrixArg chances, const AlarmOptions& options);

/// How good alarms were. Throws ShapeError for alarms of another size than raise_alarms gives, ConfigError as it does,
/// and for forecasts that are not of windows at each reading but some readings apart (ForecastWindowOptions::stride):
/// events between them would not be seen.
AlarmReport judge_alarms(const Forecasts& forecasts, MatrixArg alarms, const AlarmOptions& options);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/alarms-inl.hpp"
#endif
