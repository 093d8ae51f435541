// Bodies of Table.
#pragma once

#include <algorithm>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline std::string_view type_text(ColumnType type) {
  constexpr std::string_view texts[] = {"numbers", "times", "text"};
  return texts[static_cast<int>(type)];
}

MAAS_INLINE std::string held_out_text(const Table& table) {
  const std::vector<Index> held = table.held_out_rows();
  if (!table.is_held_out()) return fmt::format("{} rows", table.rows());
  if (static_cast<Index>(held.size()) == table.rows())
    return fmt::format("{} rows that are {}", table.rows(), table.why_held_out());
  return fmt::format("{} rows, of which {} {} {}, {}row {} (counted from 0)", table.rows(), held.size(),
                     held.size() == 1 ? "is" : "are", table.why_held_out(),
                     held.size() == 1 ? "" : "the first of them ", held.front());
}

MAAS_INLINE void require_training(std::string_view who, const Table& table) {
  require<DataError>(!table.is_held_out(), "{}: expected training rows to learn from, got {}", who,
                     held_out_text(table));
}

MAAS_INLINE void require_unlearned(std::string_view who, const Table& table, const LearnedRows& learned) {
  if (learned.empty() || !table.marks().any_held_out()) return;
  const std::vector<Index> judged = table.marks().held_out_rows();
  const bool are_all = judged.size() == table.held_out_rows().size();  // else the reason is that of what is made
  require_unlearned(who, table.marks(), judged,
                    {.what = "rows", .whole = "table", .why = are_all ? table.why_held_out() : "held out"}, learned);
}

MAAS_INLINE MadeOf made_of(const Table& source) {
  if (!source.is_held_out()) return {source.marks(), ""};
  const bool is_part = static_cast<Index>(source.held_out_rows().size()) < source.rows();
  return {source.marks(), is_part ? "held out, as they were made of " + held_out_text(source) : source.why_held_out()};
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

MAAS_INLINE void Table::check_addable(const Column& column, Index rows) const {
  require<DataError>(column.rows() == rows, "Table: expected {} rows in column \"{}\", got {}", rows, column.name,
                     column.rows());
  require<DataError>(!contains(column.name), "Table: there is a column \"{}\" already", column.name);
}

MAAS_INLINE void Table::add(Column column) {
  check_addable(column, columns_.empty() ? column.rows() : rows());
  if (columns_.empty()) begin_with(column);
  const RowMarks before = marks_;
  marks_ = marks_.with(column.marks);
  if (column.held_out) {
    const std::string carried = "held out, as the column \"" + column.name + "\" is";
    if (column.marks.is_known() && column.marks.rows() == column.rows())
      hold_out_made(carried);  // which rows of it are, they tell
    else
      hold_out(carried);
  }
  columns_.push_back(std::move(column));
  if (!is_held_out() && marks_.same_as(before))
    columns_.back().marks = marks_;  // the others know: what adds many columns takes no time in the square of them
  else
    mark_columns();
}

/// The first column, or the first again.
MAAS_INLINE void Table::begin_with(const Column& column) {
  if (marks_.is_known() && marks_.rows() == column.rows()) return;
  const bool held_out = marks_.any_held_out();  // of other rows, none of these is told apart
  marks_ = column.marks.is_known() ? column.marks.sized(column.rows()) : RowMarks::of_new(column.rows());
  if (held_out) marks_ = marks_.with_all_held_out();
}

MAAS_INLINE void Table::mark_columns() {
  const bool held_out = is_held_out();
  for (Column& each : columns_) {
    if (!each.marks.same_as(marks_)) each.marks = marks_;
    if (held_out) each.held_out.set();
  }
}

MAAS_INLINE void Table::hold_out(std::string why) {
  if (marks_.all_held_out()) return;  // the first reason stays
  if (!made_of_held_out_) why_held_out_ = why.empty() ? held_out_for_judging : std::move(why);
  marks_ = marks_.with_all_held_out();
  mark_columns();
}

MAAS_INLINE void Table::hold_out_made(std::string why) {
  const bool are_all = made_of_held_out_ || marks_.all_held_out();
  if (!are_all) made_of_held_out_ = true;
  if (!are_all || why_held_out_.empty()) why_held_out_ = std::move(why);
  mark_columns();
}

MAAS_INLINE void Table::set_made_of(const detail::MadeOf& source) {
  marks_ = columns_.empty() ? source.rows : marks_.with(source.rows);
  if (!source.why.empty()) hold_out_made(source.why);
  mark_columns();
}

MAAS_INLINE void Table::hold_out_rows(std::span<const Index> rows, std::string why) {
  for (Index row : rows)
    require<DataError>(row >= 0 && row < this->rows(), "Table: expected rows of 0 to {} to hold out, got {}",
                       this->rows() - 1, row);
  if (rows.empty() || marks_.all_held_out()) return;
  if (!made_of_held_out_) why_held_out_ = why.empty() ? held_out_for_judging : std::move(why);
  marks_ = marks_.with_held_out(rows);
  mark_columns();
}

MAAS_INLINE std::vector<Index> Table::held_out_rows() const {
  std::vector<Index> found;
  for (Index row = 0; row < rows(); ++row)
    if (made_of_held_out_ || marks_.is_held_out(row)) found.push_back(row);
  return found;
}

MAAS_INLINE std::size_t Table::position_of(std::string_view name) const {
  return static_cast<std::size_t>(&column(name) - columns_.data());
}

MAAS_INLINE std::span<double> Table::edit(std::string_view name) {
  Column& found = columns_[position_of(name)];
  require<DataError>(found.type != ColumnType::text, "Table: expected numbers or times in column \"{}\", got text",
                     name);
  return found.numbers;
}

MAAS_INLINE std::span<std::string> Table::edit_texts(std::string_view name) {
  column_of(name, ColumnType::text);
  return columns_[position_of(name)].texts;
}

MAAS_INLINE void Table::remove(std::string_view name) {
  columns_.erase(columns_.begin() + static_cast<std::ptrdiff_t>(position_of(name)));
  if (columns_.empty() && is_held_out()) hold_out_made(why_held_out_);  // what is added next may be made of it
}

MAAS_INLINE void Table::replace(std::string_view name, std::vector<Column> columns) {
  const std::size_t position = position_of(name);
  const Index count = rows();
  Table changed;
  changed.marks_ = marks_;
  changed.made_of_held_out_ = made_of_held_out_;
  changed.why_held_out_ = why_held_out_;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i != position) {
      require<DataError>(!changed.contains(columns_[i].name), "Table: there is a column \"{}\" already",
                         columns_[i].name);
      changed.columns_.push_back(columns_[i]);
      continue;
    }
    for (Column& each : columns) {
      changed.check_addable(each, count);
      changed.add(std::move(each));
    }
  }
  if (changed.columns_.empty() && is_held_out()) changed.hold_out_made(why_held_out_);
  *this = std::move(changed);
}

