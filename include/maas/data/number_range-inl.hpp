// Bodies of NumberRange.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "maas/data/enum_from-inl.hpp"
#include "maas/data/number_range.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Config to_config(OutOfRange policy) { return detail::out_of_range_names[static_cast<std::size_t>(policy)]; }
MAAS_INLINE void from_config(const Config& config, std::string_view where, OutOfRange& policy) {
  policy = detail::enum_from<OutOfRange>(config, where, detail::out_of_range_names);
}

MAAS_INLINE double NumberRange::reach() const {
  if (margin == 0) return 0;
  constexpr double of_a_float = 1e-6;  // its numbers are some 1e-7 apart
  return margin * std::max(most - least, of_a_float * std::max(std::abs(least), std::abs(most)));
}

MAAS_INLINE bool NumberRange::takes(double number) const {
  return std::isnan(number) || (number >= least - reach() && number <= most + reach());
}

MAAS_INLINE double NumberRange::clipped(double number) const {
  return std::isnan(number) ? number : std::clamp(number, low, high);
}

MAAS_INLINE std::string NumberRange::text() const {
  if (is_constant() && margin > 0) return fmt::format("{}, the only number of the training rows", least);
  if (margin == 0) return fmt::format("from {} to {}, as in the training rows", least, most);
  return fmt::format("from {:.9g} to {:.9g} ({} to {} in the training rows{}, and a margin of {} of that width)",
                     least - reach(), most + reach(), least, most,
                     least < low || most > high ? " of all columns alike" : "", margin);
}

MAAS_INLINE std::string_view NumberRange::choices() {
  return "out_of_range \"pass\" takes such numbers as they are, \"clip\" the nearest of the training rows, a larger "
         "range_margin those a little further out";
}

}  // namespace maas::inline MAAS_ABI
