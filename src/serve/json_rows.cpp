#include "serve/json_rows.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <vector>

#include "maas/core/error.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

// In quotes, so that nothing in it is a mark of CSV; those in it twice.
void append_cell(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    out += c;
    if (c == '"') out += c;
  }
  out += '"';
}

constexpr std::size_t most_columns = 10000;  // each takes more than its name

// Places of columns by name.
class Header {
 public:
  explicit Header(std::string_view what) : what_(what) {}

  std::size_t place_of(std::string_view name) {
    const auto found = places_.find(name);
    if (found != places_.end()) return found->second;
    require<DataError>(!name.empty(), "{}: expected names of columns, got an empty one", what_);
    require<DataError>(name.find('\0') == name.npos, "{}: expected names without zero bytes, got one with", what_);
    require<DataError>(names_.size() < most_columns, "{}: expected at most {} names of columns, got more", what_,
                       most_columns);
    names_.emplace_back(name);
    return places_.emplace(name, names_.size() - 1).first->second;
  }

  std::size_t size() const { return names_.size(); }
  std::string line() const {
    std::string text;
    for (const std::string& name : names_) {
      if (!text.empty()) text += ',';
      append_cell(text, name);
    }
    return text + "\n";
  }

 private:
  std::string_view what_;
  std::vector<std::string> names_{};
  std::map<std::string, std::size_t, std::less<>> places_{};
};

std::string cell_of(JsonView value, std::string_view what, std::size_t row, std::string_view name) {
  std::string cell;
  switch (value.kind()) {
    case JsonKind::null:
      break;
    case JsonKind::boolean:
      cell = *value.boolean() ? "true" : "false";
      break;
    case JsonKind::number: {
      const double number = *value.number();
      require<DataError>(!std::isinf(number), "{}: expected a finite number in \"{}\" of row {}, got {}", what,
                         name.substr(0, 255), row, number);
      if (!std::isnan(number)) cell = value.integer() ? std::to_string(*value.integer()) : fmt::format("{}", number);
      break;
    }
    case JsonKind::text:
      require<DataError>(value.text()->find('\0') == std::string_view::npos,
                         "{}: expected texts without zero bytes, got one with in \"{}\" of row {}", what,
                         name.substr(0, 255), row);
      append_cell(cell, *value.text());
      break;
    default:
      fail<DataError>("{}: expected a number, a text, a truth value or null in \"{}\" of row {}, got {}", what,
                      name.substr(0, 255), row, value.kind_name());
  }
  return cell;
}

}  // namespace

std::string csv_of_rows(JsonView rows, std::string_view what, std::size_t most) {
  require<DataError>(rows.kind() == JsonKind::list && rows.size() > 0,
                     "{}: expected a list of rows, objects of named values, got {}", what,
                     rows.kind() == JsonKind::list ? "an empty one" : rows.kind_name());
  Header header(what);
  std::size_t number = 0;
  rows.for_each([&](JsonView row) {
    require<DataError>(row.kind() == JsonKind::object, "{}: expected an object of named values as row {}, got {}", what,
                       number, row.kind_name());
    row.for_each_member([&](std::string_view name, JsonView) { header.place_of(name); });
    ++number;
  });
  require<DataError>(header.size() > 0, "{}: expected rows of named values, got none with a name", what);
  // Each cell takes a comma at least: few rows of a name each would make a table of their square.
  const auto require_room = [&](std::size_t bytes) {
    if (bytes > most) fail_with(413, "{}: expected rows that make at most {} bytes of CSV, got more", what, most);
  };
  require_room(header.size() * (number + 1));

  std::string text = header.line();
  std::vector<std::string> cells;
  number = 0;
  rows.for_each([&](JsonView row) {
    cells.assign(header.size(), {});
    row.for_each_member([&](std::string_view name, JsonView value) {
      cells[header.place_of(name)] = cell_of(value, what, number, name);
    });
    if (cells.size() == 1 && cells[0].empty()) cells[0] = "\"\"";  // a line of nothing would be none
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) text += ',';
      text += cells[i];
    }
    text += '\n';
    require_room(text.size());
    ++number;
  });
  return text;
}

}  // namespace maas::inline MAAS_ABI::serve
