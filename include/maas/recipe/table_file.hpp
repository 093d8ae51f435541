// Tables from files of either kind.
#pragma once

#include <string>

#include "maas/data/csv.hpp"

namespace maas::inline MAAS_ABI {

/// A table from an HDF5 file, which its first bytes tell, or else from CSV. Of HDF5 all datasets of numbers in the root
/// group are columns (see read_hdf5), and of the options only `types` count: one that holds times has seconds since
/// 1970. Throws as read_csv and read_hdf5; FormatError for datasets that are to hold texts.
Table read_table(const std::string& path, const CsvOptions& options = {});
/// The same, and how it was read: see read_csv.
Table read_table(const std::string& path, const CsvOptions& options, CsvOptions& used);

}  // namespace maas::inline MAAS_ABI
