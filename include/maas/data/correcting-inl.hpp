// Bodies of the steps that correct.
#pragma once

#include "maas/data/correcting.hpp"
#include "maas/data/report-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The columns of a type that a step without learning works on: those it names, if the table has them, or all.
inline std::vector<std::string> present_columns(std::string_view who, const Table& table,
                                                const std::vector<std::string>& asked, ColumnType type) {
  std::vector<std::string> found;
  for (const std::string& name : asked.empty() ? table.names() : asked) {
    if (!table.contains(name)) continue;
    if (!asked.empty()) step_column(who, table, name, type);
    if (table.column(name).type == type) found.push_back(name);
  }
  return found;
}

/// For fit: what was named must be there, and of the right type.
inline void require_typed(std::string_view who, const Table& table, const std::vector<std::string>& names,
                          ColumnType type) {
  for (const std::string& name : names) step_column(who, table, name, type);
}

}  // namespace detail

MAAS_INLINE void ValidRange::check() const {
  detail::check_names(class_name, columns);
  for (const std::optional<double>& limit : {low, high})
    require<ConfigError>(!limit || !std::isnan(*limit), "ValidRange: expected a number as limit, got NaN");
  require<ConfigError>(!low || !high || *low <= *high, "ValidRange: expected low <= high, got {} and {}",
                       low.value_or(0), high.value_or(0));
}

MAAS_INLINE void ValidRange::fit(const Table& training) const {
  detail::require_typed(class_name, training, columns, ColumnType::number);
}

MAAS_INLINE Table ValidRange::apply(Table table) const {
  for (const std::string& name : detail::present_columns(class_name, table, columns, ColumnType::number))
    for (double& cell : table.edit(name))
      if ((low && cell < *low) || (high && cell > *high)) cell = detail::missing_number;
  return table;
}

MAAS_INLINE void ReplaceTexts::check() const {
  detail::check_names(class_name, columns);
  require<ConfigError>(from.size() == to.size(), "ReplaceTexts: expected as many texts in to as in from ({}), got {}",
                       from.size(), to.size());
  std::set<std::string_view> seen;
  for (const std::string& text : from)
    require<ConfigError>(seen.insert(text).second, "ReplaceTexts: expected each text of from once, got \"{}\" twice",
                         text);
}

MAAS_INLINE void ReplaceTexts::fit(const Table& training) const {
  detail::require_typed(class_name, training, columns, ColumnType::text);
}

MAAS_INLINE Table ReplaceTexts::apply(Table table) const {
  for (const std::string& name : detail::present_columns(class_name, table, columns, ColumnType::text))
    for (std::string& cell : table.edit_texts(name)) {
      const auto found = std::find(from.begin(), from.end(), cell);
      if (found != from.end()) cell = to[static_cast<std::size_t>(found - from.begin())];
    }
  return table;
}

MAAS_INLINE void DropDuplicateRows::check() const { detail::check_names(class_name, columns); }

MAAS_INLINE void DropDuplicateRows::fit(const Table& training) const {
  detail::require_columns(class_name, training, columns);
}

MAAS_INLINE std::vector<bool> DropDuplicateRows::kept_rows(const Table& table) const {
  Table looked_at;
  for (const std::string& name : columns.empty() ? table.names() : columns)
    if (table.contains(name)) looked_at.add(table.column(name));
  std::vector<bool> kept(static_cast<std::size_t>(table.rows()), true);
  if (looked_at.columns() == 0) return kept;
  for (const DuplicateRow& duplicate : detail::duplicate_rows(looked_at))
    kept[static_cast<std::size_t>(duplicate.row)] = false;
  return kept;
}

}  // namespace maas::inline MAAS_ABI
