// Intervals around forecasts, calibrated on errors that were seen: split and adaptive conformal prediction.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "maas/core/fields.hpp"
#include "maas/data/learned_rows.hpp"
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

  static void fields(auto& self, auto&& field) {
    field("coverage", self.coverage);
    field("rate", self.rate);
    field("window", self.window);
  }
  /// Throws ConfigError for numbers out of range.
  void check() const;
};

/// The options by name, and from that.
Config to_config(const IntervalOptions& options);
void from_config(const Config& config, std::string_view where, IntervalOptions& options);

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
///
/// It remembers which readings it was calibrated on, by their rows, and is not judged by these: see `require_unseen`.
/// What it follows or is told later is not remembered, as each interval is made before what it is judged by. In memory
/// only: intervals from a file remember none.
class ConformalIntervals {
 public:
  /// Throws ConfigError for options out of range.
  explicit ConformalIntervals(const IntervalOptions& options = {});

  /// Learns errors of forecasts beside what came; with more of them than `window` the last ones. Throws StateError if
  /// it has learned before, DataError where a sensor and horizon has no error at all.
  ConformalIntervals& calibrate(const Forecasts& calibration);
  bool is_calibrated() const { return !cells_.empty(); }
  /// Throws DataError for forecasts of any reading that it was calibrated on, held out or not, `who` in front.
  /// Forecasts that do not know their rows pass, and those of readings that nobody can know to be the same (see
  /// RowMarks).
  void require_unseen(std::string_view who, const Forecasts& judged) const;
  const IntervalOptions& options() const { return options_; }

  /// Intervals as they stand, for forecasts of any number of windows. Throws StateError before calibrate, ShapeError
  /// for another number of steps * sensors.
  Intervals around(MatrixArg values) const;
  /// The chance that what comes is below a value: (errors that would bring it there + 1/2) / (n + 1). Throws as around.
  Matrix chance_below(MatrixArg values, double value) const;
  /// The same for a value a sensor: column step * sensors + sensor is held against values_below[sensor]. Throws
  /// ShapeError, too, where the columns are not so many steps of as many sensors.
  Matrix chance_below(MatrixArg values, std::span<const double> values_below) const;
  /// Tells what came to one forecast: moves alpha by `rate`, and the errors by `window`. Nothing happens for NaN.
  /// Returns whether it lay outside of the interval as it stood. Throws StateError before calibrate, ShapeError for a
  /// column that is not there.
  bool tell(Index column, double forecast, double reading);

  /// Goes through forecasts as time does: before each window it is told what has come by its origin and not before, so
  /// an answer of an hour ahead is known an hour later. Returns the intervals that were valid then; what was learned
  /// stays. With rate 0 and window 0 it is the same as around. Throws as around, and ShapeError for forecasts without
  /// an origin and truth for each window.
  Intervals follow(const Forecasts& forecasts);
  /// The same, and chances of readings below a value, as they stood.
  Intervals follow(const Forecasts& forecasts, double value, Matrix& chances);
  /// The same for a value a sensor, as chance_below takes them.
  Intervals follow(const Forecasts& forecasts, std::span<const double> values_below, Matrix& chances);

  /// The alpha of a column as it stands. Throws StateError before calibrate, ShapeError for a column that is not there.
  double alpha(Index column) const;
  /// How many columns there are; 0 before calibrate.
  Index columns() const { return static_cast<Index>(cells_.size()); }

  /// Intervals of some of the columns, in that order, as they stand: those of one sensor. Errors are shared until one
  /// of both is told more. Throws ShapeError for columns that are not there.
  ConformalIntervals part(std::span<const Index> columns) const;
  /// The errors that are kept, a column each: with a `window` the oldest first, else in order of size. Below those of a
  /// column that has fewer is NaN.
  Matrix errors() const;
  /// Options and alphas as a tree; the errors are kept apart from it, as there may be many.
  Config config() const;
  /// Intervals as they stood, from both. Throws ConfigError for a tree that is none, or for errors that do not fit it:
  /// a column without one, more than `window`, infinite ones.
  static ConformalIntervals from(const Config& config, MatrixArg errors);
  /// Intervals of the same options as they stood elsewhere: an alpha a column, and errors as above; of none, these
  /// intervals' own. Throws as from.
  ConformalIntervals restored(const std::vector<double>& alphas, MatrixArg errors) const;

 private:
  struct Errors {
    std::vector<Scalar> sorted, recent;  // recent: in order of time, a ring, where there is a window
    std::size_t oldest = 0;
  };
  struct Cell {
    std::shared_ptr<Errors> errors;  // copies share them, and none changes what it shares
    double alpha = 0;
  };

  static Errors errors_of(std::vector<Scalar> in_order, Index window);
  void require_column(Index column) const;
  void require_calibrated(std::string_view what, Index columns) const;
  void require_values(std::string_view what, std::size_t values_below) const;
  std::pair<double, double> ends(const Cell& cell) const;
  static double chance_of(const Cell& cell, double forecast, double value);
  void learn(Cell& cell, Scalar error) const;

  IntervalOptions options_;
  std::vector<Cell> cells_;  // one a column
  LearnedRows calibrated_on_;
};

/// Coverage at a horizon over all sensors, or at all horizons together (0). Readings that are missing, and forecasts
/// without an interval, do not count; with none that does share and mean_width are NaN. Throws ShapeError for intervals
/// of another size than the forecasts, ConfigError for a horizon that is not there.
Coverage coverage(const Intervals& intervals, const Forecasts& forecasts, Index horizon = 0);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/intervals-inl.hpp"
#endif
