// Readings of sensors, the windows that forecasts are made from, and forecasts beside what came.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/fields.hpp"
#include "maas/data/split.hpp"
#include "maas/data/table.hpp"
#include "maas/data/windows.hpp"

namespace maas::inline MAAS_ABI {

/// Readings of one or more sensors in order of time, all sensors at the same moments. A missing reading is NaN. They
/// may be of several series, such as drives, files or days, that follow each other: no window spans two of them.
struct Readings {
  Matrix values = {};                     ///< readings x sensors, in the sensors' unit
  std::vector<double> times = {};         ///< seconds since 1970 (see times.hpp), one a reading; empty: evenly spaced
  std::vector<std::string> sensors = {};  ///< names, one a sensor; empty: "sensor 0", "sensor 1", ...
  HeldOut<Readings> held_out = false;     ///< for validation or test: neither forecasters nor baselines learn from them
  /// Which rows these are: those of the table they were made of, else new ones; of other numbers in the same place,
  /// too.
  RowMarks marks = RowMarks::of_new();
  /// Which series a reading is of, one name a reading; empty: all are of one.
  std::vector<std::string> series = {};
  Matrix known = {};                          ///< readings x known inputs, which are known ahead; NaN where missing
  std::vector<std::string> known_names = {};  ///< one a column of `known`

  Index rows() const { return values.rows(); }
  Index sensor_count() const { return values.cols(); }
  /// Whether another series than that of the reading before begins with this one. The first reading begins none.
  bool begins_series(Index row) const {
    const auto place = static_cast<std::size_t>(row);
    return row > 0 && !series.empty() && series[place] != series[place - 1];
  }
  /// The names, made up where there are none.
  std::vector<std::string> sensor_names() const;
  /// A copy of some of the readings, held out where they or the range are. Throws ShapeError for rows that are not
  /// there.
  Readings part(const RowRange& rows) const;
  /// Throws ShapeError for times, series, known inputs or names of another count, DataError for infinite readings or
  /// known inputs, for times that are missing or do not grow within a series, and for a series that is there twice,
  /// with another one between.
  void check() const;

 private:
  void check_counts() const;
};

namespace detail {

/// Throws for readings that a split keeps for validation or test.
inline void require_training(std::string_view who, const Readings& readings) {
  require<DataError>(!readings.held_out,
                     "{}: expected readings to learn from, got {} that are held out for validation or test", who,
                     readings.rows());
}

/// Which rows they are, and which of them are to judge by: where none is held out by itself, all of readings that are.
RowMarks marks_of(const Readings& readings);

}  // namespace detail

/// Which columns of a table are what of readings.
struct ReadingColumns {
  std::string time = {};                  ///< of times; empty: none
  std::vector<std::string> sensors = {};  ///< of numbers; empty: all columns of numbers that are nothing else here
  std::string series = {};              ///< of texts or numbers, a name in each row; empty: all rows are of one series
  std::vector<std::string> known = {};  ///< of numbers, known ahead: see ForecastOptions::known
};

/// Columns of a table as readings. They are held out where any row of the table is. Throws DataError for columns that
/// are not there or of another type, for a row without a series, and what Readings::check throws.
Readings readings_of(const Table& table, const ReadingColumns& columns);
/// The same of times and sensors alone.
Readings readings_of(const Table& table, std::string_view time = "", const std::vector<std::string>& sensors = {});

/// How windows are cut out of readings. A window is `lags` successive readings, oldest first; the last of them is its
/// origin. What is forecast lies `horizons` readings after the origin. A window and its targets are of one series,
/// whatever is asked for.
struct ForecastWindowOptions {
  Index lags = 12;                    ///< readings a window
  std::vector<Index> horizons = {1};  ///< readings ahead, growing; 1 is the reading right after the window
  Index stride = 1;                   ///< readings from one window's beginning to the next one's
  bool across_gaps = false;           ///< take also windows within which, or before whose targets, the time jumps
  /// The time between readings; 0: the median of the differences within series, the lower middle one of an even number.
  /// Readings with more gaps than regular steps have a gap for their median: say it there.
  double seconds_a_reading = 0;
  /// Learn and forecast also from windows in which readings are missing. A network is given the mean of the readings of
  /// that sensor which it learned from: the best guess that needs nothing else, and one that no scaling makes an
  /// extreme. Baselines answer for the same windows, each in its own way. Targets must be there all the same.
  bool fill_missing = false;

