// Files of data: what is read from them goes into tables and streams.
#include <algorithm>
#include <fstream>
#include <set>

#include "data/file_rows.hpp"
#include "io/hdf5_file.hpp"
#include "io/hdf5_parts.hpp"
#include "maas/core/new_file.hpp"
#include "maas/io/hdf5.hpp"

namespace maas::inline MAAS_ABI {

namespace {

using io::Hdf5Reader;
using io::Hdf5Rows;

constexpr std::size_t deepest_group = 16, most_contents = 100000;
constexpr Index most_columns = 10000;

std::string joined_name(const std::string& group, const std::string& name) {
  return group.empty() ? name : group + "/" + name;
}

// Links that are not followed lead nowhere.
bool leads_to_group(const Hdf5Reader& file, const std::string& name) {
  try {
    return file.has_group(name);
  } catch (const FormatError&) {
    return false;
  }
}

// Groups may lie within each other in circles, so their number and depth are bounded.
void list_group(const Hdf5Reader& file, const std::string& group, std::size_t depth, std::size_t& seen,
                std::vector<Hdf5Content>& found) {
  for (const std::string& member : file.members(group)) {
    require<FormatError>(++seen <= most_contents, "{}: more than {} groups and datasets", file.path(), most_contents);
    const std::string name = joined_name(group, member);
    if (file.has_numbers(name))
      found.push_back({name, file.dimensions(name)});
    else if (depth < deepest_group && leads_to_group(file, name))
      list_group(file, name, depth + 1, seen, found);
  }
}

std::vector<std::string> numbers_in_root(const Hdf5Reader& file) {
  std::vector<std::string> names;
  for (const std::string& member : file.members(""))
    if (file.has_numbers(member)) names.push_back(member);
  require<FormatError>(!names.empty(), "{}: expected datasets of numbers in the root group, got none", file.path());
  return names;
}

// Rows of numbers as columns at the right of a table; one column has the name alone.
void add_columns_of(const std::string& name, Index columns, const std::vector<double>& numbers, Table& table) {
  const Index rows = columns == 0 ? 0 : static_cast<Index>(numbers.size()) / columns;
  for (Index column = 0; column < columns; ++column) {
    Column made{.name = columns == 1 ? name : name + "_" + std::to_string(column)};
    made.numbers.reserve(static_cast<std::size_t>(rows));
    for (Index row = 0; row < rows; ++row)
      made.numbers.push_back(numbers[static_cast<std::size_t>(row * columns + column)]);
    table.add(std::move(made));
  }
}

// n or n x m numbers as columns at the right of a table.
void add_columns(const Hdf5Reader& file, const std::string& name, Table& table) {
  const std::vector<Index> dimensions = file.dataset(name).dimensions;
  require<FormatError>(dimensions.size() == 1 || dimensions.size() == 2,
                       "{}: expected {} of 1 or 2 axes for a table, got {}", file.path(), name, dimensions.size());
  const Index rows = dimensions[0], columns = dimensions.size() == 1 ? 1 : dimensions[1];
  require<FormatError>(columns <= most_columns, "{}: expected at most {} columns in {}, got {}", file.path(),
                       most_columns, name, columns);
  require<FormatError>(table.columns() == 0 || rows == table.rows(),
                       "{}: expected {} rows in {}, as in the first dataset, got {}", file.path(), table.rows(), name,
                       rows);
  std::vector<double> numbers(static_cast<std::size_t>(rows * columns));
  file.read_doubles(name, dimensions, numbers.data());
  add_columns_of(name, columns, numbers, table);
}

/// A dataset that is read part by part as columns.
struct PartColumns {
  std::string name;
  Index rows, columns;

  PartColumns(const Hdf5Reader& file, std::string dataset) : name(std::move(dataset)) {
    const Hdf5Rows found = file.rows(name);
    const std::size_t axes = found.dimensions.size() + 1;
    rows = found.rows;
    columns = found.numbers;
    require<FormatError>(
        axes <= 2 && columns >= 1 && columns <= most_columns,
        "{}: expected {} of 1 or 2 axes, and of 1 to {} columns, for a table; got {} axes of {} numbers", file.path(),
        name, most_columns, axes, columns);
  }
};

/// Datasets that stand side by side.
struct SideBySide {
  std::vector<std::string> names;
  std::vector<Hdf5Rows> parts;

  SideBySide(const Hdf5Reader& file, std::vector<std::string> datasets) : names(std::move(datasets)) {
    for (const std::string& name : names) parts.push_back(file.rows(name));
  }
  Shape shape() const {
    if (parts.size() == 1)
      return parts[0].dimensions.empty() ? Shape{1} : Shape(std::span<const Index>(parts[0].dimensions));
    Index numbers = 0;
    for (const Hdf5Rows& part : parts) numbers += part.numbers;
    return Shape{numbers};
  }
  // "x, number 3"
  std::vector<std::string> number_names() const {
    constexpr Index most = 10000;  // they are for messages only
    std::vector<std::string> result;
    for (std::size_t i = 0; i < parts.size(); ++i)
      for (Index number = 0; number < parts[i].numbers && static_cast<Index>(result.size()) < most; ++number)
        result.push_back(parts[i].numbers == 1 ? names[i] : names[i] + "[" + std::to_string(number) + "]");
    return result;
  }
  void read(const Hdf5Reader& file, Index first, MatrixView out) const {
    if (parts.size() == 1) return file.read_rows(names[0], first, out.rows(), out.data());
    Index column = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      Matrix part(out.rows(), parts[i].numbers);
      file.read_rows(names[i], first, out.rows(), part.data());
      out.middleCols(column, part.cols()) = part;
      column += part.cols();
    }
  }
};

}  // namespace

