#include "serve/raw_rows.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "maas/core/error.hpp"
#include "maas/data/times.hpp"
#include "serve/json_writer.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

std::string names_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", name);
  return text;
}

double time_in(JsonView value, DateOrder dates, const std::string& what) {
  if (value.number()) return *value.number();
  const auto text = value.text();
  const auto time = text ? parse_time(*text, dates) : std::nullopt;
  require<DataError>(time.has_value(), "{}: expected a time, got {}", what,
                     text ? fmt::format("\"{}\"", *text) : std::string(value.kind_name()));
  return *time;
}

void set_cell(Column& column, std::size_t row, JsonView value, DateOrder dates, const std::string& what) {
  if (value.kind() == JsonKind::null) return;
  if (column.type == ColumnType::text) {
    require<DataError>(value.text().has_value(), "{}: expected a text, got {}", what, value.kind_name());
    column.texts[row] = *value.text();
  } else if (column.type == ColumnType::time) {
    column.numbers[row] = time_in(value, dates, what);
  } else {
    require<DataError>(value.number().has_value(), "{}: expected a number, got {}", what, value.kind_name());
    column.numbers[row] = *value.number();
  }
}

Column empty_column(std::string name, ColumnType type, std::size_t rows) {
  Column column{.name = std::move(name), .type = type};
  if (type == ColumnType::text)
    column.texts.resize(rows);
  else
    column.numbers.assign(rows, missing);
  return column;
}

// The table of all columns that some row has.
Table table_of(const Pipeline& pipeline, DateOrder dates, JsonView rows) {
  const std::size_t count = rows.size();
  std::map<std::string, Column, std::less<>> columns;
  std::size_t row = 0;
  rows.for_each([&](JsonView object) {
    const std::string what = fmt::format("instances[{}]", row);
    require<DataError>(object.kind() == JsonKind::object, "{}: expected an object of named values, got {}", what,
                       object.kind_name());
    object.for_each_member([&](std::string_view name, JsonView value) {
      auto column = columns.find(name);
      if (column == columns.end()) {
        const auto type = pipeline.column_type(name);
        require<DataError>(type.has_value(), "{}: expected the columns {}, got \"{}\"", what,
                           names_of(pipeline.needed_columns()), name);
        column = columns.emplace(name, empty_column(std::string(name), *type, count)).first;
      }
      set_cell(column->second, row, value, dates, fmt::format("{}[\"{}\"]", what, name));
    });
    ++row;
  });
  Table table;
  for (auto& [name, column] : columns) table.add(std::move(column));
  require<DataError>(table.columns() > 0, "instances: expected the columns {}, got none",
                     names_of(pipeline.needed_columns()));
  return table;
}

void append_cell(std::string& out, const Column& column, std::size_t row, bool is_unknown) {
  if (column.type != ColumnType::text)
    append_number(out, static_cast<Scalar>(column.numbers[row]), Whole::with_point);
  else if (is_unknown)
    out += "null";
  else
    append_text(out, column.texts[row]);
}

}  // namespace

bool is_raw_row(const Servable& servable, JsonView row) {
  if (!servable.pipeline || row.kind() != JsonKind::object) return false;
  const std::string& input = servable.inputs[0].name;
  return row.size() != 1 || !row.member(input) || servable.pipeline->column_type(input).has_value();
}

RawRows raw_rows_of(const Servable& servable, JsonView rows) {
  RawRows raw{.table = table_of(*servable.pipeline, servable.dates, rows)};
  raw.features = servable.pipeline->apply(raw.table);
  raw.is_unknown.resize(static_cast<std::size_t>(raw.features.rows()));
  for (Index row = 0; row < raw.features.rows(); ++row) {
    if (!raw.features.row(row).hasNaN()) continue;
    raw.is_unknown[static_cast<std::size_t>(row)] = true;
    raw.features.row(row).setZero();
  }
  return raw;
}

std::string raw_answer(const Servable& servable, const RawRows& rows, const Matrix& outputs) {
  Matrix y = outputs;
  for (Index row = 0; row < y.rows(); ++row)
    if (rows.is_unknown[static_cast<std::size_t>(row)])
      y.row(row).setConstant(std::numeric_limits<Scalar>::quiet_NaN());
  const bool has_targets = !servable.pipeline->target_names().empty();
  const Table decoded = has_targets ? servable.pipeline->decode_targets(y, rows.table) : Table();
  const Shape& shape = servable.outputs[0].shape;
  std::string out = R"({"predictions":[)";
  for (Index row = 0; row < y.rows(); ++row) {
    if (row > 0) out += ',';
    if (!has_targets) {
      append_nested(out, y.data() + row * y.cols(), {shape.begin(), shape.end()}, Whole::with_point);
      continue;
    }
    out += '{';
    for (Index i = 0; i < decoded.columns(); ++i) {
      if (i > 0) out += ',';
      append_text(out, decoded.column(i).name);
      out += ':';
      const auto place = static_cast<std::size_t>(row);
      append_cell(out, decoded.column(i), place, rows.is_unknown[place]);
    }
    out += '}';
  }
  return out + "]}";
}

std::string raw_columns(const Servable& servable) {
  std::string out = "[";
  if (servable.pipeline)
    for (const std::string& name : servable.pipeline->needed_columns()) {
      const auto type = servable.pipeline->column_type(name);
      out += out.size() > 1 ? R"(,{"name":)" : R"({"name":)";
      append_text(out, name);
      out += fmt::format(R"(,"type":"{}"}})", type == ColumnType::text   ? "text"
                                              : type == ColumnType::time ? "time"
                                                                         : "number");
    }
  return out + ']';
}

}  // namespace maas::inline MAAS_ABI::serve
