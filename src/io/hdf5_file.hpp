// HDF5 files, as Keras uses them: groups, attributes of text, plain datasets. Only the files hdf5_* know HDF5.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/bytes.hpp"
#include "maas/core/error.hpp"
#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::io {

/// What a dataset is, before any of it is read.
struct Hdf5Dataset {
  std::vector<Index> dimensions;
  Index size() const;
};

/// A dataset whose rows are read part by part.
struct Hdf5Rows {
  Index rows = 0;                      ///< the first axis
  std::vector<Index> dimensions = {};  ///< the other axes
  Index numbers = 1;                   ///< a row
  Index chunk_rows = 1;                ///< that are stored together
};

/// Whether the first bytes are those of an HDF5 file.
bool is_hdf5(const Bytes& bytes);
/// Where an HDF5 file says that it ends; other bytes may follow. Nothing for files of new kinds, which old Keras does
/// not write and h5py does only if asked.
std::optional<std::uint64_t> hdf5_end(const Bytes& bytes);

/// Reads a file that may be hostile: only hard links are followed, only plain numeric datasets of the expected shape
/// are read, nothing outside the file is opened. Errors are FormatErrors that begin with the file's path.
class Hdf5Reader {
 public:
  /// Opens a file. Throws where it is missing, a folder, unreadable, not HDF5, truncated or damaged.
  explicit Hdf5Reader(const std::string& path) : Hdf5Reader(open_bytes(path), path) {}
  /// Opens bytes, which errors call `shown`.
  Hdf5Reader(BytesPointer bytes, std::string shown);
  ~Hdf5Reader();

  const std::string& path() const { return path_; }
  bool has_group(const std::string& group) const;
  /// The names of what is in a group, in alphabetical order. Throws where there is no such group.
  std::vector<std::string> members(const std::string& group) const;
  /// A text attribute in any of the encodings that versions of h5py have used; nothing if it is not there.
  std::optional<std::string> text(const std::string& group, const std::string& attribute) const;
  /// A list of names, which may be split over attributes name0, name1, ...; nothing if it is not there.
  std::optional<std::vector<std::string>> names(const std::string& group, const std::string& attribute) const;
  /// A dataset's dimensions. Throws where it is missing or not of a kind that is read.
  Hdf5Dataset dataset(const std::string& dataset) const;
  /// All numbers of a dataset of just these dimensions, row-major.
  void read(const std::string& dataset, const std::vector<Index>& dimensions, Scalar* out) const;
  /// The same as doubles.
  void read_doubles(const std::string& dataset, const std::vector<Index>& dimensions, double* out) const;
  /// A dataset of one number.
  double read_number(const std::string& dataset) const;

  /// The axes of a dataset of plain numbers of any size.
  std::vector<Index> dimensions(const std::string& dataset) const;
  /// Whether a path leads to a dataset of plain numbers; false also where it leads through links that are not followed.
  bool has_numbers(const std::string& dataset) const;
  /// A dataset of any size and at least one axis; what was never written is its fill value.
  Hdf5Rows rows(const std::string& dataset) const;
  /// Some rows of it, row-major. It stays open until the reader goes.
  void read_rows(const std::string& dataset, Index first, Index count, Scalar* out) const;
  /// The same as doubles.
  void read_double_rows(const std::string& dataset, Index first, Index count, double* out) const;

 private:
  struct Self;
  void read_rows_as(bool doubles, const std::string& dataset, Index first, Index count, void* out) const;

  std::string path_;
  std::unique_ptr<Self> self_;
};

/// Writes a new file with the physical properties of h5py's: superblock 0, contiguous datasets, no times. What
/// Hdf5Reader would refuse for its size is a FormatError that names the attribute or the dataset.
class Hdf5Writer {
 public:
  /// `path` is the file to write to; `shown_path` is the one named in errors.
  Hdf5Writer(const std::string& path, std::string shown_path);
  /// Writes to memory; image() gives what a file would hold.
  explicit Hdf5Writer(std::string shown_path);
  ~Hdf5Writer();

  /// Makes a group, and those above it.
  void group(const std::string& group);
  /// Gives a group a second name. The group that the name lies in must be there.
  void link(const std::string& group, const std::string& other_name);
  void text(const std::string& group, const std::string& attribute, const std::string& value);
  void names(const std::string& group, const std::string& attribute, const std::vector<std::string>& values);
  void floats(const std::string& dataset, const std::vector<Index>& dimensions, const Scalar* values);
  /// Numbers that are read part by part, and so may be more than floats() takes.
  void rows(const std::string& dataset, const std::vector<Index>& dimensions, const Scalar* values);
  void doubles(const std::string& dataset, const std::vector<Index>& dimensions, const double* values);
  void integer(const std::string& dataset, std::int64_t value);
  /// One number with all the digits of a double.
  void real(const std::string& dataset, double value);
  /// Writes everything to the disk's cache and closes the file. Throws FormatError when the disk is full.
  void close();
  /// All that was written to memory so far; valid until more is written, or the writer goes.
  std::string_view image();

 private:
  struct Self;
  void create(const std::string& path, bool in_memory);
  std::string path_;
  std::unique_ptr<Self> self_;
};

}  // namespace maas::inline MAAS_ABI::io
