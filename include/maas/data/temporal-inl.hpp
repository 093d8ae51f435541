// Bodies of the steps along time.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "maas/data/figures-inl.hpp"
#include "maas/data/step-inl.hpp"
#include "maas/data/temporal.hpp"
#include "maas/data/times.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The days since 1970 that are listed. Throws ConfigError for a text that is no date.
inline std::set<double> holiday_numbers(const std::vector<std::string>& holidays) {
  std::set<double> days;
  for (const std::string& text : holidays) {
    const std::optional<double> time = parse_time(text);
    require<ConfigError>(time.has_value(), "TimeFeatures: expected a day such as 2016-01-18 in holidays, got \"{}\"",
                         text);
    days.insert(std::floor(*time / seconds_a_day));
  }
  return days;
}

inline Column holiday_column(const std::string& name, const std::vector<double>& times, const std::set<double>& days) {
  Column column{.name = name};
  for (double time : times) {
    const bool holiday = days.contains(std::floor(time / seconds_a_day));
    column.numbers.push_back(std::isnan(time) ? missing_number : holiday ? 1 : 0);
  }
  return column;
}

/// How far back rows lie: where there are times it is known.
class RowsBefore {
 public:
  RowsBefore(std::string_view who, const Table& table, const std::string& times, double seconds) : seconds_(seconds) {
    if (!times.empty()) times_ = step_column(who, table, times, ColumnType::time).numbers;
  }
  /// Whether the row `back` rows before is there, and no jump of time between. Clocks of detectors are a little off.
  bool reach(Index row, Index back) const {
    if (row < back) return false;
    if (times_.empty()) return true;
    const double apart = times_[static_cast<std::size_t>(row)] - times_[static_cast<std::size_t>(row - back)];
    return std::abs(apart - static_cast<double>(back) * seconds_) <= seconds_ / 100;
  }

 private:
  std::vector<double> times_;
  double seconds_;
};

inline void check_times(std::string_view who, const std::string& times, double seconds) {
  require<ConfigError>(
      times.empty() ? seconds == 0 : seconds > 0 && std::isfinite(seconds),
      "{}: expected both times and seconds above 0 from one row to the next, or neither; got \"{}\" and "
      "{}",
      who, times, seconds);
}

/// A column, and that of times where there is one.
inline std::vector<std::string> with_times(const std::string& name, const std::string& times) {
  if (times.empty() || times == name) return {name};
  return {name, times};
}

inline std::string lag_name(const std::string& column, Index lag) { return column + "_lag_" + std::to_string(lag); }

}  // namespace detail

// ---- TimeFeatures ----

MAAS_INLINE void TimeFeatures::check() const {
  require<ConfigError>(time_of_day || day_of_week || !holidays.empty() || keep,
                       "TimeFeatures: expected a feature to make of times, got none");
  detail::check_names(class_name, columns);
  detail::check_names(class_name, fitted_columns);
  detail::holiday_numbers(holidays);
}

MAAS_INLINE void TimeFeatures::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::begin_learning(class_name, fitted_columns);
  fitted_columns = detail::step_columns(class_name, training, columns, ColumnType::time);
  learned_rows.add(training.marks());
}

MAAS_INLINE std::vector<std::string> TimeFeatures::outputs_of(const std::string& name) const {
  if (std::find(fitted_columns.begin(), fitted_columns.end(), name) == fitted_columns.end()) return {name};
  std::vector<std::string> names;
  if (keep) names.push_back(name);
  if (time_of_day) names.insert(names.end(), {name + "_day_sin", name + "_day_cos"});
  if (day_of_week) names.insert(names.end(), {name + "_week_sin", name + "_week_cos"});
  if (!holidays.empty()) names.push_back(name + "_holiday");
  return names;
}

MAAS_INLINE std::vector<std::string> TimeFeatures::sources_of(const std::string& name) const {
  for (const std::string& column : fitted_columns) {
    const std::vector<std::string> names = outputs_of(column);
    if (std::find(names.begin(), names.end(), name) != names.end()) return {column};
  }
  return {name};
}

MAAS_INLINE Table TimeFeatures::apply(Table table) const {
  detail::require_unlearned(class_name, table, learned_rows);
  detail::require_fitted(class_name, fitted_columns);
  const std::set<double> days = detail::holiday_numbers(holidays);
  for (const std::string& name : fitted_columns) {
    if (!table.contains(name)) continue;
    const Column times = detail::step_column(class_name, table, name, ColumnType::time);
    const Matrix features = time_features(times.numbers);
    std::vector<Column> made;
    if (keep) made.push_back(times);
    for (Index i = 0; i < features.cols(); ++i)
      if (i < 2 ? time_of_day : day_of_week)
        made.push_back({.name = "", .numbers = detail::column_values(features, i)});
    if (!holidays.empty()) made.push_back(detail::holiday_column("", times.numbers, days));
    const std::vector<std::string> names = outputs_of(name);
    for (std::size_t i = 0; i < made.size(); ++i) made[i].name = names[i];
    table.replace(name, std::move(made));
  }
  return table;
}

