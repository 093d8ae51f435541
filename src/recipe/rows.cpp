// The rows of a recipe: read from its files, and shared out for training, validation and the test.
#include <algorithm>
#include <filesystem>
#include <numeric>

#include "maas/data/folds.hpp"
#include "maas/data/split.hpp"
#include "maas/recipe/table_file.hpp"
#include "recipe/parts.hpp"
#include "recipe/row_files.hpp"
#include "recipe/run.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

void append_rows(std::vector<Column>& all, const Table& more, const std::string& path, const std::string& first) {
  require_same_columns(all, more, path, first);
  for (Column& column : all) {
    const Column& next = more.column(column.name);
    column.numbers.insert(column.numbers.end(), next.numbers.begin(), next.numbers.end());
    column.texts.insert(column.texts.end(), next.texts.begin(), next.texts.end());
  }
}

// Where the order of dates is open, files are read as those before them, whose dates tell. `reading` is how they were.
Table read_files(const Recipe& recipe, CsvOptions& reading) {
  const RecipeData& data = recipe.data;
  std::vector<Column> columns;
  std::string first;
  for (const std::string& name : data.files) {
    const std::string path = file_in(recipe.folder, name);
    Table table = at_types(recipe, path, [&] { return read_table(path, CsvOptions(reading), reading); });
    if (!data.file_column.empty())
      table.add({.name = data.file_column,
                 .type = ColumnType::text,
                 .texts = std::vector<std::string>(static_cast<std::size_t>(table.rows()),
                                                   std::filesystem::path(path).stem().string())});
    if (first.empty()) {
      for (Index i = 0; i < table.columns(); ++i) columns.push_back(table.column(i));
      first = path;
    } else {
      append_rows(columns, table, path, first);
    }
  }
  Table all;
  for (Column& column : columns) all.add(std::move(column));
  if (data.times) all.add(counted_times(*data.times, 0, all.rows(), all, first));
  require<DataError>(all.rows() > 0, "{}: expected rows, got none", place_of(recipe, "data").key("files").text());
  return all;
}

RowList numbers_from(Index begin, Index end, bool held_out = false) {
  RowList list{.rows = std::vector<Index>(static_cast<std::size_t>(end - begin)), .held_out = held_out};
  std::iota(list.rows.begin(), list.rows.end(), begin);
  return list;
}

// Of so many rows those that do not come again.
std::vector<Index> rows_once(Index rows, const DataReport& found) {
  std::vector<Index> kept;
  std::size_t next = 0;
  for (Index row = 0; row < rows; ++row) {
    if (next < found.duplicates.size() && found.duplicates[next].row == row)
      ++next;
    else
      kept.push_back(row);
  }
  return kept;
}

RowList chosen(const RowList& from, const RowList& places, bool held_out) {
  RowList result{.rows = {}, .held_out = held_out};
  for (Index place : places) result.rows.push_back(from.rows[static_cast<std::size_t>(place)]);
  return result;
}

// First the test is taken off all rows, then validation off what is left; `fold` parts so many rows.
template <class MakeFold>
Parts share_out(const RecipeSplit& split, Index rows, MakeFold&& fold) {
  Parts parts{.training = numbers_from(0, rows)};
  const auto take = [&](double share, RowList& part) {
    if (share <= 0) return;
    // 0.1 / 0.9 of 90 rows are not to be a row more by rounding.
    const HoldOutOptions options{.test_size = share * (1 - 1e-12), .seed = static_cast<std::uint64_t>(split.seed)};
    const RowList before = parts.training;
    const Fold found = fold(before, options);
    parts.training = chosen(before, found.train, false);
    part = chosen(before, found.test, true);
  };
  take(split.test, parts.test);
  take(split.validation / (1 - split.test), parts.validation);
  return parts;
}

const Column& split_column(const Recipe& recipe, const Table& table) {
  const Place place = place_of(recipe, "split").key("column");
  require<DataError>(table.contains(recipe.split.column), "{}: expected a column of the rows, got \"{}\"", place.text(),
                     recipe.split.column);
  return table.column(recipe.split.column);
}

