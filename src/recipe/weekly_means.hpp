// Means at the hours of the week, which a baseline answers with.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::recipe {

inline constexpr std::size_t hours_a_week = 168;

/// What that baseline is called.
inline constexpr std::string_view weekly_mean_name = "mean at that hour of the week";

/// 0 is Monday, 00:00 to 00:59; nothing for a time that is missing.
std::optional<std::size_t> hour_of_week(double time);

/// Sums of numbers at each of them, which do not grow with the rows.
class WeeklySums {
 public:
  /// Nothing where the time or the number is missing.
  void add(double time, double number);
  /// `other` at hours that have none.
  std::vector<double> means(double other) const;

 private:
  std::vector<double> sums_ = std::vector<double>(hours_a_week, 0), counts_ = sums_;
};

}  // namespace maas::inline MAAS_ABI::recipe