  static void fields(auto& self, auto&& field) {
    field("lags", self.lags);
    field("horizons", self.horizons);
    field("stride", self.stride);
    field("across_gaps", self.across_gaps);
    field("seconds_a_reading", self.seconds_a_reading);
    field("fill_missing", self.fill_missing);
  }
  /// Throws ConfigError for numbers below 1 or above 1000000, and for horizons that do not grow.
  void check() const;
};

/// The options by name (fill_missing only where it is asked for), and from that.
Config to_config(const ForecastWindowOptions& options);
void from_config(const Config& config, std::string_view where, ForecastWindowOptions& options);

/// "15 minutes" for 3 readings that are 300 seconds apart; "3 readings" where the time between them is 0, not known.
std::string horizon_text(Index horizon, double seconds_a_reading);

/// The windows of readings, as the places of their origins. All of a window lies in these readings, and in one of their
/// series: what leads up to it, and every target. Readings may be missing in it; time does not jump in it, unless asked
/// for.
class ForecastWindows {
 public:
  /// Throws what check() of the readings and of the options throws, DataError where no window fits.
  ForecastWindows(Readings readings, const ForecastWindowOptions& options);
  /// Those windows alone that end at these rows, which grow, in a part of more readings: `options` say how far apart
  /// readings are. Throws what check() of the readings and of the options throws, ShapeError for windows that do not
  /// lie in the readings, DataError for none.
  ForecastWindows(Readings readings, const ForecastWindowOptions& options, std::vector<Index> origins);

  const Readings& readings() const { return *readings_; }
  const ForecastWindowOptions& options() const { return options_; }
  Index size() const { return static_cast<Index>(origins_.size()); }
  /// The row of a window's last reading.
  Index origin(Index window) const { return origins_[static_cast<std::size_t>(window)]; }
  const std::vector<Index>& origins() const { return origins_; }
  /// The time between readings in seconds; 0 where neither times nor options tell.
  double seconds_a_reading() const { return seconds_; }
  /// How many horizons there are, and the row of a target: the origin and horizons[step].
  Index steps() const { return static_cast<Index>(options_.horizons.size()); }
  Index target_row(Index window, Index step) const;
  /// What came, windows x (steps * sensors): column step * sensors + sensor.
  Matrix truth() const;
  /// The same windows, but only those whose targets all lie before a row, or from it on. Throws DataError where none
  /// is left.
  ForecastWindows targets_before(Index row) const;
  ForecastWindows targets_from(Index row) const;
  /// The same windows, but only those with these origins, which grow. Throws DataError for one that no window has.
  ForecastWindows at(std::vector<Index> origins) const;

 private:
  ForecastWindows with_origins(std::vector<Index> origins, std::string_view what) const;

  std::shared_ptr<const Readings> readings_;
  ForecastWindowOptions options_;
  std::vector<Index> origins_;
  double seconds_ = 0;
};

namespace detail {

/// Throws DataError where what is forecast for windows is held out and among what was learned from. Readings that lead
/// up to it may be.
void require_unlearned(std::string_view who, const ForecastWindows& windows, const LearnedRows& learned);

}  // namespace detail

/// Forecasts for windows, beside what came.
struct Forecasts {
  std::string model = {};                 ///< who made them: "persistence"
  std::vector<Index> horizons = {};       ///< readings ahead, one a step
  std::vector<std::string> sensors = {};  ///< names
  std::vector<Index> origins = {};        ///< row of each window's last reading, in the readings they were made for
  std::vector<double> times = {};         ///< of the origins, in seconds; empty where readings have none
  double seconds_a_reading = 0;           ///< 0 where it is not known
  Matrix values = {}, truth = {};        ///< windows x (steps * sensors), in the sensors' unit; NaN: no answer, missing
  Matrix last = {};                      ///< the last reading of each window, windows x sensors
  std::vector<std::string> series = {};  ///< of each window; empty where all readings are of one
  RowMarks marks = {};                   ///< which rows these readings are; forecasts made by hand need not know

  Index windows() const { return values.rows(); }
  /// Where a step of a sensor stands in values and truth.
  Index column(Index step, Index sensor) const { return step * static_cast<Index>(sensors.size()) + sensor; }
  /// The step of a horizon. Throws ConfigError that lists the horizons there are.
  Index step_of(Index horizon) const;
  /// The forecasts of some windows, counted from 0. Throws ShapeError for windows that are not there.
  Forecasts part(const RowRange& windows) const;
  /// The rows for which there is both a forecast and what came, ascending and each once, in the readings they were made
  /// for; none where origins and horizons do not say which they are.
  std::vector<Index> target_rows() const;
};

/// Forecasts for these windows with truth filled in, and values all NaN.
Forecasts empty_forecasts(std::string model, const ForecastWindows& windows);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/readings-inl.hpp"
#endif
