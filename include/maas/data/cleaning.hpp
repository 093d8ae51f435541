// Steps that clean: columns and rows left out, missing values filled, outliers clipped.
#pragma once

#include "maas/data/step.hpp"

namespace maas::inline MAAS_ABI {

/// Leaves columns out. When it is fitted: ConfigError if it names none, DataError if the table lacks one of them.
struct Drop {
  static constexpr std::string_view class_name = "Drop";
  std::vector<std::string> columns = {};
  static void fields(auto& self, auto&& field) { field("columns", self.columns); }

  void fit(const Table& training);
  Table apply(Table table) const;
  std::vector<std::string> outputs_of(const std::string& name) const;
};

/// Leaves rows with a missing value (NaN, an empty text) out of training: from fit, and from Pipeline::samples. Where a
/// pipeline is applied, all rows stay, for each wants its answer. Rows are judged as they are at this place among the
/// steps, and left out behind the last one: lags reach back across them. `columns`: where to look; empty: everywhere.
struct DropMissingRows {
  static constexpr std::string_view class_name = "DropMissingRows";
  std::vector<std::string> columns = {};
  static void fields(auto& self, auto&& field) { field("columns", self.columns); }

  void fit(const Table& training);
  Table apply(Table table) const { return table; }
  std::vector<bool> kept_rows(const Table& table) const;
};

/// Fills missing values, as scikit-learn's SimpleImputer (mean, median, most_frequent, constant), or along the rows, as
/// pandas' ffill and interpolate with limit_area="inside", but that a gap longer than `limit` stays whole. Texts, where
/// an empty one is missing, take most_frequent and forward_fill, if their columns are named. What a fill along the rows
/// does not reach stays missing. `linear_interpolation` looks at the next value, which a live forecast does not have.
/// Both count rows, and fill across jumps of time and from one file into the next, unless they are told of `times` and
/// `seconds`: `limit` bounds how far.
/// Throws DataError for a column that has nothing to learn from.
struct Impute {
  static constexpr std::string_view class_name = "Impute";
  std::vector<std::string> columns = {};  ///< empty: all that hold numbers
  Fill fill = Fill::mean;
  double constant = 0;  ///< for Fill::constant
  Index limit =
      -1;  ///< longest run of rows filled by forward_fill (which fills its beginning) and linear_interpolation; -1: any
  /// For fills along the rows: a column of times that places them; empty: they are evenly spaced, and of one series.
  std::string times = {};
  /// From one row to the next; above 0 only with `times`, and needed beside them by forward_fill. Then rows that are
  /// not there count as well: nothing is filled across a jump of time that is longer than `limit` rows take (-1: across
  /// none), nor where times run back, as from one file into the next, or are missing.
  double seconds = 0;

  std::vector<std::string> fitted_columns = {};  ///< learned
  std::vector<double> values = {};               ///< learned: one a column; 0 where it holds texts
  std::vector<std::string> texts = {};           ///< learned: one a column; empty where it holds numbers
  LearnedRows learned_rows = {};                 ///< from which; in memory only

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("fill", self.fill);
    field("constant", self.constant);
    field("limit", self.limit);
    field("times", self.times);
    field("seconds", self.seconds);
    field("fitted_columns", self.fitted_columns);
    field("values", self.values);
    field("texts", self.texts);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  std::vector<std::string> sources_of(const std::string& name) const;

 private:
  void learn(const Column& column);
  bool uses_times() const;
  std::vector<double> row_times(const Table& table) const;
  void fill_numbers(Table& table, std::size_t i) const;
  void fill_texts(Table& table, std::size_t i) const;
};

/// Brings what lies beyond the whiskers of a box plot to their ends: below q1 - factor * (q3 - q1) or above
/// q3 + factor * (q3 - q1) of the training rows (Tukey 1977); quartiles as numpy's. Missing values stay.
struct ClipOutliers {
  static constexpr std::string_view class_name = "ClipOutliers";
  std::vector<std::string> columns = {};  ///< empty: all that hold numbers
  double factor = 1.5;

  std::vector<std::string> fitted_columns = {};  ///< learned
  std::vector<double> low = {}, high = {};       ///< learned: one a column
  LearnedRows learned_rows = {};                 ///< from which; in memory only

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("factor", self.factor);
    field("fitted_columns", self.fitted_columns);
    field("low", self.low);
    field("high", self.high);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/cleaning-inl.hpp"
#endif
