#include "maas/recipe/table_file.hpp"

#include <fstream>

#include "maas/io/hdf5.hpp"

namespace maas::inline MAAS_ABI {

namespace {

bool is_hdf5(const std::string& path) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  std::string begin(signature.size(), '\0');
  return std::ifstream(path, std::ios::binary).read(begin.data(), static_cast<std::streamsize>(begin.size())) &&
         begin == signature;
}

}  // namespace

Table read_table(const std::string& path, const CsvOptions& options) {
  if (!is_hdf5(path)) return read_csv(path, options);
  const Table found = read_hdf5(path);
  Table table;
  for (Index i = 0; i < found.columns(); ++i) {
    Column column = found.column(i);
    const auto asked = options.types.find(column.name);
    if (asked != options.types.end()) {
      require<FormatError>(asked->second != ColumnType::text,
                           "{}: dataset \"{}\": expected a type of number or time, got text", path, column.name);
      column.type = asked->second;
    }
    table.add(std::move(column));
  }
  return table;
}

}  // namespace maas::inline MAAS_ABI
