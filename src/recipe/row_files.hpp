// The rows of a recipe's files, read part by part.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/table_parts.hpp"
#include "maas/data/split.hpp"
#include "maas/recipe/recipe.hpp"
#include "recipe/place.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// Throws DataError that names the files where the columns of `path` are not those of the file `before`.
void require_same_columns(std::span<const Column> first, const Table& next, const std::string& path,
                          const std::string& before);

/// The column of times that a recipe counts, for `count` of the rows of its files from row `first` of all on. Throws
/// DataError where `rows` have a column of that name; `source` is the file that they are of.
Column counted_times(const RecipeTimes& times, Index first, Index count, const Table& rows, const std::string& source);

/// What `work` gives, which reads a file of the recipe. An error that lacks a column whose type the recipe tells has
/// the key in front.
template <class Work>
auto at_types(const Recipe& recipe, const std::string& path, Work&& work) {
  try {
    return work();
  } catch (const FormatError& error) {
    for (const auto& [name, type] : recipe.data.csv.types)
      require<FormatError>(
          !std::string_view(error.what()).starts_with(fmt::format("{}: expected a column \"{}\", got ", path, name)),
          "{}: {}", Place{recipe.source}.key("data").key("types").key(name).text(), error.what());
    throw;
  }
}

/// The files that follow each other, as one table of which only parts are in memory. Copies share the open files, but
/// each has its own rows that are held out.
class RowFiles {
 public:
  /// Throws what read_table throws, and DataError for files of other columns than the first, or without rows.
  explicit RowFiles(const Recipe& recipe);

  Index rows() const { return rows_; }
  /// How the files were read: as the recipe says, but with the order of dates that was found.
  const CsvOptions& reading() const { return reading_; }
  /// Whatever is read of these rows later is held out (see Table::hold_out).
  void hold_out(const RowRange& rows) { held_out_.push_back(rows); }
  /// Some rows, which must be there. It may be called on several threads at once.
  Table read(Index first, Index count) const;
  /// Likewise the rows of several runs, one after another.
  Table read(std::span<const RowRange> runs) const;

 private:
  struct File {
    std::string path;
    Index first = 0;  // of its rows among all
    bool is_hdf5 = false;
    TableParts parts = {};
  };
  Table read_of(const File& file, Index first, Index count) const;

  std::shared_ptr<const std::vector<File>> files_;
  std::vector<RowRange> held_out_;
  std::string file_column_;
  std::optional<RecipeTimes> times_;
  CsvOptions reading_;
  Index rows_ = 0;
};

}  // namespace maas::inline MAAS_ABI::recipe
