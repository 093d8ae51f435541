// Tables that are read part by part, as they are larger than memory.
#pragma once

#include <functional>
#include <string>

#include "maas/data/csv.hpp"
#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

/// Some rows at a time.
struct TableParts {
  Index rows = 0;
  /// The rows from `first` on, `count` of them, which must be there. Columns hold the same in every part. It may be
  /// called on several threads at once.
  std::function<Table(Index first, Index count)> read = nullptr;
  /// Of texts that are times: as CsvOptions::dates, but found where those leave it open and some date tells.
  DateOrder dates = DateOrder::automatic;
};

/// Of a CSV file. It is read twice when it is opened: to find where rows begin, and what columns hold, by the same
/// rules as read_csv's; but that an order of dates that options leave open is one for all columns. It must not change
/// afterwards. Throws as read_csv.
TableParts csv_parts(const std::string& path, const CsvOptions& options);

}  // namespace maas::inline MAAS_ABI
