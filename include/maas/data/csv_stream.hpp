// Samples out of a CSV file that is larger than memory.
#pragma once

#include <string>
#include <vector>

#include "maas/data/csv.hpp"
#include "maas/data/streamed.hpp"

namespace maas::inline MAAS_ABI {

/// Which columns are samples, and how they are read. All of them hold numbers.
struct CsvStreamOptions {
  std::vector<std::string> features = {};  ///< none: all that are no targets
  std::vector<std::string> targets = {};   ///< may be none, for prediction alone
  CsvOptions csv = {};                     ///< its `types` are not looked at
  StreamOptions stream = {};               ///< with `keep_missing` empty cells are NaN, else an error
};

/// Samples of a CSV file, row by row: see Streamed. The file is read once when it is opened, to find where rows begin;
/// it must not change afterwards. Needs `maas::maas` to link. Throws FormatError as read_csv does ("file:line:column:
/// ..."): for its beginning when it is opened, for its rows when they are read.
Streamed stream_csv(const std::string& path, const CsvStreamOptions& options = {});

}  // namespace maas::inline MAAS_ABI