// ---- Difference ----

MAAS_INLINE void Difference::check() const {
  require<ConfigError>(period >= 1, "Difference: expected a period of at least 1 row, got {}", period);
  detail::check_times(class_name, times, seconds);
  detail::check_names(class_name, columns);
}

MAAS_INLINE void Difference::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::require_named(class_name, columns);
  for (const std::string& name : columns) detail::step_column(class_name, training, name, ColumnType::number);
  detail::RowsBefore(class_name, training, times, seconds);  // they are there
}

MAAS_INLINE Table Difference::apply(Table table) const {
  table.set_made_of(detail::made_of(table));  // rows before may be held out
  std::optional<detail::RowsBefore> before;
  for (const std::string& name : columns) {
    if (!table.contains(name)) continue;
    detail::step_column(class_name, table, name, ColumnType::number);
    if (!before) before.emplace(class_name, table, times, seconds);
    std::span<double> cells = table.edit(name);
    for (Index row = static_cast<Index>(cells.size()) - 1; row >= 0; --row)
      cells[static_cast<std::size_t>(row)] -=
          before->reach(row, period) ? cells[static_cast<std::size_t>(row - period)] : detail::missing_number;
  }
  return table;
}

MAAS_INLINE Table Difference::invert(Table table, const Table* before) const {
  for (const std::string& name : columns) {
    if (!table.contains(name)) continue;
    require<StateError>(before != nullptr,
                        "Difference: expected the rows it was applied to, to undo it in \"{}\"; got none", name);
    const std::vector<double>& known = detail::step_column(class_name, *before, name, ColumnType::number).numbers;
    require<DataError>(table.rows() == before->rows(), "Difference: expected {} rows before it, got {}", table.rows(),
                       before->rows());
    const detail::RowsBefore rows(class_name, *before, times, seconds);
    std::span<double> cells = table.edit(name);
    for (Index row = 0; row < static_cast<Index>(cells.size()); ++row)
      cells[static_cast<std::size_t>(row)] +=
          rows.reach(row, period) ? known[static_cast<std::size_t>(row - period)] : detail::missing_number;
  }
  return table;
}

MAAS_INLINE std::vector<std::string> Difference::sources_of(const std::string& name) const {
  const bool changed = std::find(columns.begin(), columns.end(), name) != columns.end();
  return detail::with_times(name, changed ? times : std::string());
}

// ---- Lag ----

MAAS_INLINE void Lag::check() const {
  detail::check_names(class_name, columns);
  detail::check_times(class_name, times, seconds);
  std::set<Index> seen;
  for (Index lag : lags)
    require<ConfigError>(lag >= 1 && seen.insert(lag).second, "Lag: expected different lags of at least 1 row, got {}",
                         lag);
  constexpr std::size_t most = 10000;
  require<ConfigError>(lags.size() * std::max<std::size_t>(columns.size(), 1) <= most,
                       "Lag: expected at most {} columns to make, got {} lags of {} columns", most, lags.size(),
                       columns.size());
}

MAAS_INLINE void Lag::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::require_named(class_name, columns);
  for (const std::string& name : columns) detail::step_column(class_name, training, name, ColumnType::number);
  detail::RowsBefore(class_name, training, times, seconds);  // they are there
}

MAAS_INLINE Table Lag::apply(Table table) const {
  table.set_made_of(detail::made_of(table));  // rows before may be held out
  std::optional<detail::RowsBefore> before;
  for (const std::string& name : columns)
    for (Index lag : lags) {
      if (!table.contains(name)) continue;
      if (!before) before.emplace(class_name, table, times, seconds);
      const std::vector<double>& cells = detail::step_column(class_name, table, name, ColumnType::number).numbers;
      Column lagged{.name = detail::lag_name(name, lag),
                    .numbers = std::vector<double>(cells.size(), detail::missing_number)};
      for (Index row = lag; row < static_cast<Index>(cells.size()); ++row)
        if (before->reach(row, lag))
          lagged.numbers[static_cast<std::size_t>(row)] = cells[static_cast<std::size_t>(row - lag)];
      table.add(std::move(lagged));
    }
  return table;
}

MAAS_INLINE Table Lag::invert(Table table) const {
  for (const std::string& name : columns)
    for (Index lag : lags)
      if (table.contains(detail::lag_name(name, lag))) table.remove(detail::lag_name(name, lag));
  return table;
}

MAAS_INLINE std::vector<std::string> Lag::sources_of(const std::string& name) const {
  for (const std::string& column : columns)
    for (Index lag : lags)
      if (name == detail::lag_name(column, lag)) return detail::with_times(column, times);
  return {name};
}

}  // namespace maas::inline MAAS_ABI
