// docs/keras-compatibility.md says what of Keras there is: here it is held against what the library registers, and
// against what Keras has.
#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "maas/constraints/constraints.hpp"
#include "maas/initializers/initializers.hpp"
#include "maas/layers/layers.hpp"
#include "maas/metrics/metrics.hpp"
#include "maas/optimizers/optimizers.hpp"
#include "support/catch.hpp"
#include "support/keras_json.hpp"

using namespace maas;

namespace {

/// One row of a table of classes.
struct Row {
  std::vector<std::string> classes, arguments;
  std::vector<std::string> mentioned;  // classes, and those with words behind them: "softmax (function)"
  bool all_arguments = false;          // "(all of the loss)" stands for them
  std::string here;
};

/// What one section of the page says.
struct Section {
  std::vector<Row> rows;
  std::set<std::string> of_all;  // arguments in the table of what holds for all
};

std::string trimmed(std::string text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(trimmed(part));
  return parts;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells = split(line, '|');
  if (!cells.empty()) cells.erase(cells.begin());  // before the first bar
  return cells;
}

/// Names in backticks.
std::vector<std::string> quoted(const std::string& cell) {
  std::vector<std::string> names;
  for (std::size_t at = cell.find('`'); at != std::string::npos;) {
    const std::size_t end = cell.find('`', at + 1);
    if (end == std::string::npos) break;
    names.push_back(cell.substr(at + 1, end - at - 1));
    at = cell.find('`', end + 1);
  }
  return names;
}

bool is_name(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

/// Class names of a cell. One in quotation marks is a name that Keras takes as a text; one with words behind it names
/// no class of the library.
std::vector<std::string> classes_of(const std::string& cell) {
  std::vector<std::string> names;
  for (std::string name : split(cell, ',')) {
    std::erase_if(name, [](char c) { return c == '`' || c == '"'; });
    if (is_name(name)) names.push_back(name);
  }
  return names;
}

/// The same, of whatever words stand behind them.
std::vector<std::string> mentioned_in(const std::string& cell) {
  std::string names;
  for (const std::string& name : split(cell, ',')) names += name.substr(0, name.find(' ')) + ",";
  return classes_of(names);
}

std::map<std::string, Section> read_page() {
  std::ifstream file(tests::own_fixture("../../docs/keras-compatibility.md"));
  std::map<std::string, Section> sections;
  std::string line, heading, table;
  std::vector<std::string> classes, mentioned;
  while (std::getline(file, line)) {
    if (line.starts_with("## ")) heading = line.substr(3);
    if (!line.starts_with("|")) table.clear();
    if (!line.starts_with("|") || line.starts_with("|--")) continue;
    const std::vector<std::string> cells = cells_of(line);
    Section& section = sections[heading];
    if (table.empty()) {
      table = cells[0];
    } else if (table == "Keras") {
      for (const std::string& name : quoted(cells[0])) section.of_all.insert(name);
    } else if (table == "Class" && cells.size() >= 3) {
      if (!cells[0].empty()) {
        classes = classes_of(cells[0]);
        mentioned = mentioned_in(cells[0]);
      }
      section.rows.push_back({classes, quoted(cells[1]), mentioned, cells[1].starts_with("(all"), cells[2]});
    }
  }
  return sections;
}

bool is_there(const Row& row) { return row.here == "same" || row.here == "different" || row.here == "only here"; }

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

/// The classes a family registers, and the fields of each.
template <class Catalog>
std::map<std::string, std::vector<std::string>> registered() {
  std::map<std::string, std::vector<std::string>> result;
  Catalog::for_each([&](const auto& part) {
    std::vector<std::string>& fields = result[std::string(part.class_name)];
    const Config config = write_config(part);
    for (const auto& [name, value] : config.as_object()) fields.push_back(name);
  });
  return result;
}

/// Rows for all that is registered, and for nothing that is not.
template <class Catalog>
void check_section(const std::map<std::string, Section>& page, const std::string& heading) {
  INFO(heading);
  REQUIRE(page.count(heading) == 1);
  const Section& section = page.at(heading);
  const auto parts = registered<Catalog>();
  for (const auto& [name, fields] : parts) {
    INFO(name);
    bool has_row = false;
    std::set<std::string> arguments = section.of_all;
    bool all = false;
    for (const Row& row : section.rows) {
      if (!contains(row.classes, name) || !is_there(row)) continue;
      has_row = true;
      all = all || row.all_arguments;
      arguments.insert(row.arguments.begin(), row.arguments.end());
    }
    CHECK(has_row);
    for (const std::string& field : fields) {
      INFO("field " << field);
      CHECK((all || arguments.count(field) == 1));
    }
  }
  for (const Row& row : section.rows)
    for (const std::string& name : row.classes) {
      INFO("the row of " << name << ", " << row.here);
      const auto part = parts.find(name);
      const bool has_arguments = !row.arguments.empty();
      // Other names that Keras has for classes.
      const std::set<std::string> others{"acc", "crossentropy", "ce", "swish", "hard_swish"};
      if (is_there(row) && !others.contains(name)) CHECK(part != parts.end());
      if (row.here == "missing" && !has_arguments) CHECK(part == parts.end());
      CHECK((is_there(row) || row.here == "missing"));
      if (part == parts.end() || (row.here != "same" && row.here != "only here")) continue;
      for (const std::string& argument : row.arguments) {
        INFO("argument " << argument);
        CHECK(contains(part->second, argument));
      }
    }
}

/// The page has a row for a class of Keras, and says something of each of its arguments; of a class that is missing as
/// a whole it need not.
void check_keras_class(const Section& section, const std::string& name, const Config& arguments) {
  INFO(name);
  std::set<std::string> said = section.of_all;
  bool has_row = false, all = false;
  for (const Row& row : section.rows) {
    if (!contains(row.mentioned, name)) continue;
    has_row = true;
    all = all || (row.here == "missing" && row.arguments.empty());
    said.insert(row.arguments.begin(), row.arguments.end());
  }
  CHECK(has_row);
  for (const Config& argument : arguments.as_list()) {
    INFO("argument " << argument.as_string());
    CHECK((all || said.contains(argument.as_string())));
  }
}

}  // namespace

TEST_CASE("the page of compatibility has a row for every class of Keras, and for each of its arguments") {
  const std::map<std::string, Section> page = read_page();
  const Config keras = tests::keras_json("api.json").at("families");
  CHECK(keras.as_object().size() == 11);
  for (const auto& [family, classes] : keras.as_object()) {
    INFO(family);
    REQUIRE(page.contains(family));
    for (const auto& [name, arguments] : classes.as_object()) check_keras_class(page.at(family), name, arguments);
  }
}

TEST_CASE("the page of compatibility has a row for all that is registered, and for nothing else") {
  const std::map<std::string, Section> page = read_page();
  check_section<BuiltinActivations>(page, "Activations");
  check_section<BuiltinInitializers>(page, "Initializers");
  check_section<BuiltinRegularizers>(page, "Regularizers");
  check_section<BuiltinConstraints>(page, "Constraints");
  check_section<BuiltinLosses>(page, "Losses");
  check_section<BuiltinOptimizers>(page, "Optimizers");
  check_section<BuiltinSchedules>(page, "Schedules");
  check_section<BuiltinLayers>(page, "Layers");
  check_section<BuiltinMetrics>(page, "Metrics");
}
