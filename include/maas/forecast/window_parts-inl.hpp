// Bodies of what stands beside WindowParts.
#pragma once

#include "maas/forecast/window_parts.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

MAAS_INLINE std::vector<bool> rows_of_windows(const ForecastWindows& windows) {
  std::vector<bool> used(static_cast<std::size_t>(windows.readings().rows()), false);
  for (Index window = 0; window < windows.size(); ++window) {
    const Index origin = windows.origin(window);
    for (Index row = origin - windows.options().lags + 1; row <= origin; ++row)
      used[static_cast<std::size_t>(row)] = true;
    for (Index step = 0; step < windows.steps(); ++step)
      used[static_cast<std::size_t>(windows.target_row(window, step))] = true;
  }
  return used;
}

/// Windows of later parts have later origins: no reading before their lags can still come.
MAAS_INLINE void UsedReadings::add(const ForecastWindows& part, Index first) {
  const Readings& readings = part.readings();
  const std::vector<bool> used = rows_of_windows(part);
  const Index over = first + part.origins().back() + 2 - part.options().lags;
  for (Index row = 0; row < readings.rows(); ++row) {
    if (!used[static_cast<std::size_t>(row)] || first + row < done_) continue;
    const Scalar* values = readings.values.data() + row * readings.values.cols();
    const double time = readings.times.empty() ? 0 : readings.times[static_cast<std::size_t>(row)];
    if (first + row >= over) {
      kept_.try_emplace(first + row, Kept{time, {values, values + readings.values.cols()}});
      continue;
    }
    report_before(first + row);
    kept_.erase(first + row);
    visit_(time, values);
    done_ = first + row + 1;
  }
  report_before(over);
}

MAAS_INLINE void UsedReadings::report_before(Index row) {
  for (auto next = kept_.begin(); next != kept_.end() && next->first < row; next = kept_.erase(next)) {
    visit_(next->second.time, next->second.values.data());
    done_ = next->first + 1;
  }
}

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
