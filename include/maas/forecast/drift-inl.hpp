// Bodies of the watch for drift.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "maas/forecast/drift.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline std::vector<double> readings_of_sensor(const Readings& readings, Index sensor) {
  std::vector<double> numbers;
  for (Index row = 0; row < readings.rows(); ++row)
    numbers.push_back(static_cast<double>(readings.values(row, sensor)));
  return numbers;
}

}  // namespace detail

MAAS_INLINE bool PageHinkley::update(double error) {
  require<ConfigError>(tolerance >= 0 && threshold >= 0,
                       "PageHinkley: expected a tolerance and a threshold of at least 0, got {} and {}", tolerance,
                       threshold);
  if (std::isnan(error)) return drifted();
  ++count_;
  mean_ += (error - mean_) / static_cast<double>(count_);
  sum_ += error - mean_ - tolerance;
  least_sum_ = std::min(least_sum_, sum_);
  return drifted();
}

MAAS_INLINE void PageHinkley::reset() {
  count_ = 0;
  mean_ = sum_ = least_sum_ = 0;
}

MAAS_INLINE StabilityIndex::StabilityIndex(std::span<const double> reference, Index bins) {
  require<ConfigError>(bins >= 2 && bins <= 1000, "StabilityIndex: expected from 2 to 1000 bins, got {}", bins);
  std::vector<double> sorted;
  for (double number : reference)
    if (std::isfinite(number)) sorted.push_back(number);
  require<DataError>(static_cast<Index>(sorted.size()) >= bins,
                     "StabilityIndex: expected at least {} numbers for as many bins, got {}", bins, sorted.size());
  std::sort(sorted.begin(), sorted.end());
  for (Index bin = 1; bin < bins; ++bin) {
    const double edge = sorted[sorted.size() * static_cast<std::size_t>(bin) / static_cast<std::size_t>(bins)];
    if (edges_.empty() || edge > edges_.back()) edges_.push_back(edge);
  }
  Index count = 0;
  reference_ = shares(sorted, count);
}

/// The share of numbers in each bin: below the first edge, from each edge on.
MAAS_INLINE std::vector<double> StabilityIndex::shares(std::span<const double> numbers, Index& count) const {
  std::vector<double> result(edges_.size() + 1, 0);
  count = 0;
  for (double number : numbers) {
    if (std::isnan(number)) continue;
    ++result[static_cast<std::size_t>(std::upper_bound(edges_.begin(), edges_.end(), number) - edges_.begin())];
    ++count;
  }
  for (double& share : result) share = std::max(1e-4, share / static_cast<double>(std::max<Index>(1, count)));
  return result;
}

MAAS_INLINE double StabilityIndex::of(std::span<const double> numbers) const {
  Index count = 0;
  const std::vector<double> now = shares(numbers, count);
  if (count == 0) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (std::size_t bin = 0; bin < now.size(); ++bin)
    sum += (now[bin] - reference_[bin]) * std::log(now[bin] / reference_[bin]);
  return sum;
}

MAAS_INLINE DriftWatch::DriftWatch(const Readings& training, const PageHinkley& test, Index bins) : test_(test) {
  const std::vector<std::string> names = training.sensor_names();
  for (Index sensor = 0; sensor < training.sensor_count(); ++sensor) try {
      sensors_.emplace_back(detail::readings_of_sensor(training, sensor), bins);
    } catch (const DataError& error) {
      fail<DataError>("DriftWatch: sensor \"{}\": {}", names[static_cast<std::size_t>(sensor)], error.what());
    }
}

MAAS_INLINE std::vector<double> DriftWatch::stability(const Readings& recent) const {
  require<ShapeError>(recent.sensor_count() == static_cast<Index>(sensors_.size()),
                      "DriftWatch: expected readings of {} sensors, got {}", sensors_.size(), recent.sensor_count());
  std::vector<double> result;
  for (std::size_t sensor = 0; sensor < sensors_.size(); ++sensor)
    result.push_back(sensors_[sensor].of(detail::readings_of_sensor(recent, static_cast<Index>(sensor))));
  return result;
}

MAAS_INLINE std::vector<std::pair<std::string, double>> DriftWatch::figures(const Readings& recent) const {
  double most = std::numeric_limits<double>::quiet_NaN(), sum = 0;
  Index count = 0;
  for (double index : stability(recent)) {
    if (std::isnan(index)) continue;
    most = count == 0 ? index : std::max(most, index);
    sum += index;
    ++count;
  }
  return {{"forecast_errors_total", static_cast<double>(test_.count_)},
          {"forecast_error_mean", test_.mean_},
          {"page_hinkley_statistic", test_.statistic()},
          {"page_hinkley_drifted", test_.drifted() ? 1.0 : 0.0},
          {"psi_max", most},
          {"psi_mean", count > 0 ? sum / static_cast<double>(count) : most}};
}

}  // namespace maas::inline MAAS_ABI
