// Bodies of times.hpp.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "maas/data/times.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Takes pieces off the front of a text.
class TimeScanner {
 public:
  explicit TimeScanner(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// The next character if it is one of these, else 0.
  char take_any(std::string_view choices) {
    if (text_.empty() || choices.find(text_.front()) == std::string_view::npos) return '\0';
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  /// A run of at most `most` digits; -1 if there is none. `digits` says how many there were.
  int take_number(int most, int& digits) {
    int value = 0;
    digits = 0;
    while (digits < most && !text_.empty() && text_.front() >= '0' && text_.front() <= '9') {
      value = value * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
      ++digits;
    }
    return digits > 0 ? value : -1;
  }

 private:
  std::string_view text_;
};

/// Days since 1970-01-01, or nothing for a date that the calendar does not have.
inline std::optional<double> days_since_1970(int year, int month, int day) {
  if (month < 0 || day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count());
}

inline std::optional<double> take_date(TimeScanner& scanner, DateOrder order) {
  int first_digits = 0, second_digits = 0, third_digits = 0;
  const int first = scanner.take_number(4, first_digits);
  const char separator = scanner.take_any("-/.");
  if (first < 0 || separator == '\0') return std::nullopt;
  const int second = scanner.take_number(2, second_digits);
  if (second < 0 || !scanner.take(separator)) return std::nullopt;
  const int third = scanner.take_number(4, third_digits);
  if (first_digits == 4 && third_digits <= 2) return days_since_1970(first, second, third);
  if (first_digits > 2 || third_digits != 4) return std::nullopt;
  return order == DateOrder::month_first ? days_since_1970(third, first, second)
                                         : days_since_1970(third, second, first);
}

/// The fraction after the point of the seconds.
inline double take_fraction(TimeScanner& scanner) {
  double value = 0, unit = 0.1;
  for (int digits = 0, digit = 0; (digit = scanner.take_number(1, digits)) >= 0; unit /= 10) value += digit * unit;
  return value;
}

/// The hour of a day of 24 of one before noon or behind it: "AM", "pm" with or without a space. Such an hour that is
/// none of 1 to 12 is below 0; without those letters it is what it was.
inline int take_half_of_day(TimeScanner& scanner, int hour) {
  const bool space = scanner.take(' ');
  const char half = scanner.take_any("AaPp");
  if (half == '\0') return space ? -1 : hour;
  if (scanner.take_any("Mm") == '\0' || hour < 1 || hour > 12) return -1;
  return hour % 12 + (half == 'P' || half == 'p' ? 12 : 0);
}

/// Seconds since midnight of "h:m", "h:m:s" or "h:m:s.fraction", of either half of a day or of all of it.
inline std::optional<double> take_time_of_day(TimeScanner& scanner) {
  int digits = 0;
  int hour = scanner.take_number(2, digits);
  if (hour < 0 || hour > 23 || !scanner.take(':')) return std::nullopt;
  const int minute = scanner.take_number(2, digits);
  if (minute < 0 || minute > 59) return std::nullopt;
  double second = 0;
  if (scanner.take(':')) {
    const int whole = scanner.take_number(2, digits);
    if (whole < 0 || whole > 59) return std::nullopt;
    second = whole;
    if (scanner.take('.')) second += take_fraction(scanner);
  }
  hour = take_half_of_day(scanner, hour);
  if (hour < 0) return std::nullopt;
  scanner.take('Z');
  return hour * 3600 + minute * 60 + second;
}

/// Whether its year is one that parse_time reads, 0 to 9999.
inline bool has_date(double time) {
  constexpr double first = -62167219200, end = 253402300800;
  return time >= first && time < end;
}

/// The remainder of time / period, never negative.
inline double position_in(double time, double period) {
  const double rest = std::fmod(time, period), position = rest < 0 ? rest + period : rest;
  return position >= period ? 0 : position;  // just before its end, and rounded to it
}

}  // namespace detail

MAAS_INLINE double seconds_of_day(double time) { return detail::position_in(time, seconds_a_day); }

MAAS_INLINE double seconds_of_week(double time) {
  constexpr double first_monday = 4 * seconds_a_day;  // 1970-01-05
  return detail::position_in(time - first_monday, seconds_a_week);
}

MAAS_INLINE std::optional<double> parse_time(std::string_view text, DateOrder order) {
  detail::TimeScanner scanner(text);
  const std::optional<double> days = detail::take_date(scanner, order);
  if (!days || scanner.at_end()) return days ? std::optional(*days * seconds_a_day) : std::nullopt;
  if (scanner.take_any(" T") == '\0') return std::nullopt;
  const std::optional<double> seconds = detail::take_time_of_day(scanner);
  if (!seconds || !scanner.at_end()) return std::nullopt;
  return *days * seconds_a_day + *seconds;
}

MAAS_INLINE std::string format_time(double time) {
  if (!std::isfinite(time)) return {};
  if (!detail::has_date(time)) return fmt::format("{} s", time);
  const double day = std::floor(time / seconds_a_day);
  const int second = static_cast<int>(time - day * seconds_a_day);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(static_cast<int>(day)))};
  std::string text =
      fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), second / 3600, second / 60 % 60);
  if (second % 60 != 0) text += fmt::format(":{:02}", second % 60);
  return text;
}

MAAS_INLINE Matrix time_features(std::span<const double> times) {
  constexpr double full_turn = 6.283185307179586476925;
  Matrix features(static_cast<Index>(times.size()), time_feature_count);
  for (Index row = 0; row < features.rows(); ++row) {
    const double time = times[static_cast<std::size_t>(row)];
    const double day = full_turn * seconds_of_day(time) / seconds_a_day;
    const double week = full_turn * seconds_of_week(time) / seconds_a_week;
    features(row, 0) = static_cast<Scalar>(std::sin(day));
    features(row, 1) = static_cast<Scalar>(std::cos(day));
    features(row, 2) = static_cast<Scalar>(std::sin(week));
    features(row, 3) = static_cast<Scalar>(std::cos(week));
  }
  return features;
}

}  // namespace maas::inline MAAS_ABI
