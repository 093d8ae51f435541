// HDF5 files of data: as tables, as streams of samples, and written.
#pragma once

#include <string>
#include <vector>

#include "maas/data/streamed.hpp"
#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

/// One dataset of a file: "x", or "drives/first/x" within groups.
struct Hdf5Content {
  std::string name;
  std::vector<Index> dimensions;  ///< rows first; none: one number
};

/// The datasets of plain numbers that a file holds, group by group in alphabetical order; others (texts, booleans) are
/// passed over. Needs `maas::maas` to link, as all of these. Throws FormatError for what is no HDF5 file, is damaged,
/// or is of a form that is not read (links between files, virtual datasets, the "latest" format).
std::vector<Hdf5Content> list_hdf5(const std::string& path);

/// Reads datasets of plain numbers into columns: one of n or n x 1 numbers becomes a column of its name; one of more
/// numbers a row becomes as many columns, "name_0", "name_1" and so on. All must have as many rows. None named: all
/// that stand in the root group. Rows of a file are the same rows each time it is read, as in read_csv. Throws
/// FormatError that names file and dataset: where there is none, of texts or of more axes, of another number of rows,
/// or of more than 2 GiB; DataError where two would make columns of one name.
Table read_hdf5(const std::string& path, const std::vector<std::string>& datasets = {});

/// Which datasets are samples, and how they are read. The first axis counts samples, the others are the shape of one.
struct Hdf5StreamOptions {
  std::vector<std::string> features = {"x"};  ///< several stand side by side, flat
  std::vector<std::string> targets = {"y"};   ///< likewise; may be none, for prediction alone
  StreamOptions stream = {};
};

/// Samples of a file that is larger than memory: see Streamed. Datasets may be contiguous, in chunks or packed
/// (deflate, shuffle), of integers or floats; numbers that were never written are the dataset's fill value. The file is
/// checked when it is opened, and must not change while it is read. Blocks are whole chunks unless options say
/// otherwise. Throws FormatError that names file and dataset: where one is missing, holds no plain numbers, has another
/// number of rows than the first, chunks of more than 256 MiB or samples of more than 256 MiB; later, where the data
/// are damaged, also the rows.
Streamed stream_hdf5(const std::string& path, const Hdf5StreamOptions& options = {});

/// A matrix under a name.
struct NamedMatrix {
  std::string name;  ///< of the dataset; "group/name" makes the group
  Matrix values;
};

/// Writes matrices as contiguous datasets of floats (doubles, in the double build) for h5py and its like; the file
/// appears whole or not at all. Each has two axes, rows first; read_hdf5 gives a matrix of one column back as a
/// column of its name. Throws FormatError where it cannot be written, ConfigError for names that are empty or
/// come twice.
void write_hdf5(const std::string& path, const std::vector<NamedMatrix>& matrices);

}  // namespace maas::inline MAAS_ABI
