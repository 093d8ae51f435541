// Writing of CSV files. Reading stands in src/data/csv.cpp, since a library does the parsing.
#pragma once

#include <fmt/format.h>

#include <iterator>

#include "maas/core/new_file.hpp"
#include "maas/data/csv.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// In quotes where the text could be taken for more than one cell.
inline std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",;\t\"\r\n# ") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace detail

MAAS_INLINE std::string csv_text(MatrixArg matrix, const std::vector<std::string>& names) {
  require<ShapeError>(names.empty() || static_cast<Index>(names.size()) == matrix.cols(),
                      "csv_text: expected as many names as columns, got {} names and {} columns", names.size(),
                      matrix.cols());
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) text += (i > 0 ? "," : "") + detail::csv_cell(names[i]);
  if (!names.empty()) text += '\n';
  for (Index row = 0; row < matrix.rows(); ++row) {
    for (Index column = 0; column < matrix.cols(); ++column) {
      if (column > 0) text += ',';
      fmt::format_to(std::back_inserter(text), "{:.9g}", matrix(row, column));
    }
    text += '\n';
  }
  return text;
}

MAAS_INLINE void write_csv(const std::string& path, MatrixArg matrix, const std::vector<std::string>& names) {
  NewFile file(path);
  file.write(csv_text(matrix, names));
  file.commit();
}

}  // namespace maas::inline MAAS_ABI
