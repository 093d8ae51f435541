// Drift: whether errors grow, and whether inputs are still what they were in training; as numbers.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "maas/core/config.hpp"
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

  /// Tells an error, an amount; one that is not finite is passed over. Returns drifted(). Throws ConfigError for a
  /// tolerance or threshold below 0.
  bool update(double error);
  double statistic() const { return sum_ - least_sum_; }
  bool drifted() const { return count_ >= least_count && statistic() > threshold; }
  /// Forgets all errors; settings stay.
  void reset();
};

/// The population stability index of numbers against reference ones: with p and q the shares of both in the bins that
/// part the reference into equal shares (DriftReference::Input tells which where numbers are equal), sum (q - p) ln(q /
/// p). A share of 0 counts as 1e-4. Below 0.1 hardly anything has changed, above 0.25 much has: so the custom of credit
/// scoring, where it is from.
class StabilityIndex {
 public:
  /// Throws DataError where fewer than `bins` of the numbers are finite, ConfigError for less than 2 or more than 1000
  /// bins.
  explicit StabilityIndex(std::span<const double> reference, Index bins = 10);
  /// Of bins that are known, as DriftReference::Input has them; it is NaN of all numbers where there are none. Throws
  /// ConfigError where there is not a share for each bin.
  StabilityIndex(std::vector<double> edges, std::vector<double> shares);

  /// Numbers that are NaN are passed over; NaN where there is no other.
  double of(std::span<const double> numbers) const;
  /// Upper ends of all bins but the last.
  const std::vector<double>& edges() const { return edges_; }

 private:
  std::vector<double> shares(std::span<const double> numbers, Index& count) const;

  std::vector<double> edges_, reference_;
};

/// What inputs were in training, kept with the model so that a service can tell what they are now: shares of each in
/// bins, and how large errors are. `check` says whether it holds together.
struct DriftReference {
  /// One input, or one sensor.
  struct Input {
    std::string name = {};
    /// Where the bins end, growing: number x lies in bin upper_bound(edges, x). Of more than 10 different numbers they
    /// part the training numbers into 10 equal shares, but that one number which fills several has a bin of its own,
    /// and there are fewer then; of fewer different numbers each has a bin of its own, and a constant lies between what
    /// is less and what is more. Empty where there were too few numbers: the input is not watched then.
    std::vector<double> edges = {};
    std::vector<double> shares = {};  ///< of the training numbers in each bin, at least 1e-4; one more than edges

    /// The population stability index of counts in the bins, as StabilityIndex has it; NaN where all are 0.
    double stability(std::span<const std::uint64_t> counts) const;
  };
  std::vector<Input> inputs = {};
  /// The mean absolute error one horizon ahead, one a sensor, in its unit; 0 where it is not known. Empty for models
  /// that are no forecasters.
  std::vector<double> errors = {};

  /// Of training rows, a column an input. Of more than 10000 rows one in k counts. NaN and infinite numbers do not.
  /// Without names they are "0", "1", ... Throws ShapeError for another number of names than of columns.
  static DriftReference of(MatrixArg rows, const std::vector<std::string>& names = {});
  /// Which of so many rows `of` looks at, growing: of those alone it gives the same.
  static std::vector<Index> looked_at(Index rows);
  /// As a tree, and from it. `from` throws ConfigError for what `check` refuses, and for a tree that is none.
  Config config() const;
  static DriftReference from(const Config& config);
  /// Throws ConfigError for edges that do not grow, shares that are no shares of each bin, more than 1000 bins, errors
  /// of another number than of inputs, NaN; and where it is of another number of inputs than `count`, unless that is 0.
  void check(Index count = 0) const;
};

/// Watches a forecaster at work: errors by Page and Hinkley, of all sensors together and of each, inputs by the
/// stability index of each sensor.
class DriftWatch {
 public:
  /// `training` are the readings the forecaster has learned from. Throws DataError where they are held out; else as
  /// StabilityIndex, naming the sensor.
  explicit DriftWatch(const Readings& training, const PageHinkley& test = {}, Index bins = 10);
  /// Without those readings, by what the forecaster's file keeps of them: `DriftWatch(*forecaster.reference())`. A
  /// sensor of too few numbers has NaN for its index. Throws ConfigError for a reference that DriftReference::check
  /// refuses, or without inputs.
  explicit DriftWatch(const DriftReference& reference, const PageHinkley& test = {});

  /// Tells a forecast and what came, of any sensor; NaN is passed over. Returns whether errors have drifted. No test of
  /// a single sensor hears of it.
  bool tell(double forecast, double reading) { return test_.update(std::abs(reading - forecast)); }
  /// The same of a sensor, counted from 0, whose own test is told, too. Returns whether its errors have drifted. Throws
  /// ShapeError for a sensor that is not there.
  bool tell(Index sensor, double forecast, double reading);
  /// The test of all errors together.
  const PageHinkley& test() const { return test_; }
  /// That of a sensor. All have the settings of the one of all, in the unit of errors. Throws as tell.
  const PageHinkley& test(Index sensor) const;
  /// The stability index of each sensor over recent readings. Throws ShapeError for another number of sensors.
  std::vector<double> stability(const Readings& recent) const;

  /// Everything as names and numbers, for a service to export: "forecast_errors_total", "forecast_error_mean",
  /// "page_hinkley_statistic", "page_hinkley_drifted" (0 or 1), and over recent readings "psi_max" and "psi_mean".
  std::vector<std::pair<std::string, double>> figures(const Readings& recent) const;

  /// What there is to tell of one sensor.
  struct SensorFigures {
    std::string sensor = {};
    double psi = 0;                        ///< over recent readings; NaN where there are none, or too few in training
    Index errors = 0;                      ///< told of this sensor
    double error_mean = 0, statistic = 0;  ///< of its test
    bool drifted = false;
  };
  /// Of each sensor, in order: as many as there are. A service that exports a figure by name keeps that bounded, as
  /// maas serve does with its ten worst. Throws as stability.
  std::vector<SensorFigures> sensor_figures(const Readings& recent) const;

 private:
  void require_sensor(Index sensor) const;

  std::vector<std::string> names_;
  std::vector<StabilityIndex> sensors_;
  PageHinkley test_;
  std::vector<PageHinkley> tests_;  // one a sensor
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/drift-inl.hpp"
#endif
