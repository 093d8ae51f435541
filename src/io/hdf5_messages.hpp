// What the messages of HDF5's object headers say, checked byte by byte.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "io/hdf5_field.hpp"

namespace maas::inline MAAS_ABI::io {

/// A datatype: how many bytes an element has, and whether each is a reference to a text or list in a global heap.
struct StoredType {
  std::uint64_t size = 0;
  bool in_heap = false;            ///< of variable length: 16 bytes that say where
  std::uint64_t heap_element = 0;  ///< then the bytes of one element there
};

/// A dataspace: how many elements, and of how many axes.
struct StoredSpace {
  std::uint64_t elements = 0;  ///< 2^64 - 1 where the product is larger
  std::size_t rank = 0;
};

/// Where a dataset's elements lie.
struct StoredLayout {
  enum Kind { compact, contiguous, chunked, elsewhere };
  Kind kind = elsewhere;
  std::uint64_t address = no_address, size = 0;  ///< of a chunked one, address is that of its tree
  std::vector<std::uint64_t> chunk = {};         ///< axes of a chunk, the bytes of an element last
};

StoredType read_type(Field& field);
StoredSpace read_space(Field& field);
StoredLayout read_layout(Field& field);
void check_fill_value(Field& field, bool old);
void check_filters(Field& field);

/// A reference from an attribute into a global heap.
struct HeapReference {
  std::uint64_t address = 0, object = 0, size = 0;
};

/// Checks an attribute; gives where its texts of variable length lie.
std::vector<HeapReference> read_attribute(Field& field);

/// A link that is kept in its group's header: the address of a hard one.
std::optional<std::uint64_t> read_link(Field& field);

}  // namespace maas::inline MAAS_ABI::io
