// HDF5 files as tables that are read part by part.
#pragma once

#include <map>
#include <string>

#include "data/table_parts.hpp"

namespace maas::inline MAAS_ABI::io {

/// The datasets of numbers in the root group of an HDF5 file, as columns of the names that read_hdf5 gives. The file
/// must not change while it is read. Throws as stream_hdf5 and read_hdf5.
TableParts hdf5_parts(const std::string& path);

/// By its first bytes.
bool is_hdf5_file(const std::string& path);
/// Columns of a file of datasets hold numbers, or times where these types say so. Throws FormatError for texts.
void set_types(Table& table, const std::map<std::string, ColumnType>& types, const std::string& path);

}  // namespace maas::inline MAAS_ABI::io
