// Links of a group that HDF5 keeps outside its header: those of groups with a name that is not ASCII, from nine on.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "io/hdf5_field.hpp"

namespace maas::inline MAAS_ABI::io {

/// Checks the heap of link messages and the tree of their names. Of all that HDF5's heaps and trees may be, only what
/// the library itself makes for links is let pass, and sums are checked. Throws FormatError.
class LinkStore {
 public:
  /// Gives so many bytes at a place that is visited once, and begins with a signature; "" for no signature.
  using Bytes =
      std::function<Field(const Field& from, std::uint64_t at, std::uint64_t size, std::string_view signature)>;

  explicit LinkStore(Bytes bytes) : bytes_(std::move(bytes)) {}

  /// The link messages that the tree names. `from` says where both lie.
  std::vector<Field> messages(const Field& from, std::uint64_t heap, std::uint64_t tree);

 private:
  Field summed(const Field& from, std::uint64_t at, std::uint64_t size, std::string_view signature);
  void read_heap(const Field& from, std::uint64_t address);
  void read_blocks(const Field& from, std::uint64_t heap, std::uint64_t address, std::uint64_t rows);
  void read_block(const Field& from, std::uint64_t heap, std::uint64_t address, std::uint64_t start,
                  std::uint64_t size);
  void read_tree(const Field& from, std::uint64_t address);
  void read_inner_node(const Field& from, std::uint64_t address, std::uint64_t records, std::uint64_t depth);
  void read_leaf(const Field& from, std::uint64_t address, std::uint64_t records);
  Field read_records(const Field& from, std::uint64_t address, std::string_view signature, std::uint64_t records,
                     std::uint64_t most);
  void read_record(Field& node);

  Bytes bytes_;
  std::vector<std::pair<std::uint64_t, Field>> blocks_;  // of the heap, by where they begin in it
  std::vector<Field> messages_;
};

}  // namespace maas::inline MAAS_ABI::io
