#include "recipe/row_files.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "io/hdf5_parts.hpp"
#include "recipe/parts.hpp"
#include "recipe/place.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

// The rows of one table behind those of another that has the same columns.
Table joined(const Table& first, const Table& next) {
  Table all;
  for (Index i = 0; i < first.columns(); ++i) {
    Column column = first.column(i);
    const Column& more = next.column(column.name);
    column.numbers.insert(column.numbers.end(), more.numbers.begin(), more.numbers.end());
    column.texts.insert(column.texts.end(), more.texts.begin(), more.texts.end());
    all.add(std::move(column));
  }
  return all;
}

std::vector<Column> columns_of(const Table& table) {
  std::vector<Column> columns;
  for (Index i = 0; i < table.columns(); ++i) columns.push_back(table.column(i));
  return columns;
}

}  // namespace

void require_same_columns(std::span<const Column> first, const Table& next, const std::string& path,
                          const std::string& before) {
  require<DataError>(static_cast<Index>(first.size()) == next.columns(), "{}: expected {} columns, as in {}, got {}",
                     path, first.size(), before, next.columns());
  for (const Column& column : first) {
    require<DataError>(next.contains(column.name), "{}: expected a column \"{}\", as in {}, got none", path,
                       column.name, before);
    const Column& other = next.column(column.name);
    require<DataError>(other.type == column.type,
                       "{}: expected in column \"{}\" what {} has there, {}; got {}; data.types of a recipe says what "
                       "a column holds, data.dates how dates are meant",
                       path, column.name, before, type_text(column), type_text(other));
  }
}

Column counted_times(const RecipeTimes& times, Index first, Index count, const Table& rows, const std::string& source) {
  require<DataError>(!rows.contains(times.column),
                     "{}: expected no column \"{}\", as data.times of the recipe adds one of that name, got one",
                     source, times.column);
  Column column{.name = times.column, .type = ColumnType::time};
  const double start = parse_time(times.start).value();
  for (Index row = first; row < first + count; ++row)
    column.numbers.push_back(start + times.seconds * static_cast<double>(row));
  return column;
}

RowFiles::RowFiles(const Recipe& recipe)
    : file_column_(recipe.data.file_column), times_(recipe.data.times), reading_(recipe.data.csv) {
  std::vector<File> files;
  for (const std::string& name : recipe.data.files) {
    File file{.path = file_in(recipe.folder, name), .first = rows_};
    file.is_hdf5 = io::is_hdf5_file(file.path);
    file.parts = at_types(recipe, file.path,
                          [&] { return file.is_hdf5 ? io::hdf5_parts(file.path) : csv_parts(file.path, reading_); });
    if (!file.is_hdf5) reading_.dates = file.parts.dates;  // the next ones are read as those before
    require<DataError>(file.parts.rows > 0, "{}: expected rows, got none", file.path);
    rows_ += file.parts.rows;
    files.push_back(std::move(file));
  }
  const std::vector<Column> columns = columns_of(read_of(files.front(), 0, 1));
  for (std::size_t i = 1; i < files.size(); ++i)
    require_same_columns(columns, read_of(files[i], 0, 1), files[i].path, files[0].path);
  files_ = std::make_shared<const std::vector<File>>(std::move(files));
}

Table RowFiles::read_of(const File& file, Index first, Index count) const {
  Table table = file.parts.read(first, count);
  if (file.is_hdf5) io::set_types(table, reading_.types, file.path);
  if (!file_column_.empty())
    table.add({.name = file_column_,
               .type = ColumnType::text,
               .texts = std::vector<std::string>(static_cast<std::size_t>(count),
                                                 std::filesystem::path(file.path).stem().string())});
  if (times_) table.add(counted_times(*times_, file.first + first, count, table, file.path));
  return table;
}

Table RowFiles::read(Index first, Index count) const {
  const RowRange run{first, first + count};
  return read(std::span(&run, 1));
}

Table RowFiles::read(std::span<const RowRange> runs) const {
  std::optional<Table> all;
  for (const RowRange& run : runs)
    for (const File& file : *files_) {
      const Index begin = std::max(run.begin, file.first), end = std::min(run.end, file.first + file.parts.rows);
      if (begin >= end) continue;
      const Table part = read_of(file, begin - file.first, end - begin);
      all = all ? joined(*all, part) : part;
    }
  require<DataError>(all.has_value(), "expected rows of 0 to {}, got {}", rows_ - 1,
                     runs.empty() ? 0 : runs.front().begin);
  Index before = 0;  // rows of the runs before
  for (const RowRange& run : runs) {
    for (const RowRange& held : held_out_) {
      const Index begin = std::max(run.begin, held.begin), end = std::min(run.end, held.end);
      if (begin < end) all->hold_out(RowRange{before + begin - run.begin, before + end - run.begin});
    }
    before += run.size();
  }
  return std::move(*all);
}

}  // namespace maas::inline MAAS_ABI::recipe
