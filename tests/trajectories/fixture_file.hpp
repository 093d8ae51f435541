// FixtureFile: reads the HDF5 fixtures made with Keras; unlike the library's reader it lists groups and reads numeric
// attributes.
#pragma once

#include <hdf5.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "maas/core/matrix.hpp"

namespace replay {

using maas::Index;
using maas::Matrix;
using maas::Scalar;

/// A dataset: its numbers row-major, and how far from them a result may be.
struct Numbers {
  std::vector<Index> dimensions;
  std::vector<double> values;
  double tolerance = -1;  ///< absolute; -1 if the file does not say
  bool integers = false;

  /// First axis = rows, all others in the columns; a single axis is one column.
  Matrix matrix() const {
    const Index rows = dimensions.empty() ? 1 : dimensions[0];
    Matrix result(rows, rows == 0 ? 0 : static_cast<Index>(values.size()) / rows);
    std::transform(values.begin(), values.end(), result.data(), [](double x) { return static_cast<Scalar>(x); });
    return result;
  }
};

/// An open fixture. Names are paths from the root, without a slash in front. Throws std::runtime_error naming file and
/// object where something is missing.
class FixtureFile {
 public:
  explicit FixtureFile(std::string path)
      : path_(std::move(path)), file_(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)) {
    if (file_ < 0) throw std::runtime_error(path_ + ": cannot be opened");
  }
  FixtureFile(const FixtureFile&) = delete;
  FixtureFile& operator=(const FixtureFile&) = delete;
  ~FixtureFile() { H5Fclose(file_); }

  const std::string& path() const { return path_; }

  bool has(const std::string& name) const {
    for (std::size_t end = name.find('/');; end = name.find('/', end + 1)) {
      if (H5Lexists(file_, name.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
      if (end == std::string::npos) return true;
    }
  }

  /// Names in a group, sorted.
  std::vector<std::string> children(const std::string& group) const {
    std::vector<std::string> names;
    if (!has(group)) return names;
    const hid_t id = opened(group);
    H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, nullptr, add_name, &names);
    H5Oclose(id);
    return names;
  }

  /// A text attribute of the root.
  std::string text(const std::string& attribute) const {
    const hid_t id = opened_attribute(file_, attribute);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    char* bytes = nullptr;
    const bool read = H5Aread(id, type, &bytes) >= 0;
    const std::string result = bytes == nullptr ? "" : bytes;
    H5free_memory(bytes);
    H5Tclose(type);
    H5Aclose(id);
    if (!read) throw std::runtime_error(path_ + ": the attribute " + attribute + " is no text");
    return result;
  }

  /// A whole number that is an attribute of the root.
  Index integer(const std::string& attribute) const { return static_cast<Index>(number(file_, attribute)); }

  Numbers numbers(const std::string& dataset) const {
    const hid_t id = opened(dataset), space = H5Dget_space(id), type = H5Dget_type(id);
    Numbers result;
    std::vector<hsize_t> dimensions(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
    H5Sget_simple_extent_dims(space, dimensions.data(), nullptr);
    result.dimensions.assign(dimensions.begin(), dimensions.end());
    result.values.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    result.integers = H5Tget_class(type) == H5T_INTEGER;
    if (H5Aexists(id, "tolerance") > 0) result.tolerance = number(id, "tolerance");
    const bool read = H5Dread(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, result.values.data()) >= 0;
    H5Tclose(type);
    H5Sclose(space);
    H5Oclose(id);
    if (!read) throw std::runtime_error(path_ + ": " + dataset + " cannot be read");
    return result;
  }

 private:
  static herr_t add_name(hid_t, const char* name, const H5L_info_t*, void* names) {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
  }
  hid_t opened(const std::string& name) const {
    if (!has(name)) throw std::runtime_error(path_ + ": there is no " + name);
    return H5Oopen(file_, name.c_str(), H5P_DEFAULT);
  }
  hid_t opened_attribute(hid_t object, const std::string& attribute) const {
    if (H5Aexists(object, attribute.c_str()) <= 0)
      throw std::runtime_error(path_ + ": there is no attribute " + attribute);
    return H5Aopen(object, attribute.c_str(), H5P_DEFAULT);
  }
  double number(hid_t object, const std::string& attribute) const {
    const hid_t id = opened_attribute(object, attribute);
    double value = 0;
    const bool read = H5Aread(id, H5T_NATIVE_DOUBLE, &value) >= 0;
    H5Aclose(id);
    if (!read) throw std::runtime_error(path_ + ": the attribute " + attribute + " is no number");
    return value;
  }

  std::string path_;
  hid_t file_;
};

}  // namespace replay
