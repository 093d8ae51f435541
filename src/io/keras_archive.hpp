// .keras archives: reading and writing their members.
#pragma once

#include "io/hdf5_file.hpp"
#include "io/zip_archive.hpp"
#include "maas/io/keras.hpp"

namespace maas::inline MAAS_ABI::io {

/// Reads a whole model. Throws an Error that says what is wrong, not always with the file's name in front.
SavedModel read_archive(const ZipReader& archive, const std::string& shown, const LoadOptions& options);

/// The weights of a file of any form: itself, where it is HDF5, or those of an archive. Throws FormatError.
Hdf5Reader open_weights(const std::string& path);

/// Adds a whole model to an archive, which is closed after that. `for_all`: Keras 2.12 and later resume with it as well
/// as Keras 3, which then cannot assign another learning rate. Returns what of the layers and training settings
/// Keras will not find.
std::vector<std::string> write_archive(ZipWriter& archive, const std::string& shown, const ModelView& model,
                                       bool include_optimizer, bool for_all);

}  // namespace maas::inline MAAS_ABI::io
