#include "data/table_parts.hpp"

#include <algorithm>

namespace maas::inline MAAS_ABI {

Index rows_a_part(const TableParts& parts, Index asked) {
  if (asked > 0) return std::min(asked, parts.rows);
  constexpr Index bytes = 1 << 20;
  const Index columns = std::max<Index>(parts.read(0, 1).columns(), 1);
  return std::clamp<Index>(bytes / (columns * static_cast<Index>(sizeof(double))), 1, parts.rows);
}

RowRange range_of(const TableParts& parts, const std::optional<RowRange>& asked, const std::string& name) {
  const RowRange range = asked.value_or(RowRange{0, parts.rows});
  require<DataError>(range.begin >= 0 && range.begin < range.end && range.end <= parts.rows,
                     "{}: expected at least 1 row within 0 to {}, got {} to {}", name, parts.rows, range.begin,
                     range.end);
  return range;
}

std::string type_text(const Column& column) {
  const std::string type = column.type == ColumnType::text   ? "texts"
                           : column.type == ColumnType::time ? "times"
                                                             : "numbers";
  return column.why_text.empty() ? type : type + " (" + column.why_text + ")";
}

}  // namespace maas::inline MAAS_ABI
