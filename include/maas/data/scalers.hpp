// Scalers: bring columns to a common range, and back.
#pragma once

#include <string_view>
#include <vector>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"
#include "maas/data/training_rows.hpp"

namespace maas::inline MAAS_ABI {

// A scaler learns from the rows of the training part only, then is applied to all:
//
//     MinMaxScaler scaler;
//     scaler.fit({readings, split.train});
//     const Matrix x = scaler.apply(readings), back = scaler.invert(x);
//
// Missing values (NaN) are passed over when it learns and stay missing when it is applied. What was learned stands in
// fields, in double, and is written and read with the part: see fields.hpp.

/// Maps the smallest and largest number of each training column to range_min and range_max: numbers beyond them leave
/// that range. A constant column is mapped to range_min plus its distance from the constant, as in scikit-learn.
struct MinMaxScaler {
  static constexpr std::string_view class_name = "MinMaxScaler";
  double range_min = 0, range_max = 1;

  std::vector<double> data_min = {}, data_max = {};  ///< learned: one a column

  static void fields(auto& self, auto&& field) {
    field("range_min", self.range_min);
    field("range_max", self.range_max);
    field("data_min", self.data_min);
    field("data_max", self.data_max);
  }

  /// Learns from rows x columns. Throws DataError for a column without any number, or with numbers that are infinite or
  /// lie infinitely far apart; ConfigError for an empty range.
  MinMaxScaler& fit(const TrainingRows& rows);
  /// Throws StateError before fit, ShapeError for another number of columns.
  Matrix apply(MatrixArg rows) const;
  /// The inverse of apply.
  Matrix invert(MatrixArg rows) const;
};

/// Subtracts the mean of each training column and divides by its standard deviation (that of the population, divided by
/// n). A constant column is only shifted, as in scikit-learn.
struct StandardScaler {
  static constexpr std::string_view class_name = "StandardScaler";

  std::vector<double> mean = {}, scale = {};  ///< learned: one a column; scale is 1 for a constant column

  static void fields(auto& self, auto&& field) {
    field("mean", self.mean);
    field("scale", self.scale);
  }

  /// Learns from rows x columns. Throws DataError for a column without any number.
  StandardScaler& fit(const TrainingRows& rows);
  /// Throws StateError before fit, ShapeError for another number of columns.
  Matrix apply(MatrixArg rows) const;
  /// The inverse of apply.
  Matrix invert(MatrixArg rows) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/scalers-inl.hpp"
#endif
