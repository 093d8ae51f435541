// What pages draw of many rows, in memory that does not grow with them.
#pragma once

#include <limits>
#include <vector>

#include "maas/recipe/evaluation.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// Points of a cloud, and of a line along time.
inline constexpr std::size_t most_points = 2000, most_along_time = 20000;

/// One row that counts.
struct DrawnRow {
  double time, truth, predicted;  ///< no time: NaN
};

/// Of rows that come one after another those of the last seconds before the latest; of more than `most` every k-th,
/// where k is a power of two. Twice as many are kept at a time.
class RowSample {
 public:
  explicit RowSample(std::size_t most, double seconds = std::numeric_limits<double>::infinity())
      : most_(most), seconds_(seconds) {}

  void add(const DrawnRow& row);
  /// In the order in which they came.
  DrawnRows rows() const;

 private:
  void drop();  // what is too old, and every other one of more than `most`

  std::size_t most_, seen_ = 0, stride_ = 1;
  double seconds_, latest_ = -std::numeric_limits<double>::infinity();
  std::vector<DrawnRow> kept_ = {};
};

/// Errors by the hour of the day.
class ErrorsByHour {
 public:
  /// Nothing where the time is missing.
  void add(double time, double error);
  /// 24 means; NaN at hours that have none.
  std::vector<double> means() const;

 private:
  std::vector<double> sums_ = std::vector<double>(24, 0), counts_ = sums_;
};

}  // namespace maas::inline MAAS_ABI::recipe
