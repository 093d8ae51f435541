// The reference tables made with Keras: HDF5 files of cases.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/hdf5_file.hpp"
#include "io/json.hpp"
#include "maas/core/matrix.hpp"
#include "support/paths.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Where a table is: in tables/ below MAAS_FIXTURES if that is set, else beside the repository.
inline std::string table_path(const std::string& name) { return fixture(fmt::format("tables/{}", name)); }
inline bool has_table(const std::string& name) { return std::filesystem::exists(table_path(name)); }

/// A table being read. Numbers come in the precision of the program.
class Table {
 public:
  explicit Table(const std::string& name) : file_(table_path(name)) {}

  std::vector<std::string> members(const std::string& group) const { return file_.members(group); }
  bool contains(const std::string& group, const std::string& member) const {
    for (const std::string& name : file_.members(group))
      if (name == member) return true;
    return false;
  }
  std::string text(const std::string& group, const std::string& attribute) const {
    return file_.text(group, attribute).value_or("");
  }
  Config json(const std::string& group, const std::string& attribute) const {
    return io::parse_json(text(group, attribute), group + " " + attribute);
  }
  std::vector<Index> dimensions(const std::string& dataset) const { return file_.dataset(dataset).dimensions; }
  /// A dataset as rows of its last axis; one of a single axis as a column.
  Matrix rows(const std::string& dataset) const {
    const std::vector<Index> sizes = dimensions(dataset);
    const Index columns = sizes.size() < 2 ? 1 : sizes.back();
    Index all = 1;
    for (Index size : sizes) all *= size;
    Matrix result(columns == 0 ? 0 : all / columns, columns);
    file_.read(dataset, sizes, result.data());
    return result;
  }

 private:
  io::Hdf5Reader file_;
};

}  // namespace maas::inline MAAS_ABI::tests
