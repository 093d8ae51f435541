#include "maas/recipe/table_file.hpp"

#include <fstream>

#include "maas/io/hdf5.hpp"
#include "recipe/row_files.hpp"

namespace maas::inline MAAS_ABI {

namespace recipe {

bool is_hdf5_file(const std::string& path) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  std::string begin(signature.size(), '\0');
  return std::ifstream(path, std::ios::binary).read(begin.data(), static_cast<std::streamsize>(begin.size())) &&
         begin == signature;
}

void set_types(Table& table, const std::map<std::string, ColumnType>& types, const std::string& path) {
  Table typed;
  for (Index i = 0; i < table.columns(); ++i) {
    Column column = table.column(i);
    const auto asked = types.find(column.name);
    if (asked != types.end()) {
      require<FormatError>(asked->second != ColumnType::text,
                           "{}: dataset \"{}\": expected a type of number or time, got text", path, column.name);
      column.type = asked->second;
    }
    typed.add(std::move(column));
  }
  table = std::move(typed);
}

}  // namespace recipe

Table read_table(const std::string& path, const CsvOptions& options) {
  CsvOptions used;
  return read_table(path, options, used);
}

Table read_table(const std::string& path, const CsvOptions& options, CsvOptions& used) {
  if (!recipe::is_hdf5_file(path)) return read_csv(path, options, used);
  Table table = read_hdf5(path);
  recipe::set_types(table, options.types, path);
  used = options;
  return table;
}

}  // namespace maas::inline MAAS_ABI
