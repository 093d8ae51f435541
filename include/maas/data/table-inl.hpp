// Bodies of Table.
#pragma once

#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline std::string_view type_text(ColumnType type) {
  constexpr std::string_view texts[] = {"numbers", "times", "text"};
  return texts[static_cast<int>(type)];
}

}  // namespace detail

MAAS_INLINE std::vector<std::string> Table::names() const {
  std::vector<std::string> result;
  for (const Column& column : columns_) result.push_back(column.name);
  return result;
}

MAAS_INLINE const Column* Table::find(std::string_view name) const {
  for (const Column& column : columns_)
    if (column.name == name) return &column;
  return nullptr;
}

MAAS_INLINE bool Table::contains(std::string_view name) const { return find(name) != nullptr; }

MAAS_INLINE const Column& Table::column(std::string_view name) const {
  if (const Column* found = find(name)) return *found;
  std::string known;
  for (const Column& column : columns_) known += (known.empty() ? "\"" : ", \"") + column.name + "\"";
  fail<DataError>("Table: there is no column \"{}\"; there are {}", name, known.empty() ? "none" : known);
}

MAAS_INLINE const Column& Table::column(Index position) const {
  require<DataError>(position >= 0 && position < columns(), "Table: expected a column of 0 to {}, got {}",
                     columns() - 1, position);
  return columns_[static_cast<std::size_t>(position)];
}

MAAS_INLINE const Column& Table::column_of(std::string_view name, ColumnType type) const {
  const Column& found = column(name);
  const std::string why = found.why_text.empty() ? "" : " (" + found.why_text + ")";
  require<DataError>(found.type == type, "Table: expected {} in column \"{}\", got {}{}", detail::type_text(type), name,
                     detail::type_text(found.type), why);
  return found;
}

MAAS_INLINE const std::vector<double>& Table::numbers(std::string_view name) const {
  return column_of(name, ColumnType::number).numbers;
}
MAAS_INLINE const std::vector<double>& Table::times(std::string_view name) const {
  return column_of(name, ColumnType::time).numbers;
}
MAAS_INLINE const std::vector<std::string>& Table::texts(std::string_view name) const {
  return column_of(name, ColumnType::text).texts;
}

MAAS_INLINE void Table::add(Column column) {
  require<DataError>(columns_.empty() || column.rows() == rows(), "Table: expected {} rows in column \"{}\", got {}",
                     rows(), column.name, column.rows());
  require<DataError>(!contains(column.name), "Table: there is a column \"{}\" already", column.name);
  columns_.push_back(std::move(column));
}

MAAS_INLINE Matrix Table::matrix(std::span<const std::string> names) const {
  Matrix result(rows(), static_cast<Index>(names.size()));
  for (Index position = 0; position < result.cols(); ++position) {
    const std::vector<double>& cells = numbers(names[static_cast<std::size_t>(position)]);
    for (Index row = 0; row < result.rows(); ++row)
      result(row, position) = static_cast<Scalar>(cells[static_cast<std::size_t>(row)]);
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI
