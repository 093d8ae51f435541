// NumberRange: which numbers of a column are like those of the training rows, and which lie beyond.
#pragma once

#include <string>
#include <string_view>

#include "maas/core/config.hpp"

namespace maas::inline MAAS_ABI {

/// What becomes of a number that lies beyond those which the training rows had in its column.
enum class OutOfRange {
  pass,  ///< it is used as it is
  clip,  ///< the nearest number of the training rows stands in its place, whatever the margin
  error  ///< a DataError that names it, where it lies further beyond than the margin
};

namespace detail {
/// Their names, in order.
inline constexpr std::string_view out_of_range_names[] = {"pass", "clip", "error"};
}  // namespace detail

/// "pass", "clip", "error".
Config to_config(OutOfRange policy);
void from_config(const Config& config, std::string_view where, OutOfRange& policy);

/// A quarter of the width of the training rows' range, on either side. What is measured in another unit lies further
/// out where it counts (speeds in km/h for mph are 1.6 times as large, so that those above 78 % of the highest one do;
/// kelvin for degrees Celsius lie 273 beyond), new extremes of the same unit do not as a rule.
inline constexpr double default_range_margin = 0.25;

/// The range of a column of numbers in the training rows, and how far beyond it a number may lie before it is refused.
struct NumberRange {
  double low = 0, high = 0;    ///< of the column
  double least = 0, most = 0;  ///< of all columns that are alike: those of the same quantity in the same unit
  double margin = 0;           ///< share of most - least that is taken beyond either of them

  /// How far beyond that is. Where all training rows had the same number there is no width, and a model has learned
  /// nothing of others: what counts as the same is what rounding to a float makes of it.
  double reach() const;
  bool takes(double number) const;      ///< a missing one, too
  double clipped(double number) const;  ///< to low and high; a missing one stays
  bool is_constant() const { return least == most; }
  /// "from 50 to 110 (60 to 100 in the training rows, and a margin of 0.25 of that width)".
  std::string text() const;
  /// What else may be chosen, for errors.
  static std::string_view choices();
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/number_range-inl.hpp"
#endif
