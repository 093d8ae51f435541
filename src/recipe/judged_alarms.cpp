#include "recipe/judged_alarms.hpp"

namespace maas::inline MAAS_ABI::recipe {

JudgedAlarms judge_alarms_of(const Forecaster& forecaster, const Readings& readings, const Forecasts& forecasts) {
  JudgedAlarms found;
  if (!forecaster.alarm()) return found;
  ForecastWindows windows = forecaster.windows(readings);
  const bool is_each = windows.options().stride == 1;
  if (!is_each) windows = ForecastWindows(readings, at_each_origin(windows.options()));
  found.alarms =
      judge_alarms(*forecaster.intervals(), is_each ? forecasts : forecaster.forecast(windows), *forecaster.alarm());
  if (const auto& naive = forecaster.naive_intervals())
    found.naive = judge_naive_alarms(*naive, windows, *forecaster.alarm());
  return found;
}

}  // namespace maas::inline MAAS_ABI::recipe
