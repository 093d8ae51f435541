// HDF5 files as tables that are read part by part.
#pragma once

#include <string>

#include "data/table_parts.hpp"

namespace maas::inline MAAS_ABI::io {

/// The datasets of numbers in the root group of an HDF5 file, as columns of the names that read_hdf5 gives. The file
/// must not change while it is read. Throws as stream_hdf5 and read_hdf5.
TableParts hdf5_parts(const std::string& path);

}  // namespace maas::inline MAAS_ABI::io
