// Bodies of the steps that turn texts into numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "maas/data/encoding.hpp"
#include "maas/data/step-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline constexpr std::string_view unseen_names[] = {"error", "ignore"};

/// The different texts in alphabetical order.
inline std::vector<std::string> categories_of(const std::vector<std::string>& texts, bool with_empty) {
  const std::set<std::string> different(texts.begin(), texts.end());
  std::vector<std::string> result;
  for (const std::string& text : different)
    if (with_empty || !text.empty()) result.push_back(text);
  return result;
}

inline void check_categories(std::string_view who, const std::vector<std::string>& columns,
                             const std::vector<std::vector<std::string>>& categories) {
  check_names(who, columns);
  require<ConfigError>(categories.size() == columns.size(), "{}: expected one list of categories a column ({}), got {}",
                       who, columns.size(), categories.size());
  for (const std::vector<std::string>& list : categories) {
    require<ConfigError>(!list.empty(), "{}: expected a category in each column, got none", who);
    check_names(who, list);
  }
}

/// From a category to its number.
class CategoryNumbers {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  CategoryNumbers(std::string_view who, const std::string& column, const std::vector<std::string>& categories)
      : who_(who), column_(column), categories_(categories) {
    for (std::size_t i = 0; i < categories.size(); ++i) numbers_.emplace(categories[i], i);
  }
  /// `none` for a text that is none of them, if that is allowed.
  std::size_t of(const std::string& text, std::size_t row, Unseen unseen) const {
    const auto found = numbers_.find(text);
    if (found != numbers_.end()) return found->second;
    require<DataError>(unseen == Unseen::ignore,
                       "{}: expected a category of the training rows in column \"{}\" ({}), got \"{}\" in row {} "
                       "(counted from 0)",
                       who_, column_, some_categories(), text, row);
    return none;
  }

 private:
  std::string some_categories() const {
    const std::size_t shown = std::min<std::size_t>(categories_.size(), 8);
    std::string text = quoted_names(std::span(categories_).first(shown));
    if (shown < categories_.size()) text += ", ...";
    return text;
  }

  std::string_view who_;
  const std::string& column_;
  const std::vector<std::string>& categories_;
  std::map<std::string_view, std::size_t> numbers_;
};

inline std::vector<std::string> one_hot_names(const std::string& column, const std::vector<std::string>& categories) {
  std::vector<std::string> names;
  for (const std::string& category : categories) names.push_back(column + "_" + category);
  return names;
}

inline std::vector<Column> one_hot_columns(const Column& column, const std::vector<std::string>& categories,
                                           Unseen unseen) {
  const CategoryNumbers numbers(OneHot::class_name, column.name, categories);
  std::vector<Column> made;
  for (const std::string& name : one_hot_names(column.name, categories))
    made.push_back({.name = name, .numbers = std::vector<double>(column.texts.size(), 0)});
  for (std::size_t row = 0; row < column.texts.size(); ++row) {
    const std::size_t number = numbers.of(column.texts[row], row, unseen);
    if (number != CategoryNumbers::none) made[number].numbers[row] = 1;
  }
  return made;
}

/// The category with the largest number in each row; none where all are 0 or missing.
inline Column largest_category(const Table& table, const std::string& name,
                               const std::vector<std::string>& categories) {
  const std::vector<std::string> names = one_hot_names(name, categories);
  Column column{.name = name, .type = ColumnType::text};
  std::vector<double> largest(static_cast<std::size_t>(table.rows()), -std::numeric_limits<double>::infinity());
  std::vector<bool> any(largest.size(), false);
  column.texts.resize(largest.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::vector<double>& numbers = table.numbers(names[i]);
    for (std::size_t row = 0; row < largest.size(); ++row) {
      any[row] = any[row] || !(numbers[row] == 0 || std::isnan(numbers[row]));
      if (numbers[row] > largest[row]) {
        largest[row] = numbers[row];
        column.texts[row] = categories[i];
      }
    }
  }
  for (std::size_t row = 0; row < any.size(); ++row)
    if (!any[row]) column.texts[row].clear();
  return column;
}

}  // namespace detail

MAAS_INLINE Config to_config(Unseen unseen) { return detail::unseen_names[static_cast<std::size_t>(unseen)]; }

MAAS_INLINE void from_config(const Config& config, std::string_view where, Unseen& unseen) {
  unseen = detail::enum_from<Unseen>(config, where, detail::unseen_names);
}

// ---- OneHot ----

MAAS_INLINE void OneHot::check() const {
  detail::check_names(class_name, columns);
  detail::check_categories(class_name, fitted_columns, categories);
  for (std::size_t i = 0; i < std::min(categories.size(), fitted_columns.size()); ++i)
    require<DataError>(categories[i].size() <= most_categories,
                       "OneHot: expected at most {} categories in column \"{}\", got {}; each becomes a column",
                       most_categories, fitted_columns[i], categories[i].size());
}

MAAS_INLINE void OneHot::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::begin_learning(class_name, fitted_columns, categories);
  const std::vector<std::string> names = detail::step_columns(class_name, training, columns, ColumnType::text);
  require<DataError>(training.rows() > 0, "OneHot: expected at least 1 row, got none");
  OneHot learned = *this;
  for (const std::string& name : names) learned.categories.push_back(detail::categories_of(training.texts(name), true));
  learned.fitted_columns = names;
  learned.check();
  learned.learned_rows.add(training.marks());
  *this = std::move(learned);
}

