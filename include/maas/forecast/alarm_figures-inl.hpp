// What follows from the counts of alarms and events, whether these come all at once or block by block.
#pragma once

#include <limits>

#include "maas/data/times.hpp"
#include "maas/forecast/alarms.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Sets the figures of a report that has its counts, of so many windows in which readings are so many seconds apart (0:
/// not known); alarms that were right came `lead_readings` before their events, all together. NaN where there is
/// nothing to tell.
inline void set_figures(AlarmReport& report, Index windows, double seconds_a_reading, double lead_readings) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const auto share = [&](Index part, Index all) {
    return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : none;
  };
  const double seconds = seconds_a_reading > 0 ? seconds_a_reading : none;
  report.days = static_cast<double>(windows) * seconds / seconds_a_day;
  report.precision = share(report.right, report.alarms);
  report.recall = share(report.warned, report.events);
  report.false_alarms_a_day = static_cast<double>(report.alarms - report.right) / report.days;
  report.mean_lead_minutes =
      report.warned > 0 ? lead_readings / static_cast<double>(report.warned) * seconds / seconds_a_minute : none;
}

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
