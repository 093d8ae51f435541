// A check of a whole HDF5 file before HDF5's library sees it.
#pragma once

#include <string>

#include "io/bytes.hpp"

namespace maas::inline MAAS_ABI::io {

/// Walks through all that HDF5's library would follow from the root group: superblock, object headers and their
/// messages, B-trees, symbol tables, local and global heaps, chunks. All must lie within the file, be of a form that is
/// known here, and lead nowhere in circles. Debian's HDF5 1.10 is known to read beyond its memory in files that are
/// not so. Takes memory in proportion to the file. What cannot be vouched for is refused: attributes that are stored
/// densely (HDF5's "latest" format), links in dense stores of another form than LinkStore knows, shared messages,
/// indexes of chunks other than the B-tree of version 1. Throws FormatError that begins with `shown`.
void check_structure(const Bytes& bytes, const std::string& shown);

}  // namespace maas::inline MAAS_ABI::io
