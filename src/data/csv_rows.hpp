// Parts of CSV files, for what does not read them as a whole.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/data/csv.hpp"

namespace maas::inline MAAS_ABI {

/// The separator that a file has whose beginning is `text`.
char csv_separator(std::string_view text, const CsvOptions& options);

/// How rows without a header are read.
struct CsvRows {
  std::string name;                       ///< of the file, in messages
  CsvOptions options = {};                ///< with a separator
  Index columns = 0;                      ///< cells a row
  std::vector<Index> wanted = {};         ///< columns that must hold numbers, by position
  std::vector<std::string> wanted_names;  ///< of these, in messages
  Index first_line = 1;                   ///< the number of the text's first line
};

/// The wanted columns of rows of text. Throws FormatError as parse_csv does.
std::vector<std::vector<double>> csv_numbers(std::string_view text, const CsvRows& rows);

}  // namespace maas::inline MAAS_ABI
