#include "recipe/weekly_means.hpp"

#include <cmath>

#include "maas/data/times.hpp"

namespace maas::inline MAAS_ABI::recipe {

std::optional<std::size_t> hour_of_week(double time) {
  if (!std::isfinite(time)) return std::nullopt;
  return static_cast<std::size_t>(seconds_of_week(time) / seconds_an_hour);
}

void WeeklySums::add(double time, double number) {
  if (const auto hour = hour_of_week(time); hour && std::isfinite(number)) sums_[*hour] += number, ++counts_[*hour];
}

std::vector<double> WeeklySums::means(double other) const {
  std::vector<double> found(hours_a_week, other);
  for (std::size_t hour = 0; hour < hours_a_week; ++hour)
    if (counts_[hour] > 0) found[hour] = sums_[hour] / counts_[hour];
  return found;
}

}  // namespace maas::inline MAAS_ABI::recipe
