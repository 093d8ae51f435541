// Steps that scale columns of numbers, and scale them back.
#pragma once

#include "maas/data/step.hpp"

namespace maas::inline MAAS_ABI {

// Missing values are passed over when a step learns, and stay missing. `columns` that are empty stand for all that hold
// numbers, targets included. To learn, a column must hold a number, and finite ones only, of which the width or the
// variance that a step needs is finite, too: else DataError.

/// Maps the smallest and largest training number of each column to range_min and range_max, as MinMaxScaler does.
struct MinMax {
  static constexpr std::string_view class_name = "MinMax";
  std::vector<std::string> columns = {};
  double range_min = 0, range_max = 1;

  std::vector<std::string> fitted_columns = {};      ///< learned
  std::vector<double> data_min = {}, data_max = {};  ///< learned: one a column
  LearnedRows learned_rows = {};                     ///< from which; in memory only

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("range_min", self.range_min);
    field("range_max", self.range_max);
    field("fitted_columns", self.fitted_columns);
    field("data_min", self.data_min);
    field("data_max", self.data_max);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  Table invert(Table table) const;
};

/// Subtracts the mean and divides by the standard deviation of the training rows, as StandardScaler does.
struct Standard {
  static constexpr std::string_view class_name = "Standard";
  std::vector<std::string> columns = {};

  std::vector<std::string> fitted_columns = {};  ///< learned
  std::vector<double> mean = {}, scale = {};     ///< learned: one a column; scale is 1 for a constant column
  LearnedRows learned_rows = {};                 ///< from which; in memory only

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("fitted_columns", self.fitted_columns);
    field("mean", self.mean);
    field("scale", self.scale);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  Table invert(Table table) const;
};

/// Subtracts the median and divides by the distance of the quartiles, as scikit-learn's RobustScaler: outliers hardly
/// move it. Quartiles as numpy's; a distance of 0 counts as 1.
struct Robust {
  static constexpr std::string_view class_name = "Robust";
  std::vector<std::string> columns = {};

  std::vector<std::string> fitted_columns = {};  ///< learned
  std::vector<double> center = {}, scale = {};   ///< learned: one a column
  LearnedRows learned_rows = {};                 ///< from which; in memory only

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("fitted_columns", self.fitted_columns);
    field("center", self.center);
    field("scale", self.scale);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  Table invert(Table table) const;
};

/// log(x + offset), the natural one; with the offset 1 log1p(x), for counts. A number of -offset or below throws
/// DataError, in training and later.
struct Log {
  static constexpr std::string_view class_name = "Log";
  std::vector<std::string> columns = {};
  double offset = 1;

  std::vector<std::string> fitted_columns = {};  ///< learned
  LearnedRows learned_rows = {};                 ///< from which; in memory only

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("offset", self.offset);
    field("fitted_columns", self.fitted_columns);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  Table invert(Table table) const;
};

/// The power transform of Yeo and Johnson (2000), which makes a column look more like a normal distribution, as
/// scikit-learn's PowerTransformer:
///
///     x >= 0: ((x + 1)^lambda - 1) / lambda,             log(x + 1) for lambda 0
///     x < 0:  -((1 - x)^(2 - lambda) - 1) / (2 - lambda),  -log(1 - x) for lambda 2
///
/// lambda is that of maximum likelihood on the training rows, within -8 to 8; 1 for a constant column. Then, if
/// `standardize`, the mean is subtracted and the standard deviation divided by. Undone, numbers beyond what the
/// transform can give are NaN.
struct Power {
  static constexpr std::string_view class_name = "Power";
  std::vector<std::string> columns = {};
  bool standardize = true;

  std::vector<std::string> fitted_columns = {};            ///< learned
  std::vector<double> lambda = {}, mean = {}, scale = {};  ///< learned: one a column
  LearnedRows learned_rows = {};                           ///< from which; in memory only

  static void fields(auto& self, auto&& field) {
    field("columns", self.columns);
    field("standardize", self.standardize);
    field("fitted_columns", self.fitted_columns);
    field("lambda", self.lambda);
    field("mean", self.mean);
    field("scale", self.scale);
  }
  void check() const;
  void fit(const Table& training);
  Table apply(Table table) const;
  Table invert(Table table) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/scaling-inl.hpp"
#endif
