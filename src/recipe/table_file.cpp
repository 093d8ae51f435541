#include "maas/recipe/table_file.hpp"

#include "io/hdf5_parts.hpp"
#include "maas/io/hdf5.hpp"

namespace maas::inline MAAS_ABI {

Table read_table(const std::string& path, const CsvOptions& options) {
  CsvOptions used;
  return read_table(path, options, used);
}

Table read_table(const std::string& path, const CsvOptions& options, CsvOptions& used) {
  if (!io::is_hdf5_file(path)) return read_csv(path, options, used);
  Table table = read_hdf5(path);
  io::set_types(table, options.types, path);
  used = options;
  return table;
}

}  // namespace maas::inline MAAS_ABI
