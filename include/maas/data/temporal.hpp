// Steps along time: times as features, differences, lags. Rows are in order of time.
#pragma once

#include "maas/data/step.hpp"

namespace maas::inline MAAS_ABI {

/// Numbers of a column of times that a network can use, in its place: for `time`
///
/// - `time_day_sin`, `time_day_cos`: the time of day on its circle;
/// - `time_week_sin`, `time_week_cos`: the time of week, from Monday 00:00, on its circle (see time_features);
/// - `time_holiday`: 1 on the days that are listed, else 0; only if days are listed.
///
/// A missing time gives missing numbers. Undone, nothing comes back.
struct TimeFeatures {
  static constexpr std::string_view class_name = "TimeFeatures";
  std::vector<std::string> columns = {};  ///< empty: all that hold times
  bool time_of_day = true;
  bool day_of_week = true;
  std::vector<std::string> holidays = {};  ///< days, "2016-01-18" or as parse_time reads them; others throw ConfigError
  bool keep = false;                       ///< whether the column of times stays, before its features

  std::vector<std::string> fitted_columns = {};  ///< learned
  LearnedRows learned_rows = {};                 ///< from which; in memory only

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("time_of_day", self.time_of_day);
    field("day_of_week", self.day_of_week);
    field("holidays", self.holidays);
    field("keep", self.keep);
    field("fitted_columns", self.fitted_columns);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  std::vector<std::string> outputs_of(const std::string& name) const;
  std::vector<std::string> sources_of(const std::string& name) const;
};

// The steps below have no columns of their own choice: to fit one that names none throws ConfigError. They count rows:
// what lies so many rows before may be days ago, or the end of another file. Told of `times` and `seconds` they know.

/// What a number has changed since `period` rows before, in its place; missing in the first rows. It can be undone with
/// the rows it was applied to: a difference is added to the number `period` rows before, which must be known. Without
/// `times` it is taken across jumps of time, and from one file or series into the next.
struct Difference {
  static constexpr std::string_view class_name = "Difference";
  std::vector<std::string> columns = {};
  Index period = 1;
  /// A column of times: a number is missing, as in the first rows, unless the row `period` rows before lies as long
  /// before, to a hundredth of `seconds`. Empty: rows are evenly spaced, and of one series.
  std::string times = {};
  double seconds = 0;  ///< from one row to the next; above 0 with `times`, else 0

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("period", self.period);
    field("times", self.times);
    field("seconds", self.seconds);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  Table invert(Table table, const Table* before) const;
  std::vector<std::string> sources_of(const std::string& name) const;
};

/// The number of some rows before as a column of its own, at the right: `flow_lag_2` is the flow two rows before;
/// missing in the first rows. Undone, these columns go. Without `times` it reaches across jumps of time, and from one
/// file or series into the one before.
struct Lag {
  static constexpr std::string_view class_name = "Lag";
  std::vector<std::string> columns = {};
  std::vector<Index> lags = {1};  ///< rows back, each at least 1
  std::string times = {};         ///< a column of times, as that of Difference: a lag is missing where time jumps
  double seconds = 0;             ///< from one row to the next; above 0 with `times`, else 0

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("lags", self.lags);
    field("times", self.times);
    field("seconds", self.seconds);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  Table invert(Table table) const;
  std::vector<std::string> sources_of(const std::string& name) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/temporal-inl.hpp"
#endif
