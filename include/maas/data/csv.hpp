// CSV files: reading tables, writing matrices.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/config.hpp"
#include "maas/data/table.hpp"
#include "maas/data/times.hpp"

namespace maas::inline MAAS_ABI {

/// Whether the first line of a file holds the names of its columns.
enum class CsvHeader {
  first_line,  ///< it does
  none,        ///< it does not; columns are called "0", "1", ...
  automatic    ///< it does unless all its cells are numbers or missing
};

/// How a CSV file is read.
struct CsvOptions {
  char separator = '\0';  ///< between cells; 0: the most frequent of , ; and tab in the first line
  char decimal = '.';     ///< the decimal point of numbers
  CsvHeader header = CsvHeader::first_line;
  char comment = '\0';  ///< lines that start with it are passed over; 0: there are none
  /// Cells that mean "no value" in columns of numbers and times, besides empty ones.
  std::vector<std::string> missing = {"NA", "N/A", "NaN", "nan", "null"};
  /// What columns hold, by name; a cell that does not fit throws. Other columns hold numbers if all their cells are
  /// numbers or missing, else times likewise, else text.
  std::map<std::string, ColumnType> types = {};
  DateOrder dates = DateOrder::automatic;
};

/// As a tree, to be kept with a model, and from it: `separator`, `decimal` and `comment` as texts, empty for none;
/// `header` and `dates` by name ("first_line", "month_first"), `types` as an object. Keys that are not there keep their
/// defaults. Reading throws ConfigError, with `where` in front, for a tree that is none.
Config to_config(const CsvOptions& options);
void from_config(const Config& config, std::string_view where, CsvOptions& options);

/// Reads a whole file: UTF-8 with or without a byte order mark; lines end in LF, CRLF or CR; cells may stand in double
/// quotes, with "" for a quote inside; blanks around cells do not count, and empty lines are passed over. A column
/// without a name is called by its position, counted from 0; names that come again get ".1", ".2".
/// Whoever reads a file, here or as a stream, and as often as it is read, gets the same rows (see RowMarks), by their
/// places behind the header, until its size or its time of change is another: what has learned from them is not judged
/// by them.
/// Needs `maas::maas` to link. Throws FormatError "file:line:column: expected this, got that" (both counted from 1)
/// for a row of another length than the first, an open quote, a cell of the wrong type; and for a file that cannot be
/// read or is empty.
Table read_csv(const std::string& path, const CsvOptions& options = {});

/// The same, and how it was read: `used` becomes `options`, but where these leave the order of dates open with the one
/// that was found, so that other files are read likewise. It stays open where no date of the file would be another day
/// in the other order, and where columns differ in it: each is read by its own.
Table read_csv(const std::string& path, const CsvOptions& options, CsvOptions& used);

/// The same from text in memory, whose rows are new each time; `name` stands for the file in messages.
Table parse_csv(std::string_view text, const std::string& name, const CsvOptions& options = {});
Table parse_csv(std::string_view text, const std::string& name, const CsvOptions& options, CsvOptions& used);

/// A matrix as CSV text: one row a line, 9 significant digits (enough to get every float back), LF line ends; first the
/// names, if there are any. Throws ShapeError if there are not as many names as columns.
std::string csv_text(MatrixArg matrix, const std::vector<std::string>& names = {});

/// A table as CSV text: names first; numbers with as many digits as bring them back, missing ones empty; times as
/// format_time writes them (whole seconds), as numbers where one is beyond the years 0 to 9999; texts as they are, in
/// quotes where they need it.
std::string csv_text(const Table& table);

/// Writes that text to a file, which appears whole or not at all. Throws FormatError if it cannot be written.
void write_csv(const std::string& path, MatrixArg matrix, const std::vector<std::string>& names = {});
void write_csv(const std::string& path, const Table& table);

namespace detail {
/// What is put in quotes where nothing but commas and line ends separate cells.
inline constexpr std::string_view csv_special = ",\"\r\n";
/// A text as a cell: in quotes, with each quote twice, where it has one of the `special` characters.
std::string csv_cell(const std::string& text, std::string_view special = ",;\t\"\r\n# ");
}  // namespace detail

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/csv-inl.hpp"
#endif
