// Intervals around forecasts, calibrated on errors that were seen: split and adaptive conformal prediction.
#pragma once

#include <vector>

#include "maas/forecast/readings.hpp"

namespace maas::inline MAAS_ABI {

/// How intervals are made.
struct IntervalOptions {
  double coverage = 0.9;  ///< the share of readings that is to lie within, above 0 and below 1
  /// gamma of adaptive conformal inference (Gibbs and Candès 2021, "Adaptive conformal inference under distribution
  /// shift"): after each reading alpha += gamma (1 - coverage - miss), where a miss is 1; 0: alpha stays.
  double rate = 0;
  /// Calibrate on the last so many errors, those that come to be known included; 0: on those of `calibrate` alone.
  Index window = 0;

  /// Throws ConfigError for numbers out of range.
  void check() const;
};

/// Lower and upper ends for each forecast.
struct Intervals {
  Matrix lower = {}, upper = {};  ///< windows x (steps * sensors), in the sensors' unit; NaN where there is no forecast
};

/// How many readings lay within intervals.
struct Coverage {
  double share = 0;       ///< of the readings that count; NaN for none
  double mean_width = 0;  ///< mean of upper less lower
  Index count = 0;
};

/// Conformal calibration, for each sensor and horizon on its own. Errors e = reading - forecast of a part that the
/// network has not learned from are kept in order, e(1) <= ... <= e(n). With alpha = 1 - coverage the interval around a
/// forecast f is
///
///     f + e(floor((n + 1) alpha / 2)) to f + e(ceil((n + 1) (1 - alpha / 2)))
///
/// places being kept within 1 to n. Where errors come as they came before, that covers `coverage` of the readings
/// (split conformal prediction, with both tails apart). Traffic changes; with a `rate` each alpha moves so that the
/// share of misses comes to be that wanted. Unlike in the paper an interval is never infinite: at most as wide as the
/// errors kept.
class ConformalIntervals {
 public:
  /// Throws ConfigError for options out of range.
  explicit ConformalIntervals(const IntervalOptions& options = {});

  /// Learns errors of forecasts beside what came; with more of them than `window` the last ones. Throws StateError if
  /// it has learned before, DataError where a sensor and horizon has no error at all.
  ConformalIntervals& calibrate(const Forecasts& calibration);
  bool is_calibrated() const { return !cells_.empty(); }
  const IntervalOptions& options() const { return options_; }

  /// Intervals as they stand, for forecasts of any number of windows. Throws StateError before calibrate, ShapeError
  /// for another number of steps * sensors.
  Intervals around(MatrixArg values) const;
  /// The chance that what comes is below a value: (errors that would bring it there + 1/2) / (n + 1). Throws as around.
  Matrix chance_below(MatrixArg values, double value) const;
  /// Tells what came to one forecast: moves alpha by `rate`, and the errors by `window`. Nothing happens for NaN.
  /// Throws StateError before calibrate, ShapeError for a column that is not there.
  void tell(Index column, double forecast, double reading);

  /// Goes through forecasts as time does: before each window it is told what has come by its origin and not before, so
  /// an answer of an hour ahead is known an hour later. Returns the intervals that were valid then; what was learned
  /// stays. With rate 0 and window 0 it is the same as around. Throws as around, and ShapeError for forecasts without
  /// an origin and truth for each window.
  Intervals follow(const Forecasts& forecasts);
  /// The same, and chances of readings below a value, as they stood.
  Intervals follow(const Forecasts& forecasts, double value, Matrix& chances);

  /// The alpha of a column as it stands. Throws StateError before calibrate, ShapeError for a column that is not there.
  double alpha(Index column) const;

 private:
  struct Cell {
    std::vector<double> sorted, recent;  // errors; recent: in order of time, a ring
    std::size_t oldest = 0;
    double alpha = 0;
  };

  void require_calibrated(std::string_view what, Index columns) const;
  std::pair<double, double> ends(const Cell& cell) const;
  static double chance_of(const Cell& cell, double forecast, double value);
  void learn(Cell& cell, double error) const;

  IntervalOptions options_;
  std::vector<Cell> cells_;  // one a column
};

/// Coverage at a horizon over all sensors, or at all horizons together (0). Readings that are missing, and forecasts
/// without an interval, do not count; with none that does share and mean_width are NaN. Throws ShapeError for intervals
/// of another size than the forecasts, ConfigError for a horizon that is not there.
Coverage coverage(const Intervals& intervals, const Forecasts& forecasts, Index horizon = 0);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/intervals-inl.hpp"
#endif
