// Writing of CSV files. Reading stands in src/data/csv.cpp, since a library does the parsing.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "maas/core/fields.hpp"
#include "maas/core/new_file.hpp"
#include "maas/data/csv.hpp"
#include "maas/data/enum_from-inl.hpp"
#include "maas/data/times-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

MAAS_INLINE std::string csv_cell(const std::string& text, std::string_view special) {
  if (text.find_first_of(special) == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// Whether all of a column's times have a date: a column of both is read back as texts.
inline bool has_dates(const Column& column) {
  return column.type == ColumnType::time &&
         std::ranges::all_of(column.numbers, [](double time) { return std::isnan(time) || has_date(time); });
}

/// `missing` stands for nothing.
inline void add_csv_cell(std::string& text, const Column& column, std::size_t row, std::string_view missing,
                         bool as_dates) {
  if (column.type == ColumnType::text)
    text += column.texts[row].empty() ? std::string(missing) : csv_cell(column.texts[row]);
  else if (std::isnan(column.numbers[row]))
    text += missing;
  else if (as_dates)
    text += format_time(column.numbers[row]);
  else
    fmt::format_to(std::back_inserter(text), "{}", column.numbers[row]);
}

// ---- How a file is read, as a tree ----

inline constexpr std::string_view csv_header_names[] = {"first_line", "none", "automatic"};
inline constexpr std::string_view date_order_names[] = {"automatic", "day_first", "month_first"};

void csv_fields(auto& self, auto&& field) {
  field("separator", self.separator);
  field("decimal", self.decimal);
  field("header", self.header);
  field("comment", self.comment);
  field("missing", self.missing);
  field("types", self.types);
  field("dates", self.dates);
}

inline Config csv_config(char character) { return character == '\0' ? std::string() : std::string(1, character); }
inline Config csv_config(CsvHeader header) { return csv_header_names[static_cast<std::size_t>(header)]; }
inline Config csv_config(DateOrder order) { return date_order_names[static_cast<std::size_t>(order)]; }
inline Config csv_config(const std::vector<std::string>& texts) { return to_config(texts); }
inline Config csv_config(const std::map<std::string, ColumnType>& types) {
  Config::Object object;
  for (const auto& [name, type] : types) object.emplace_back(name, column_type_names[static_cast<std::size_t>(type)]);
  return object;
}

inline void csv_from(const Config& config, std::string_view where, char& character) {
  const std::string& text = config.as_string(where);
  require<ConfigError>(text.size() <= 1, "{}: expected one character, got {}", where, config.text());
  character = text.empty() ? '\0' : text[0];
}
inline void csv_from(const Config& config, std::string_view where, CsvHeader& header) {
  header = enum_from<CsvHeader>(config, where, csv_header_names);
}
inline void csv_from(const Config& config, std::string_view where, DateOrder& order) {
  order = enum_from<DateOrder>(config, where, date_order_names);
}
inline void csv_from(const Config& config, std::string_view where, std::vector<std::string>& texts) {
  from_config(config, where, texts);
}
inline void csv_from(const Config& config, std::string_view where, std::map<std::string, ColumnType>& types) {
  types.clear();
  for (const auto& [name, type] : config.as_object(where))
    types[name] = enum_from<ColumnType>(type, fmt::format("{} of \"{}\"", where, name), column_type_names);
}

}  // namespace detail

MAAS_INLINE Config to_config(const CsvOptions& options) {
  Config result{Config::Object{}};
  detail::csv_fields(options,
                     [&](std::string_view name, const auto& value) { result.set(name, detail::csv_config(value)); });
  return result;
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, CsvOptions& options) {
  CsvOptions found;
  detail::FieldReader reader(config, where);
  detail::csv_fields(found, [&](std::string_view name, auto& value) {
    if (const Config* given = reader.next(name)) detail::csv_from(*given, reader.place(), value);
  });
  reader.finish();
  options = std::move(found);
}

MAAS_INLINE std::string csv_text(MatrixArg matrix, const std::vector<std::string>& names) {
  require<ShapeError>(names.empty() || static_cast<Index>(names.size()) == matrix.cols(),
                      "csv_text: expected as many names as columns, got {} names and {} columns", names.size(),
                      matrix.cols());
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) text += (i > 0 ? "," : "") + detail::csv_cell(names[i]);
  if (!names.empty()) text += '\n';
  for (Index row = 0; row < matrix.rows(); ++row) {
    for (Index column = 0; column < matrix.cols(); ++column) {
      if (column > 0) text += ',';
      fmt::format_to(std::back_inserter(text), "{:.9g}", matrix(row, column));
    }
    text += '\n';
  }
  return text;
}

MAAS_INLINE std::string csv_text(const Table& table) {
  const std::string_view missing = table.columns() == 1 ? "\"\"" : "";  // an empty line would be passed over
  std::string text;
  for (Index column = 0; column < table.columns(); ++column)
    text += (column > 0 ? "," : "") + detail::csv_cell(table.column(column).name);
  text += '\n';
  std::vector<bool> as_dates;
  for (Index column = 0; column < table.columns(); ++column)
    as_dates.push_back(detail::has_dates(table.column(column)));
  for (Index row = 0; row < table.rows(); ++row) {
    for (Index column = 0; column < table.columns(); ++column) {
      if (column > 0) text += ',';
      detail::add_csv_cell(text, table.column(column), static_cast<std::size_t>(row), missing,
                           as_dates[static_cast<std::size_t>(column)]);
    }
    text += '\n';
  }
  return text;
}

MAAS_INLINE void write_csv(const std::string& path, const Table& table) {
  NewFile file(path);
  file.write(csv_text(table));
  file.commit();
}

MAAS_INLINE void write_csv(const std::string& path, MatrixArg matrix, const std::vector<std::string>& names) {
  NewFile file(path);
  file.write(csv_text(matrix, names));
  file.commit();
}

}  // namespace maas::inline MAAS_ABI
