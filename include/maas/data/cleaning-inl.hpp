// Bodies of the steps that clean.
#pragma once

#include <algorithm>

#include "maas/data/cleaning.hpp"
#include "maas/data/figures-inl.hpp"
#include "maas/data/impute-inl.hpp"
#include "maas/data/step-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline void require_columns(std::string_view who, const Table& table, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    require<DataError>(table.contains(name), "{}: expected a column \"{}\", got columns {}", who, name,
                       quoted_names(table.names()));
}

inline bool is_missing(const Column& column, std::size_t row) {
  return column.type == ColumnType::text ? column.texts[row].empty() : std::isnan(column.numbers[row]);
}

/// The numbers of a column that has some, all finite.
inline std::vector<double> learning_numbers(std::string_view who, const Column& column) {
  std::vector<double> numbers = present(column.numbers);
  require<DataError>(!numbers.empty(), "{}: expected a number in column \"{}\", got none", who, column.name);
  for (double number : numbers)
    require<DataError>(std::isfinite(number), "{}: expected finite numbers in column \"{}\", got {}", who, column.name,
                       number);
  return numbers;
}

}  // namespace detail

MAAS_INLINE void Drop::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::require_named(class_name, columns);
  detail::require_columns(class_name, training, columns);
}

MAAS_INLINE Table Drop::apply(Table table) const {
  for (const std::string& name : columns)
    if (table.contains(name)) table.remove(name);
  return table;
}

MAAS_INLINE std::vector<std::string> Drop::outputs_of(const std::string& name) const {
  if (std::find(columns.begin(), columns.end(), name) != columns.end()) return {};
  return {name};
}

MAAS_INLINE void DropMissingRows::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::require_columns(class_name, training, columns);
}

MAAS_INLINE std::vector<bool> DropMissingRows::kept_rows(const Table& table) const {
  std::vector<bool> kept(static_cast<std::size_t>(table.rows()), true);
  for (const std::string& name : columns.empty() ? table.names() : columns) {
    if (!table.contains(name)) continue;
    const Column& column = table.column(name);
    for (std::size_t row = 0; row < kept.size(); ++row)
      if (detail::is_missing(column, row)) kept[row] = false;
  }
  return kept;
}

MAAS_INLINE void Impute::check() const {
  require<ConfigError>(std::isfinite(constant), "Impute: expected a finite constant, got {}", constant);
  require<ConfigError>(seconds >= 0 && std::isfinite(seconds) && (seconds == 0 || !times.empty()),
                       "Impute: expected seconds of at least 0, and above 0 only beside times, got {} and \"{}\"",
                       seconds, times);
  // What was learned before it knew of them stays as it was.
  require<ConfigError>(
      fill != Fill::forward_fill || times.empty() || seconds > 0 || !fitted_columns.empty(),
      "Impute: expected seconds above 0 from one row to the next beside times for forward_fill, got 0");
  detail::check_names(class_name, columns);
  detail::check_learned(class_name, fitted_columns, {values});
  require<ConfigError>(texts.size() == fitted_columns.size(), "Impute: expected one learned text a column ({}), got {}",
                       fitted_columns.size(), texts.size());
}

MAAS_INLINE void Impute::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::begin_learning(class_name, fitted_columns, values, texts);
  if (!times.empty()) detail::step_column(class_name, training, times, ColumnType::time);
  std::vector<std::string> names = columns;
  if (names.empty()) names = detail::step_columns(class_name, training, {}, ColumnType::number);
  detail::require_columns(class_name, training, names);
  for (const std::string& name : names) learn(training.column(name));
  fitted_columns = names;
  learned_rows.add(training.marks());
}

MAAS_INLINE void Impute::learn(const Column& column) {
  values.push_back(0);
  texts.emplace_back();
  if (column.type == ColumnType::number) {
    if (detail::is_learned(fill))
      values.back() = detail::learned_fill(fill, detail::learning_numbers(class_name, column));
    return;
  }
  const bool fits = column.type == ColumnType::text && (fill == Fill::most_frequent || fill == Fill::forward_fill);
  require<DataError>(fits, "Impute: expected numbers in column \"{}\", got {}, which {} does not fill", column.name,
                     detail::type_text(column.type), detail::fill_names[static_cast<std::size_t>(fill)]);
  if (fill != Fill::most_frequent) return;
  std::vector<std::string> there;
  for (const std::string& text : column.texts)
    if (!text.empty()) there.push_back(text);
  require<DataError>(!there.empty(), "Impute: expected a text in column \"{}\", got none", column.name);
  texts.back() = detail::most_frequent_of(std::move(there));
}

