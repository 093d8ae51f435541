// Drift: whether errors grow, and whether inputs are still what they were in training; as numbers.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"
#include "maas/forecast/readings.hpp"

namespace maas::inline MAAS_ABI {

/// The test of Page and Hinkley for a mean that grows, on errors as they come. With x the mean of all errors so far,
///
///     m += error - x - tolerance,   statistic = m - min m
///
/// and it has drifted where the statistic exceeds the threshold, after at least `least_count` errors. (Page,
/// "Continuous inspection schemes", 1954.)
struct PageHinkley {
  double tolerance = 0.005;  ///< what the mean may grow by, in the unit of the errors
  double threshold = 50;     ///< in the unit of the errors; what the excess adds up to
  Index least_count = 30;    ///< errors before which it has not drifted, whatever the statistic

  Index count_ = 0;                            ///< errors told
  double mean_ = 0, sum_ = 0, least_sum_ = 0;  ///< of them

  /// Tells an error, an amount; NaN is passed over. Returns drifted(). Throws ConfigError for a tolerance or threshold
  /// below 0.
  bool update(double error);
  double statistic() const { return sum_ - least_sum_; }
  bool drifted() const { return count_ >= least_count && statistic() > threshold; }
  /// Forgets all errors; settings stay.
  void reset();
};

/// The population stability index of numbers against reference ones: with p and q the shares of both in the bins that
/// part the reference into equal shares, sum (q - p) ln(q / p). A share of 0 counts as 1e-4. Below 0.1 hardly anything
/// has changed, above 0.25 much has: so the custom of credit scoring, where it is from.
class StabilityIndex {
 public:
  /// Throws DataError where fewer than `bins` of the numbers are finite, ConfigError for less than 2 or more than 1000
  /// bins.
  explicit StabilityIndex(std::span<const double> reference, Index bins = 10);

  /// Numbers that are NaN are passed over; NaN where there is no other.
  double of(std::span<const double> numbers) const;
  /// Upper ends of all bins but the last; equal ones are kept once.
  const std::vector<double>& edges() const { return edges_; }

 private:
  std::vector<double> shares(std::span<const double> numbers, Index& count) const;

  std::vector<double> edges_, reference_;
};

/// Watches a forecaster at work: errors by Page and Hinkley, inputs by the stability index of each sensor.
class DriftWatch {
 public:
  /// `training` are the readings the forecaster has learned from. Throws as StabilityIndex, naming the sensor.
  explicit DriftWatch(const Readings& training, const PageHinkley& test = {}, Index bins = 10);

  /// Tells a forecast and what came, of any sensor; NaN is passed over. Returns whether errors have drifted.
  bool tell(double forecast, double reading) { return test_.update(std::abs(reading - forecast)); }
  const PageHinkley& test() const { return test_; }
  /// The stability index of each sensor over recent readings. Throws ShapeError for another number of sensors.
  std::vector<double> stability(const Readings& recent) const;

  /// Everything as names and numbers, for a service to export: "forecast_errors_total", "forecast_error_mean",
  /// "page_hinkley_statistic", "page_hinkley_drifted" (0 or 1), and over recent readings "psi_max" and "psi_mean".
  std::vector<std::pair<std::string, double>> figures(const Readings& recent) const;

 private:
  std::vector<StabilityIndex> sensors_;
  PageHinkley test_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/drift-inl.hpp"
#endif
