// Bodies of the watch for drift.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "maas/core/fields.hpp"
#include "maas/forecast/drift.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Of shares in bins, both at least 1e-4.
inline double stability_of(std::span<const double> now, std::span<const double> reference) {
  double sum = 0;
  for (std::size_t bin = 0; bin < now.size(); ++bin)
    sum += (now[bin] - reference[bin]) * std::log(now[bin] / reference[bin]);
  return sum;
}

inline constexpr std::size_t reference_bins = 10;

/// Where so many bins of sorted numbers end, or fewer: see DriftReference::Input.
inline std::vector<double> reference_edges(const std::vector<double>& sorted, std::size_t bins) {
  std::vector<double> different;
  for (double number : sorted)
    if (different.empty() || number > different.back()) {
      different.push_back(number);
      if (different.size() > bins) break;
    }
  if (different.size() == 1) {  // it differs where it is another number, not by the last digit of one that was printed
    const double far = 1e-6 * std::max(1.0, std::abs(different[0]));
    return {different[0] - far, different[0] + far};
  }
  if (different.size() <= bins) return {different.begin() + 1, different.end()};
  std::vector<double> edges;
  for (std::size_t bin = 1; bin < bins; ++bin) {
    auto edge = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() * bin / bins);
    const double last = edges.empty() ? sorted.front() : edges.back();
    // A number that fills several bins has one of its own, which ends where the next number begins.
    if (*edge <= last) edge = std::upper_bound(edge, sorted.end(), *edge);
    if (edge != sorted.end() && *edge > last) edges.push_back(*edge);
  }
  return edges;
}

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
  if (!std::isfinite(error)) return drifted();  // an infinite one would make NaN of the sum for good
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
  edges_ = detail::reference_edges(sorted, static_cast<std::size_t>(bins));
  Index count = 0;
  reference_ = shares(sorted, count);
}

MAAS_INLINE StabilityIndex::StabilityIndex(std::vector<double> edges, std::vector<double> shares)
    : edges_(std::move(edges)), reference_(std::move(shares)) {
  const std::size_t bins = edges_.empty() ? 0 : edges_.size() + 1;
  require<ConfigError>(reference_.size() == bins, "StabilityIndex: expected {} shares, one a bin, got {}", bins,
                       reference_.size());
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
  if (count == 0 || reference_.empty()) return std::numeric_limits<double>::quiet_NaN();
  return detail::stability_of(now, reference_);
}

// ---- What is kept with a model ----

namespace detail {

/// A place below `count`, another one for each number: every 288th reading would be that of one time of day.
inline Index scattered_place(Index number, Index count) {
  return static_cast<Index>(((static_cast<std::uint64_t>(number) + 1) * 0x9e3779b97f4a7c15ull) >> 33) % count;
}

inline std::size_t bin_of(const std::vector<double>& edges, double number) {
  return static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), number) - edges.begin());
}

}  // namespace detail

