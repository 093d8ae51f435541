// Times: dates and times of day as seconds, read, written, and as features of a network.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "maas/core/error.hpp"
#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

// A time is a count of seconds since 1970-01-01 00:00, taken as it is written: no time zone, no daylight saving, so a
// day always has 86400 seconds. A missing time is NaN.

inline constexpr double seconds_a_minute = 60, seconds_an_hour = 3600, seconds_a_day = 86400,
                        seconds_a_week = 7 * seconds_a_day;

/// Seconds since midnight, and since Monday 00:00: at least 0, below those of a day and of a week. NaN for a time that
/// is missing or infinite.
double seconds_of_day(double time);
double seconds_of_week(double time);

/// How the numbers of 04/01/2016 are meant.
enum class DateOrder {
  automatic,   ///< day first; where a column cannot be read so as a whole, month first
  day_first,   ///< 4 January
  month_first  ///< April 1
};

/// Reads "d/m/y" or "y-m-d" (also with '.', '/' and '-' the other way round), followed by nothing or " h:m", "Th:m",
/// " h:m:s", " h:m:s.fraction", and by "AM" or "pm" where hours are 1 to 12; a "Z" at the end is passed over. The year
/// has four digits and comes first or last. Nothing if the text is something else or no date of the calendar (30
/// February). `automatic` here is day first.
std::optional<double> parse_time(std::string_view text, DateOrder order = DateOrder::day_first);

/// "2016-01-04 00:05", with ":30" behind it where the seconds are not 0; beyond the years 0 to 9999, such as where
/// nanoseconds were taken for seconds, "1.7e+18 s"; empty for NaN.
std::string format_time(double time);

/// How many numbers time_features gives for a time.
inline constexpr Index time_feature_count = 4;

/// Where each time lies on the circles of the day and the week: sine and cosine of the time of day, sine and cosine of
/// the time of week (from Monday 00:00). times x 4, all in [-1, 1]; a missing time gives NaN.
Matrix time_features(std::span<const double> times);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/times-inl.hpp"
#endif