std::vector<Hdf5Content> list_hdf5(const std::string& path) {
  const Hdf5Reader file(path);
  std::vector<Hdf5Content> found;
  std::size_t seen = 0;
  list_group(file, "", 0, seen, found);
  return found;
}

Table read_hdf5(const std::string& path, const std::vector<std::string>& datasets) {
  const std::uint64_t number = number_of_file(path);
  const Hdf5Reader file(path);
  Table table;
  for (const std::string& name : datasets.empty() ? numbers_in_root(file) : datasets) {
    if (table.columns() == 0 && !file.dataset(name).dimensions.empty())
      table.set_made_of({.rows = rows_of_file(number, 0, file.dataset(name).dimensions[0]), .why = ""});
    add_columns(file, name, table);
  }
  return table;
}

Streamed stream_hdf5(const std::string& path, const Hdf5StreamOptions& options) {
  require<ConfigError>(!options.features.empty(), "stream_hdf5: expected a dataset of features, got none");
  const auto file = std::make_shared<const Hdf5Reader>(path);
  const SideBySide features(*file, options.features), targets(*file, options.targets);
  const Hdf5Rows& first = features.parts[0];
  Index chunk_rows = 1;
  for (const SideBySide* side : {&features, &targets})
    for (std::size_t i = 0; i < side->parts.size(); ++i) {
      require<FormatError>(side->parts[i].rows == first.rows, "{}: expected {} rows in {}, as in {}, got {}", path,
                           first.rows, side->names[i], features.names[0], side->parts[i].rows);
      chunk_rows = std::max(chunk_rows, side->parts[i].chunk_rows);
    }
  StreamSource source{.read =
                          [file, features, targets](Index row, MatrixView x, MatrixView y) {
                            features.read(*file, row, x);
                            if (!targets.parts.empty()) targets.read(*file, row, y);
                          },
                      .rows = first.rows,
                      .features = features.shape(),
                      .targets = targets.shape(),
                      .name = path,
                      .feature_names = features.number_names(),
                      .target_names = targets.number_names(),
                      .chunk_rows = chunk_rows};
  return Streamed(std::move(source), options.stream);
}

TableParts io::hdf5_parts(const std::string& path) {
  const std::uint64_t number = number_of_file(path);
  const auto file = std::make_shared<const Hdf5Reader>(path);
  std::vector<PartColumns> parts;
  for (const std::string& name : numbers_in_root(*file)) {
    parts.emplace_back(*file, name);
    require<FormatError>(parts.back().rows == parts.front().rows, "{}: expected {} rows in {}, as in {}, got {}", path,
                         parts.front().rows, name, parts.front().name, parts.back().rows);
  }
  const Index rows = parts.front().rows;
  return {rows, [file, number, parts = std::move(parts)](Index first, Index count) {
            Table table;
            table.set_made_of({.rows = rows_of_file(number, first, count), .why = ""});
            for (const PartColumns& part : parts) {
              std::vector<double> numbers(static_cast<std::size_t>(count * part.columns));
              file->read_double_rows(part.name, first, count, numbers.data());
              add_columns_of(part.name, part.columns, numbers, table);
            }
            return table;
          }};
}

void write_hdf5(const std::string& path, const std::vector<NamedMatrix>& matrices) {
  std::set<std::string> names;
  for (const NamedMatrix& each : matrices) {
    const std::string path_of = "/" + each.name + "/";
    require<ConfigError>(path_of.find("//") == std::string::npos && path_of.find("/./") == std::string::npos &&
                             path_of.find('\0') == std::string::npos,
                         "write_hdf5: expected names such as \"x\" or \"group/x\", got \"{}\"", each.name);
    require<ConfigError>(names.insert(each.name).second, "write_hdf5: expected different names, got \"{}\" twice",
                         each.name);
  }
  NewFile file(path);
  io::Hdf5Writer writer(file.temporary(), path);
  for (const NamedMatrix& each : matrices) {
    const std::size_t end = each.name.rfind('/');
    if (end != std::string::npos) writer.group(each.name.substr(0, end));
    writer.rows(each.name, {each.values.rows(), each.values.cols()}, each.values.data());
  }
  writer.close();
  file.commit();
}

bool io::is_hdf5_file(const std::string& path) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  std::string begin(signature.size(), '\0');
  return std::ifstream(path, std::ios::binary).read(begin.data(), static_cast<std::streamsize>(begin.size())) &&
         begin == signature;
}

void io::set_types(Table& table, const std::map<std::string, ColumnType>& types, const std::string& path) {
  Table typed;
  for (Index i = 0; i < table.columns(); ++i) {
    Column column = table.column(i);
    const auto asked = types.find(column.name);
    if (asked != types.end()) {
      require<FormatError>(asked->second != ColumnType::text,
                           "{}: dataset \"{}\": expected a type of number or time, got text", path, column.name);
      column.type = asked->second;
    }
    typed.add(std::move(column));
  }
  table = std::move(typed);
}

}  // namespace maas::inline MAAS_ABI