MAAS_INLINE Table Table::select(std::span<const Index> rows) const {
  for (Index row : rows)
    require<DataError>(row >= 0 && row < this->rows(), "Table: expected a row of 0 to {}, got {}", this->rows() - 1,
                       row);
  const auto picked = [&](const auto& cells) {
    std::remove_cvref_t<decltype(cells)> result;
    result.reserve(rows.size());
    for (Index row : rows) result.push_back(cells[static_cast<std::size_t>(row)]);
    return result;
  };
  Table result;
  result.marks_ = marks_.select(rows);
  result.made_of_held_out_ = made_of_held_out_;
  if (result.is_held_out()) result.why_held_out_ = why_held_out_;
  for (const Column& each : columns_) {
    Column made{.name = each.name,
                .type = each.type,
                .why_text = each.why_text,
                .held_out = result.is_held_out(),
                .marks = result.marks_};
    if (each.type == ColumnType::text)
      made.texts = picked(each.texts);
    else
      made.numbers = picked(each.numbers);
    result.columns_.push_back(std::move(made));
  }
  return result;
}

MAAS_INLINE Table Table::part(Index begin, Index end) const {
  require<DataError>(begin >= 0 && begin <= end && end <= rows(), "Table: expected rows within 0 to {}, got {} to {}",
                     rows(), begin, end);
  std::vector<Index> picked;
  for (Index row = begin; row < end; ++row) picked.push_back(row);
  return select(picked);
}

MAAS_INLINE Table table_of(MatrixArg matrix, const std::vector<std::string>& names) {
  require<DataError>(names.empty() || static_cast<Index>(names.size()) == matrix.cols(),
                     "table_of: expected a name for each of {} columns, got {}", matrix.cols(), names.size());
  Table table;
  for (Index i = 0; i < matrix.cols(); ++i) {
    Column column{.name = names.empty() ? std::to_string(i) : names[static_cast<std::size_t>(i)]};
    for (Index row = 0; row < matrix.rows(); ++row) column.numbers.push_back(static_cast<double>(matrix(row, i)));
    table.add(std::move(column));
  }
  return table;
}

MAAS_INLINE Matrix Table::matrix(std::span<const std::string> names) const {
  Matrix result(rows(), static_cast<Index>(names.size()));
  // To look through all columns for each name takes long where there are many.
  std::unordered_map<std::string_view, const Column*> columns;
  for (const Column& each : columns_) columns.emplace(each.name, &each);
  for (Index position = 0; position < result.cols(); ++position) {
    const std::string& name = names[static_cast<std::size_t>(position)];
    const auto found = columns.find(name);
    const bool is_number = found != columns.end() && found->second->type == ColumnType::number;
    const std::vector<double>& cells = is_number ? found->second->numbers : numbers(name);  // which throws
    for (Index row = 0; row < result.rows(); ++row)
      result(row, position) = static_cast<Scalar>(cells[static_cast<std::size_t>(row)]);
  }
  return result;
}

}  // namespace maas::inline MAAS_ABI
