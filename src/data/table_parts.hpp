// Tables that are read part by part, as they are larger than memory.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "maas/data/csv.hpp"
#include "maas/data/split.hpp"
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

  /// Calls `visit(part)` for all rows, so many at a time, in order.
  template <class Visit>
  void for_each(Index rows_a_part, Visit&& visit) const {
    for (Index first = 0; first < rows; first += rows_a_part) visit(read(first, std::min(rows_a_part, rows - first)));
  }
  /// The same, to learn from. Throws DataError where one is held out.
  template <class Visit>
  void learn_from_each(Index rows_a_part, Visit&& visit) const {
    for_each(rows_a_part, [&](Table part) {
      detail::require_training("stream", part);
      visit(std::move(part));
    });
  }
};

/// Rows that are looked at together: as many as are asked for; 0: about 1 MiB of numbers.
Index rows_a_part(const TableParts& parts, Index asked);

/// The rows that are meant: all where none are asked for. Throws DataError that begins with `name` for those that are
/// not there, and for none.
RowRange range_of(const TableParts& parts, const std::optional<RowRange>& asked, const std::string& name);

/// "numbers", "times", "texts": with where a file says so, if it is known: "texts (a.csv:3:1: expected a number, ...)".
std::string type_text(const Column& column);

/// What a column of some name holds, where it is known.
using ColumnTypes = std::function<std::optional<ColumnType>(std::string_view name)>;

/// Of a CSV file. It is read twice when it is opened: to find where rows begin, and what columns hold, by the same
/// rules as read_csv's; but that an order of dates that options leave open is one for all columns. It must not change
/// afterwards. Columns that the options' types do not name hold what `known` says, if it is given. Throws as read_csv.
TableParts csv_parts(const std::string& path, const CsvOptions& options, const ColumnTypes& known = nullptr);

}  // namespace maas::inline MAAS_ABI
