// Attributes of text, in all the encodings that versions of h5py have used.
#pragma once

#include <string>
#include <vector>

#include "io/hdf5_library.hpp"

namespace maas::inline MAAS_ABI::io {

/// The texts of an attribute, of fixed or variable length; an empty attribute of any type is an empty list. `bytes` are
/// the file's. Throws FormatError that begins with `shown` for what is damaged, too large, no text or not UTF-8.
std::vector<std::string> read_texts(const Bytes& bytes, hid_t attribute, const std::string& shown,
                                    const std::string& name);

}  // namespace maas::inline MAAS_ABI::io
