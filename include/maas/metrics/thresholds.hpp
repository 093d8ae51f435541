// What metrics of decisions at thresholds share: lists of thresholds, and the rows a batch is seen as.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "maas/core/fields.hpp"
#include "maas/metrics/metric.hpp"

namespace maas::inline MAAS_ABI {

/// None, one or several thresholds: `{}`, `0.5`, `{0.2, 0.8}`. In a file null, a number or a list.
struct Thresholds {
  Thresholds() = default;
  Thresholds(double one) : values{one} {}
  Thresholds(std::initializer_list<double> several) : values(several) {}
  explicit Thresholds(std::vector<double> several) : values(std::move(several)) {}

  std::vector<double> values;
};

/// Thresholds in ascending order, whatever the order they are given in. In a file null or a list.
struct SortedThresholds {
  SortedThresholds() = default;
  SortedThresholds(std::initializer_list<double> several) : SortedThresholds(std::vector<double>(several)) {}
  explicit SortedThresholds(std::vector<double> several);

  std::vector<double> values;
};

Config to_config(const SortedThresholds& thresholds);
Config to_config(const Thresholds& thresholds);
void from_config(const Config& config, std::string_view where, Thresholds& thresholds);
void from_config(const Config& config, std::string_view where, SortedThresholds& thresholds);

namespace detail {

/// Keras' backend epsilon.
inline constexpr double metric_epsilon = 1e-7;
/// What Keras puts in the place of scores that are not among the k largest.
inline constexpr double no_score = -1e10;

/// Floats between 0 and 1 tell no more of them apart.
inline constexpr Index most_thresholds = Index{1} << 24;

double divide_no_nan(double numerator, double denominator);

void require_thresholds(std::string_view name, std::span<const double> thresholds);
void require_count(std::string_view name, Index num_thresholds, Index least);
void require_class(std::string_view name, const std::optional<int>& class_id, Index outputs);
void require_top_k(std::string_view name, const std::optional<int>& top_k, Index outputs);

/// True if point `i` of `count` stands where it would if they were spread evenly over 0 to 1, by Keras' tolerance.
bool stands_evenly(double threshold, std::size_t i, std::size_t count);

/// How many of the `count` thresholds spread evenly over 0 to 1 a prediction lies above, as Keras rounds: the last is
/// number ceil(p (count - 1)) - 1. What is no number lies above none.
Index evenly_above(Scalar p, Index count);

}  // namespace detail
}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/thresholds-inl.hpp"
#endif
