// Parts of CSV files, for what does not read them as a whole.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/data/csv.hpp"

namespace maas::inline MAAS_ABI {

/// The separator that a file has whose beginning is `text`.
char csv_separator(std::string_view text, const CsvOptions& options);

/// Throws FormatError for text that begins as UTF-16 does.
void check_no_utf16(std::string_view text, const std::string& name);

/// How rows without a header are read.
struct CsvRows {
  std::string name;                         ///< of the file, in messages
  CsvOptions options = {};                  ///< with a separator
  Index columns = 0;                        ///< cells a row
  std::vector<Index> wanted = {};           ///< columns that must hold numbers, by position; csv_table takes all
  std::vector<std::string> wanted_names;    ///< of these, in messages; for csv_table of all columns
  std::vector<std::string> why_texts = {};  ///< of all columns: Column::why_text of those that options call texts
  bool tries_dates = false;                 ///< the options' order of dates is a guess, which messages do not name
  Index first_line = 1;                     ///< the number of the text's first line
  std::uint64_t file = 0;                   ///< number_of_file, for csv_table; 0: not known
  Index first_row = 0;                      ///< the place of the text's first row in it
};

/// The wanted columns of rows of text. Throws FormatError as parse_csv does.
std::vector<std::vector<double>> csv_numbers(std::string_view text, const CsvRows& rows);

/// All columns of rows of text, with the types that the options name, or else those of the text; why_text is told of
/// times, too: numbers in other rows may make texts of them. Throws as parse_csv.
Table csv_table(std::string_view text, const CsvRows& rows);

}  // namespace maas::inline MAAS_ABI
