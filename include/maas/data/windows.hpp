// Windows: samples for forecasting, cut out of one series or of many.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "maas/data/dataset.hpp"
#include "maas/data/split.hpp"

namespace maas::inline MAAS_ABI {

/// Readings in order of time, one a row. A missing reading is NaN.
struct Series {
  Matrix values;                   ///< readings x variables: what windows are filled with
  std::vector<double> times = {};  ///< in seconds, one a reading; empty: evenly spaced, without a gap
  Matrix targets = {};             ///< readings x numbers: what is to be forecast; empty: the values
  Matrix known = {};               ///< readings x numbers known in advance, such as time_features; empty: none

  /// A copy of some of the readings. Throws ShapeError for readings that are not there.
  Series part(const RowRange& rows) const;
};

/// A series for each variable, and for its column of the targets where there are any: many detectors in one table
/// become many series of one. Throws ShapeError where targets are not as many as variables.
std::vector<Series> series_of_variables(const Series& series);

/// The next `horizon` readings one by one: 1, 2, ..., horizon. Throws ConfigError below 1 or above 1000000.
std::vector<Index> every_step(Index horizon);

/// How windows are cut. A window is `lags` successive readings, oldest first; its targets lie some readings after the
/// last of them.
struct WindowOptions {
  Index lags = 1;                     ///< readings a window
  std::vector<Index> horizons = {1};  ///< readings ahead, growing; 1: the target is the reading right after the window
  Index stride = 1;                   ///< readings from one window's beginning to the next one's
  bool sequences = false;             ///< for networks that take lags x variables instead of one row of numbers
  bool across_gaps = false;           ///< take also windows within which the time jumps
  bool keep_missing = false;          ///< take also windows with NaN in features or targets
  /// Take also windows with missing readings, and write this number for them: that of a Masking layer, say, which skips
  /// the steps that hold nothing else. Targets must be there all the same.
  std::optional<Scalar> fill_missing = {};
  bool masks = false;       ///< beside each reading's variables 1 for each that is there, 0 for one that was filled
  bool series_ids = false;  ///< a sample's last number is that of its series, from 0: the input of an Embedding
  /// The time between readings; 0: the median of the differences in each series, the lower middle one of an even
  /// number. A series with more gaps than regular steps has a gap for its median: say it there.
  double seconds_a_reading = 0;
};

/// The windows of series as a data set that cuts each sample out when it is asked for. Features are the readings of the
/// window, oldest first (the variables of a reading side by side), then what is known in advance at the first target,
/// then the number of the series; each of the three may be an input of its own of the network. Targets are the rows of
/// `targets`, by horizon. Windows that span a gap of time or hold NaN are left out unless asked for, so sample i need
/// not begin at reading i * stride: see first_reading. Samples are in the order of series, then of time. Copies share
/// the series.
class Windows {
 public:
  /// Throws ShapeError where the parts of a series have different lengths, or series different widths, ConfigError for
  /// options below 1, horizons that do not grow, fill_missing beside keep_missing and masks without it, DataError where
  /// no window fits.
  Windows(Series series, const WindowOptions& options);
  Windows(std::vector<Series> series, const WindowOptions& options);

  Index size() const { return static_cast<Index>(places_.size()); }
  /// lags x variables for sequences with nothing beside them, otherwise the count of numbers.
  Shape feature_shape() const;
  Shape target_shape() const { return Shape{steps() * target_columns()}; }
  void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const;

  /// All features, samples x numbers, and all targets.
  Matrix feature_matrix() const;
  Matrix target_matrix() const;

  /// The number of the series that a sample is cut from.
  Index series_of(Index sample) const { return place(sample).series; }
  /// Where a sample lies in its series, as row numbers: the first and last reading of its window, and its first target.
  Index first_reading(Index sample) const { return place(sample).begin; }
  Index last_reading(Index sample) const { return first_reading(sample) + options_.lags - 1; }
  Index target_reading(Index sample) const { return last_reading(sample) + options_.horizons.front(); }

 private:
  struct Place {
    Index series, begin;
  };

  const Place& place(Index sample) const { return places_[static_cast<std::size_t>(sample)]; }
  const Series& series_at(Index number) const { return (*series_)[static_cast<std::size_t>(number)]; }
  Index steps() const { return static_cast<Index>(options_.horizons.size()); }
  Index variables() const { return series_at(0).values.cols(); }
  Index numbers_a_reading() const { return (options_.masks ? 2 : 1) * variables(); }
  Index target_columns() const;
  Index known_columns() const;
  void check_options() const;
  void check(Index number) const;
  void find_places(Index number);
  Scalar* write_readings(const Series& series, Index first, Scalar* to) const;
  void write_features(Index sample, Scalar* to) const;
  void write_targets(Index sample, Scalar* to) const;

  std::shared_ptr<const std::vector<Series>> series_;
  WindowOptions options_;
  std::vector<Place> places_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/windows-inl.hpp"
#endif
