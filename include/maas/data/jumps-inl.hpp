// Where times of readings jump, and how far windows reach: what windows of a series and windows of forecasts share.
#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/core/scalar.hpp"
#include "maas/data/times.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline constexpr Index most_readings_ahead = 1000000;

/// For each row, how many of the rows before it and itself are marked: sums over ranges are then differences.
inline std::vector<Index> counts_of(const std::vector<bool>& marked) {
  std::vector<Index> counts{0};
  for (bool mark : marked) counts.push_back(counts.back() + (mark ? 1 : 0));
  return counts;
}

inline bool any_in(const std::vector<Index>& counts, Index begin, Index end) {
  return counts[static_cast<std::size_t>(end)] > counts[static_cast<std::size_t>(begin)];
}

/// The lower one of an even number: of as many gaps as regular steps a gap is not what is regular. 0 of none.
inline double middle_step(std::vector<double> steps) {
  if (steps.empty()) return 0;
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>((steps.size() - 1) / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

inline double median_step(const std::vector<double>& times) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < times.size(); ++i)
    if (!std::isnan(times[i] - times[i - 1])) steps.push_back(times[i] - times[i - 1]);
  return middle_step(std::move(steps));
}

/// Throws DataError for a time of a reading that is not behind the one before it: the one in `row`.
inline void require_later(std::string_view who, double time, double before, Index row) {
  require<DataError>(time > before,
                     "{}: expected times that grow, got {} after {} in row {}; where clocks are put back, times in UTC "
                     "go on",
                     who, format_time(time), format_time(before), row);
}

/// Marks the rows before which the time jumps. Clocks of detectors are a little off: a hundredth of a step does not
/// count.
inline std::vector<Index> jumps_before(const std::vector<double>& times, double step, Index count) {
  std::vector<bool> marked(static_cast<std::size_t>(count), false);
  if (step <= 0) step = median_step(times);
  for (std::size_t i = 1; i < times.size(); ++i) marked[i] = !(std::abs(times[i] - times[i - 1] - step) <= step / 100);
  return counts_of(marked);
}

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