MAAS_INLINE double DriftReference::Input::stability(std::span<const std::uint64_t> counts) const {
  double all = 0;
  for (std::uint64_t count : counts) all += static_cast<double>(count);
  if (all == 0 || counts.size() != shares.size()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> now;
  for (std::uint64_t count : counts) now.push_back(std::max(1e-4, static_cast<double>(count) / all));
  return detail::stability_of(now, shares);
}

MAAS_INLINE std::vector<Index> DriftReference::looked_at(Index rows) {
  constexpr Index most_rows = 10000;
  const Index stride = std::max<Index>(1, (rows + most_rows - 1) / most_rows);
  std::vector<Index> picked;
  for (Index first = 0; first < rows; first += stride)
    picked.push_back(std::min(first + detail::scattered_place(first, stride), rows - 1));
  return picked;
}

MAAS_INLINE DriftReference DriftReference::of(MatrixArg rows, const std::vector<std::string>& names) {
  require<ShapeError>(names.empty() || static_cast<Index>(names.size()) == rows.cols(),
                      "DriftReference: expected {} names, one a column, got {}", rows.cols(), names.size());
  const std::vector<Index> picked = looked_at(rows.rows());
  DriftReference result;
  for (Index column = 0; column < rows.cols(); ++column) {
    Input input{.name = names.empty() ? std::to_string(column) : names[static_cast<std::size_t>(column)]};
    std::vector<double> sorted;
    for (Index row : picked)
      if (const auto number = static_cast<double>(rows(row, column)); std::isfinite(number)) sorted.push_back(number);
    if (sorted.size() >= detail::reference_bins) {
      std::sort(sorted.begin(), sorted.end());
      input.edges = detail::reference_edges(sorted, detail::reference_bins);
      input.shares.assign(input.edges.size() + 1, 0);
      for (double number : sorted) ++input.shares[detail::bin_of(input.edges, number)];
      for (double& share : input.shares) share = std::max(1e-4, share / static_cast<double>(sorted.size()));
    }
    result.inputs.push_back(std::move(input));
  }
  return result;
}

MAAS_INLINE Config DriftReference::config() const {
  Config::List list;
  for (const Input& input : inputs)
    list.push_back(
        Config{}.set("name", input.name).set("edges", to_config(input.edges)).set("shares", to_config(input.shares)));
  Config result = Config{}.set("inputs", std::move(list));
  if (!errors.empty()) result.set("errors", to_config(errors));
  return result;
}

MAAS_INLINE DriftReference DriftReference::from(const Config& config) {
  DriftReference result;
  for (const Config& each : config.at("inputs").as_list("reference inputs")) {
    Input& input = result.inputs.emplace_back();
    input.name = each.at("name").as_string("reference name");
    from_config(each.at("edges"), "reference edges", input.edges);
    from_config(each.at("shares"), "reference shares", input.shares);
  }
  if (const Config* errors = config.find("errors")) from_config(*errors, "reference errors", result.errors);
  result.check();
  return result;
}

MAAS_INLINE void DriftReference::check(Index count) const {
  require<ConfigError>(count == 0 || static_cast<Index>(inputs.size()) == count,
                       "reference: expected {} inputs, got {}", count, inputs.size());
  require<ConfigError>(errors.empty() || errors.size() == inputs.size(), "reference: expected {} errors, got {}",
                       inputs.size(), errors.size());
  for (double error : errors)
    require<ConfigError>(std::isfinite(error) && error >= 0, "reference: expected errors of at least 0, got {}", error);
  for (const Input& input : inputs) {
    const auto fails_if = [&](bool wrong, std::string_view what) {
      require<ConfigError>(!wrong, "reference: input \"{}\": expected {}", input.name, what);
    };
    fails_if(input.edges.size() > 999, "at most 1000 bins, got more");
    fails_if(input.shares.size() != (input.edges.empty() ? 0 : input.edges.size() + 1), "a share for each bin");
    for (std::size_t i = 0; i < input.edges.size(); ++i)
      fails_if(!std::isfinite(input.edges[i]) || (i > 0 && input.edges[i] <= input.edges[i - 1]),
               "finite edges that grow");
    for (double share : input.shares) fails_if(!(share > 0 && share <= 1), "shares above 0 and of at most 1");
  }
}

MAAS_INLINE DriftWatch::DriftWatch(const Readings& training, const PageHinkley& test, Index bins) : test_(test) {
  detail::require_training("DriftWatch", training);
  names_ = training.sensor_names();
  tests_.assign(names_.size(), test);
  for (Index sensor = 0; sensor < training.sensor_count(); ++sensor) try {
      sensors_.emplace_back(detail::readings_of_sensor(training, sensor), bins);
    } catch (const DataError& error) {
      fail<DataError>("DriftWatch: sensor \"{}\": {}", names_[static_cast<std::size_t>(sensor)], error.what());
    }
}

MAAS_INLINE DriftWatch::DriftWatch(const DriftReference& reference, const PageHinkley& test) : test_(test) {
  require<ConfigError>(!reference.inputs.empty(), "DriftWatch: expected a reference of at least 1 input, got none");
  reference.check();
  tests_.assign(reference.inputs.size(), test);
  for (const DriftReference::Input& input : reference.inputs) {
    names_.push_back(input.name);
    sensors_.emplace_back(input.edges, input.shares);
  }
}

MAAS_INLINE void DriftWatch::require_sensor(Index sensor) const {
  require<ShapeError>(sensor >= 0 && sensor < static_cast<Index>(tests_.size()),
                      "DriftWatch: expected a sensor from 0 to {}, got {}", tests_.size() - 1, sensor);
}

MAAS_INLINE bool DriftWatch::tell(Index sensor, double forecast, double reading) {
  require_sensor(sensor);
  tell(forecast, reading);
  return tests_[static_cast<std::size_t>(sensor)].update(std::abs(reading - forecast));
}

MAAS_INLINE const PageHinkley& DriftWatch::test(Index sensor) const {
  require_sensor(sensor);
  return tests_[static_cast<std::size_t>(sensor)];
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

MAAS_INLINE std::vector<DriftWatch::SensorFigures> DriftWatch::sensor_figures(const Readings& recent) const {
  const std::vector<double> indices = stability(recent);
  std::vector<SensorFigures> result;
  for (std::size_t i = 0; i < indices.size(); ++i)
    result.push_back({.sensor = names_[i],
                      .psi = indices[i],
                      .errors = tests_[i].count_,
                      .error_mean = tests_[i].mean_,
                      .statistic = tests_[i].statistic(),
                      .drifted = tests_[i].drifted()});
  return result;
}

}  // namespace maas::inline MAAS_ABI
