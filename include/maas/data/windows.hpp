// Windows: samples for forecasting, cut out of a series.
#pragma once

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

  /// A copy of some of the readings.
  Series part(const RowRange& rows) const;
};

/// How windows are cut. A window is `lags` successive readings, oldest first; its target lies `horizon` readings after
/// the last of them.
struct WindowOptions {
  Index lags = 1;                ///< readings a window
  Index horizon = 1;             ///< 1: the target is the reading right after the window
  Index steps = 1;               ///< successive readings to forecast, the first at `horizon`
  Index stride = 1;              ///< readings from one window's beginning to the next one's
  bool sequences = false;        ///< samples of shape lags x variables instead of flat ones; without `known`
  bool across_gaps = false;      ///< take also windows within which the time jumps
  bool keep_missing = false;     ///< take also windows with NaN in features or targets
  double seconds_a_reading = 0;  ///< the time between readings; 0: the median of the differences
};

/// The windows of a series as a data set that cuts each sample out when it is asked for: features are the readings of
/// the window, oldest first (the variables of a reading side by side), then what is known in advance at the first
/// target; targets are the rows of `targets`. Windows that span a gap of time or hold NaN are left out unless asked
/// for, so sample i need not begin at reading i * stride: see first_reading.
class Windows {
 public:
  /// Throws ShapeError where the parts of the series have different lengths, ConfigError for options below 1, DataError
  /// where no window fits.
  Windows(Series series, const WindowOptions& options);

  Index size() const { return static_cast<Index>(begins_.size()); }
  Shape feature_shape() const;
  Shape target_shape() const { return Shape{options_.steps * targets().cols()}; }
  void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const;

  /// All features, samples x numbers, and all targets.
  Matrix feature_matrix() const;
  Matrix target_matrix() const;

  /// Where a sample lies in the series, as row numbers: the first and last reading of its window, and its first target.
  Index first_reading(Index sample) const { return begins_[static_cast<std::size_t>(sample)]; }
  Index last_reading(Index sample) const { return first_reading(sample) + options_.lags - 1; }
  Index target_reading(Index sample) const { return last_reading(sample) + options_.horizon; }

 private:
  const Matrix& targets() const { return series_.targets.size() > 0 ? series_.targets : series_.values; }
  Index known_columns() const { return series_.known.size() > 0 ? series_.known.cols() : 0; }
  void check() const;
  void write_features(Index sample, Scalar* to) const;
  void write_targets(Index sample, Scalar* to) const;

  Series series_;
  WindowOptions options_;
  std::vector<Index> begins_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/windows-inl.hpp"
#endif
