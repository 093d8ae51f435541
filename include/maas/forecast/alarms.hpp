// Early warning: alarms when readings are likely to fall below a value, and how good they were.
#pragma once

#include "maas/forecast/readings.hpp"

namespace maas::inline MAAS_ABI {

/// When an alarm is raised.
struct AlarmOptions {
  double value = 0;          ///< what readings must not fall below, in their unit
  double probability = 0.5;  ///< raised where the chance of that is above, at one of the horizons; from 0 to 1
  Index horizon = 0;         ///< the furthest horizon that is looked at, in readings; 0: the last one there is
};

/// What alarms were worth. An event is a reading below the value that follows, at the next window, on one that is not.
/// An alarm is a run of successive windows, none of them itself below the value, at which one was raised; it was right
/// if within the horizon of one of these windows a reading fell below the value.
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
/// below options.value, as ConformalIntervals gives them for these forecasts. Where the last reading is below the value
/// already, or missing, there is no alarm. Throws ShapeError for chances of another size, ConfigError for options out
/// of range.
Matrix raise_alarms(const Forecasts& forecasts, MatrixArg chances, const AlarmOptions& options);

/// How good alarms were. Throws ShapeError for alarms of another size than raise_alarms gives, ConfigError as it does.
AlarmReport judge_alarms(const Forecasts& forecasts, MatrixArg alarms, const AlarmOptions& options);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/alarms-inl.hpp"
#endif