MAAS_INLINE Table Impute::apply(Table table) const {
  detail::require_unlearned(class_name, table, learned_rows);
  detail::require_fitted(class_name, fitted_columns);
  table.set_made_of(detail::made_of(table));  // fills may be of rows that are held out
  for (std::size_t i = 0; i < fitted_columns.size(); ++i) {
    if (!table.contains(fitted_columns[i])) continue;
    const ColumnType type = table.column(fitted_columns[i]).type;
    require<DataError>(fill != Fill::most_frequent || texts[i].empty() == (type == ColumnType::number),
                       "Impute: expected {} in column \"{}\", got {}",
                       detail::type_text(texts[i].empty() ? ColumnType::number : ColumnType::text), fitted_columns[i],
                       detail::type_text(type));
    const bool fills_texts = fill == Fill::most_frequent || fill == Fill::forward_fill;
    require<DataError>(type != ColumnType::text || fills_texts, "Impute: expected numbers in column \"{}\", got texts",
                       fitted_columns[i]);
    if (type == ColumnType::text)
      fill_texts(table, i);
    else
      fill_numbers(table, i);
  }
  return table;
}

MAAS_INLINE bool Impute::uses_times() const {
  return !times.empty() && (fill == Fill::linear_interpolation || (fill == Fill::forward_fill && seconds > 0));
}

MAAS_INLINE std::vector<double> Impute::row_times(const Table& table) const {
  if (!uses_times()) return {};
  return detail::step_column(class_name, table, times, ColumnType::time).numbers;
}

MAAS_INLINE void Impute::fill_numbers(Table& table, std::size_t i) const {
  const std::vector<double> placed = row_times(table);
  const detail::RowTimes rows{placed, uses_times() ? seconds : 0};
  std::span<double> cells = table.edit(fitted_columns[i]);
  if (fill == Fill::forward_fill) return detail::fill_forward(cells, limit, rows);
  if (fill == Fill::linear_interpolation) return detail::interpolate(cells, limit, rows);
  const double value = fill == Fill::constant ? constant : values[i];
  for (double& cell : cells)
    if (std::isnan(cell)) cell = value;
}

MAAS_INLINE void Impute::fill_texts(Table& table, std::size_t i) const {
  const std::vector<double> placed = row_times(table);
  std::span<std::string> cells = table.edit_texts(fitted_columns[i]);
  if (fill == Fill::forward_fill)
    return detail::fill_forward(cells, limit, detail::RowTimes{placed, uses_times() ? seconds : 0},
                                [](const std::string& cell) { return cell.empty(); });
  for (std::string& cell : cells)
    if (cell.empty()) cell = texts[i];
}

MAAS_INLINE std::vector<std::string> Impute::sources_of(const std::string& name) const {
  const bool filled = std::find(fitted_columns.begin(), fitted_columns.end(), name) != fitted_columns.end();
  if (!filled || !uses_times() || times == name) return {name};
  return {name, times};
}

MAAS_INLINE void ClipOutliers::check() const {
  require<ConfigError>(factor >= 0 && std::isfinite(factor), "ClipOutliers: expected a factor of at least 0, got {}",
                       factor);
  detail::check_names(class_name, columns);
  detail::check_learned(class_name, fitted_columns, {low, high});
  for (std::size_t i = 0; i < low.size(); ++i)
    require<ConfigError>(low[i] <= high[i], "ClipOutliers: expected learned limits in order, got {} and {}", low[i],
                         high[i]);
}

MAAS_INLINE void ClipOutliers::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::begin_learning(class_name, fitted_columns, low, high);
  const std::vector<std::string> names = detail::step_columns(class_name, training, columns, ColumnType::number);
  for (const std::string& name : names) {
    std::vector<double> numbers = detail::learning_numbers(class_name, training.column(name));
    std::sort(numbers.begin(), numbers.end());
    const double q1 = detail::quantile_of(numbers, 0.25), q3 = detail::quantile_of(numbers, 0.75);
    low.push_back(q1 - factor * (q3 - q1));
    high.push_back(q3 + factor * (q3 - q1));
  }
  fitted_columns = names;
  learned_rows.add(training.marks());
}

MAAS_INLINE Table ClipOutliers::apply(Table table) const {
  detail::require_unlearned(class_name, table, learned_rows);
  return detail::changed_numbers(class_name, fitted_columns, std::move(table), [this](std::size_t i) {
    return [this, i](double x) { return std::isnan(x) ? x : std::clamp(x, low[i], high[i]); };
  });
}

}  // namespace maas::inline MAAS_ABI
