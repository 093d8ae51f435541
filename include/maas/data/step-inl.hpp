// What the steps have in common.
#pragma once

#include <cmath>
#include <limits>
#include <set>
#include <span>

#include "maas/data/enum_from-inl.hpp"
#include "maas/data/step.hpp"
#include "maas/data/table-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline constexpr double missing_number = std::numeric_limits<double>::quiet_NaN();

/// "flow", "speed" in quotes.
inline std::string quoted_names(std::span<const std::string> names) {
  std::string result;
  for (const std::string& name : names) result += (result.empty() ? "\"" : ", \"") + name + "\"";
  return result.empty() ? "none" : result;
}

/// A column of that type. Throws DataError where it is not there or holds something else.
inline const Column& step_column(std::string_view who, const Table& table, const std::string& name, ColumnType type) {
  require<DataError>(table.contains(name), "{}: expected a column \"{}\", got columns {}", who, name,
                     quoted_names(table.names()));
  const Column& column = table.column(name);
  const std::string why = column.why_text.empty() ? "" : " (" + column.why_text + ")";
  require<DataError>(column.type == type, "{}: expected {} in column \"{}\", got {}{}", who, type_text(type), name,
                     type_text(column.type), why);
  return column;
}

/// The columns a step learns from: those that were asked for, or all of a type.
inline std::vector<std::string> step_columns(std::string_view who, const Table& table,
                                             const std::vector<std::string>& asked, ColumnType type) {
  for (const std::string& name : asked) step_column(who, table, name, type);
  if (!asked.empty()) return asked;
  std::vector<std::string> found;
  for (const std::string& name : table.names())
    if (table.column(name).type == type) found.push_back(name);
  require<DataError>(!found.empty(), "{}: expected a column of {}, got none", who, type_text(type));
  return found;
}

/// Throws unless no name comes twice.
inline void check_names(std::string_view who, const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (const std::string& name : names)
    require<ConfigError>(seen.insert(name).second, "{}: expected each column once, got \"{}\" twice", who, name);
}

/// For steps that do not stand for all columns of a kind.
inline void require_named(std::string_view who, const std::vector<std::string>& columns) {
  require<ConfigError>(!columns.empty(), "{}: expected the names of columns, got none", who);
}

/// What was learned comes from a file, perhaps: there must be as many values as columns, and none may be missing.
inline void check_learned(std::string_view who, const std::vector<std::string>& columns,
                          std::initializer_list<std::span<const double>> all) {
  check_names(who, columns);
  for (std::span<const double> values : all) {
    require<ConfigError>(values.size() == columns.size(), "{}: expected one learned value a column ({}), got {}", who,
                         columns.size(), values.size());
    for (double value : values)
      require<ConfigError>(std::isfinite(value), "{}: expected finite learned values, got {}", who, value);
  }
}

inline void check_positive(std::string_view who, std::span<const double> scales) {
  for (double scale : scales)
    require<ConfigError>(scale > 0, "{}: expected learned scales above 0, got {}", who, scale);
}

inline void require_fitted(std::string_view who, const std::vector<std::string>& columns) {
  require<StateError>(!columns.empty(), "{}: call fit first", who);
}

/// For the head of a fit: throws StateError where the step has learned before. What a fit that failed halfway has left
/// is forgotten.
template <class... Learned>
void begin_learning(std::string_view who, const std::vector<std::string>& columns, Learned&... learned) {
  require<StateError>(columns.empty(), "{}: it has learned already, and does so once; make another one", who);
  (learned.clear(), ...);
}

/// Calls `change(cells, i)` for the i-th fitted column of those that the table has.
template <class Change>
void change_fitted(std::string_view who, const std::vector<std::string>& columns, Table& table, Change&& change) {
  require_fitted(who, columns);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!table.contains(columns[i])) continue;
    step_column(who, table, columns[i], ColumnType::number);
    change(table.edit(columns[i]), i);
  }
}

/// The same for one function a number.
template <class FunctionOf>
Table changed_numbers(std::string_view who, const std::vector<std::string>& columns, Table table,
                      FunctionOf&& function_of) {
  change_fitted(who, columns, table, [&](std::span<double> cells, std::size_t i) {
    const auto function = function_of(i);
    for (double& cell : cells) cell = function(cell);
  });
  return table;
}

inline constexpr std::string_view fill_names[] = {"mean",          "median",       "constant",
                                                  "most_frequent", "forward_fill", "linear_interpolation"};

}  // namespace detail

MAAS_INLINE Step Step::fit(const Table& training) const {
  detail::require_training(class_name(), training);
  return Step(self_->fit(training));
}

MAAS_INLINE Table Step::apply(Table table) const {
  detail::require_unlearned(class_name(), table, self_->learned_rows());
  const detail::MadeOf source = detail::made_of(table);
  Table applied = self_->apply(std::move(table));
  applied.set_made_of(source);
  return applied;
}

MAAS_INLINE Table Step::invert(Table table, const Table* before) const {
  detail::require_unlearned(class_name(), table, self_->learned_rows());
  if (before != nullptr) detail::require_unlearned(class_name(), *before, self_->learned_rows());
  const detail::MadeOf source = detail::made_of(table);
  Table inverted = self_->invert(std::move(table), before);
  inverted.set_made_of(source);
  return inverted;
}

MAAS_INLINE Config to_config(const Step& step) {
  return Config{}.set("class_name", step.class_name()).set("config", step.config());
}

MAAS_INLINE Config to_config(Fill fill) { return detail::fill_names[static_cast<std::size_t>(fill)]; }

MAAS_INLINE void from_config(const Config& config, std::string_view where, Fill& fill) {
  fill = detail::enum_from<Fill>(config, where, detail::fill_names);
}

}  // namespace maas::inline MAAS_ABI
