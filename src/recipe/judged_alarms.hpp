// What the alarm of a forecaster is worth, on windows at each reading: whoever waits for it is not served in strides.
#pragma once

#include <optional>

#include "maas/forecast/forecaster.hpp"
#include "maas/recipe/evaluation.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// Every origin counts, whatever the stride that is learned by.
inline ForecastWindowOptions at_each_origin(ForecastWindowOptions options) {
  options.stride = 1;
  return options;
}

/// What the forecaster's alarm is worth, and that of persistence beside it; nothing without an alarm, or without naive
/// intervals.
struct JudgedAlarms {
  std::optional<AlarmReport> alarms = std::nullopt, naive = std::nullopt;
};
/// On these readings. `forecasts` are the forecaster's for them, by its own stride. Throws as judge_alarms, and what
/// forecasting throws.
JudgedAlarms judge_alarms_of(const Forecaster& forecaster, const Readings& readings, const Forecasts& forecasts);

}  // namespace maas::inline MAAS_ABI::recipe