MAAS_INLINE Table OneHot::apply(Table table) const {
  detail::require_unlearned(class_name, table, learned_rows);
  detail::require_fitted(class_name, fitted_columns);
  for (std::size_t i = 0; i < fitted_columns.size(); ++i) {
    if (!table.contains(fitted_columns[i])) continue;
    const Column& column = detail::step_column(class_name, table, fitted_columns[i], ColumnType::text);
    table.replace(fitted_columns[i], detail::one_hot_columns(column, categories[i], unseen));
  }
  return table;
}

MAAS_INLINE Table OneHot::invert(Table table) const {
  detail::require_fitted(class_name, fitted_columns);
  for (std::size_t i = 0; i < fitted_columns.size(); ++i) {
    const std::vector<std::string> names = detail::one_hot_names(fitted_columns[i], categories[i]);
    if (!std::all_of(names.begin(), names.end(), [&](const std::string& name) { return table.contains(name); }))
      continue;
    Column column = detail::largest_category(table, fitted_columns[i], categories[i]);
    for (std::size_t k = 1; k < names.size(); ++k) table.remove(names[k]);
    table.replace(names[0], {std::move(column)});
  }
  return table;
}

MAAS_INLINE std::vector<std::string> OneHot::outputs_of(const std::string& name) const {
  const auto found = std::find(fitted_columns.begin(), fitted_columns.end(), name);
  if (found == fitted_columns.end()) return {name};
  return detail::one_hot_names(name, categories[static_cast<std::size_t>(found - fitted_columns.begin())]);
}

MAAS_INLINE std::vector<std::string> OneHot::sources_of(const std::string& name) const {
  for (std::size_t i = 0; i < fitted_columns.size(); ++i) {
    const std::string& column = fitted_columns[i];
    if (name.size() <= column.size() || !name.starts_with(column) || name[column.size()] != '_') continue;
    const std::string_view category = std::string_view(name).substr(column.size() + 1);
    if (std::find(categories[i].begin(), categories[i].end(), category) != categories[i].end()) return {column};
  }
  return {name};
}

// ---- Ordinal ----

MAAS_INLINE void Ordinal::check() const {
  detail::check_names(class_name, columns);
  detail::check_names(class_name, order);
  require<ConfigError>(std::isfinite(unseen_code), "Ordinal: expected a finite unseen_code, got {}", unseen_code);
  detail::check_categories(class_name, fitted_columns, categories);
  if (unseen == Unseen::error) return;
  for (const std::vector<std::string>& list : categories)
    require<ConfigError>(std::round(unseen_code) < 0 || std::round(unseen_code) >= static_cast<double>(list.size()),
                         "Ordinal: expected an unseen_code that is no category's (0 to {}), got {}", list.size() - 1,
                         unseen_code);
}

MAAS_INLINE void Ordinal::fit(const Table& training) {
  detail::require_training(class_name, training);
  detail::begin_learning(class_name, fitted_columns, categories);
  const std::vector<std::string> names = detail::step_columns(class_name, training, columns, ColumnType::text);
  for (const std::string& name : names) {
    categories.push_back(order.empty() ? detail::categories_of(training.texts(name), false) : order);
    require<DataError>(!categories.back().empty(), "Ordinal: expected a text in column \"{}\", got none", name);
  }
  fitted_columns = names;
  learned_rows.add(training.marks());
}

MAAS_INLINE Table Ordinal::apply(Table table) const {
  detail::require_unlearned(class_name, table, learned_rows);
  detail::require_fitted(class_name, fitted_columns);
  for (std::size_t i = 0; i < fitted_columns.size(); ++i) {
    if (!table.contains(fitted_columns[i])) continue;
    const Column& column = detail::step_column(class_name, table, fitted_columns[i], ColumnType::text);
    const detail::CategoryNumbers numbers(class_name, column.name, categories[i]);
    Column codes{.name = column.name};
    for (std::size_t row = 0; row < column.texts.size(); ++row) {
      const std::string& text = column.texts[row];
      const std::size_t number = text.empty() ? 0 : numbers.of(text, row, unseen);
      const double code = number == detail::CategoryNumbers::none ? unseen_code : static_cast<double>(number);
      codes.numbers.push_back(text.empty() ? detail::missing_number : code);
    }
    table.replace(fitted_columns[i], {std::move(codes)});
  }
  return table;
}

MAAS_INLINE Table Ordinal::invert(Table table) const {
  detail::require_fitted(class_name, fitted_columns);
  for (std::size_t i = 0; i < fitted_columns.size(); ++i) {
    if (!table.contains(fitted_columns[i])) continue;
    Column column{.name = fitted_columns[i], .type = ColumnType::text};
    for (double code : table.numbers(fitted_columns[i])) {
      const double nearest = std::round(code);
      const bool known = nearest >= 0 && nearest < static_cast<double>(categories[i].size());
      column.texts.push_back(known ? categories[i][static_cast<std::size_t>(nearest)] : std::string());
    }
    table.replace(fitted_columns[i], {std::move(column)});
  }
  return table;
}

MAAS_INLINE const std::vector<std::string>* Ordinal::classes_of(const std::string& name) const {
  const auto found = std::find(fitted_columns.begin(), fitted_columns.end(), name);
  return found == fitted_columns.end() ? nullptr
                                       : &categories[static_cast<std::size_t>(found - fitted_columns.begin())];
}

}  // namespace maas::inline MAAS_ABI