Parts random_parts(const Recipe& recipe, Index rows) {
  return share_out(recipe.split, rows, [](const RowList& list, const HoldOutOptions& options) {
    return maas::split_rows(list.size(), options);
  });
}

// By the labels of a column, for classes or for groups.
template <class Split>
Parts labelled_parts(const Recipe& recipe, const Table& table, Split&& split) {
  const Column& column = split_column(recipe, table);
  return share_out(recipe.split, table.rows(), [&](const RowList& list, const HoldOutOptions& options) {
    Table only;
    only.add(column);
    return split(Labels(list.of(only).column(0)), options);
  });
}

Parts group_parts(const Recipe& recipe, const Table& table) {
  const RecipeSplit& split = recipe.split;
  const Place place = place_of(recipe, "split");
  require<DataError>(table.contains(split.column) && table.column(split.column).type == ColumnType::text,
                     "{}: expected a column of texts, got \"{}\"", place.key("column").text(), split.column);
  const std::vector<std::string>& groups = table.texts(split.column);
  const auto is_in = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& [key, names] :
       {std::pair("validation_groups", &split.validation_groups), std::pair("test_groups", &split.test_groups)})
    for (const std::string& name : *names)
      require<DataError>(is_in(groups, name), "{}: expected groups that \"{}\" has, got \"{}\"", place.key(key).text(),
                         split.column, name);
  Parts parts;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    const bool tests = is_in(split.test_groups, groups[row]), validates = is_in(split.validation_groups, groups[row]);
    require<ConfigError>(!tests || !validates, "{}: expected each group on one side, got \"{}\" on two", place.text(),
                         groups[row]);
    (tests ? parts.test : validates ? parts.validation : parts.training).rows.push_back(static_cast<Index>(row));
  }
  require<DataError>(!parts.training.rows.empty(), "{}: expected rows for training, got none", place.text());
  return parts;
}

Parts parts_of(const Recipe& recipe, const Table& table) {
  const RecipeSplit& split = recipe.split;
  if (split.by == SplitBy::random) return random_parts(recipe, table.rows());
  if (split.by == SplitBy::stratified) return labelled_parts(recipe, table, split_stratified);
  if (split.by == SplitBy::group)
    return split.validation_groups.empty() && split.test_groups.empty() ? labelled_parts(recipe, table, split_by_group)
                                                                        : group_parts(recipe, table);
  const TimeSplit found = split_by_time(table.rows(), split.validation, split.test);
  return {numbers_from(found.train.begin, found.train.end),
          numbers_from(found.validation.begin, found.validation.end, true),
          numbers_from(found.test.begin, found.test.end, true)};
}

}  // namespace

RowList Parts::before_test() const {
  RowList all = training;
  all.rows.insert(all.rows.end(), validation.rows.begin(), validation.rows.end());
  std::sort(all.rows.begin(), all.rows.end());
  return all;
}

Parts part_rows(const Recipe& recipe, const Table& table) {
  return at_place(place_of(recipe, "split"), "", [&] { return parts_of(recipe, table); });
}

RecipeRowsRead read_rows(const Recipe& recipe) {
  CsvOptions reading = recipe.data.csv;
  Table table = read_files(recipe, reading);
  DataReport found = report(table);
  const Index all = table.rows();
  if (recipe.data.drop_duplicates) table = table.select(rows_once(all, found));
  const Index duplicates = all - table.rows();
  return {std::move(table), std::move(found), duplicates, std::move(reading)};
}

PartedRows parted_rows(const Recipe& recipe) {
  PartedRows found{read_rows(recipe), {}, {}, {}, {}};
  Table& table = found.read.table;
  found.parts = part_rows(recipe, table);
  table.hold_out(found.parts.test);  // validation rows are learned from in folds
  found.training = found.parts.training.of(table);
  found.validation = found.parts.validation.of(table);
  found.test = found.parts.test.of(table);
  return found;
}

std::vector<Index> rows_of_files(const Recipe& recipe, Index rows, Index duplicates, const DataReport& found) {
  if (recipe.data.drop_duplicates) return rows_once(rows + duplicates, found);
  return numbers_from(0, rows).rows;
}

}  // namespace maas::inline MAAS_ABI::recipe
