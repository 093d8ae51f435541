// model.h5: reading and writing an open file.
#pragma once

#include "io/hdf5_file.hpp"
#include "maas/io/keras.hpp"

namespace maas::inline MAAS_ABI::io {

/// Reads a whole model. Throws an Error that says what is wrong, not always with the file's name in front.
SavedModel read_h5(const Hdf5Reader& file, const LoadOptions& options);

/// Writes a whole model; `for_keras_2`: Keras 2 resumes with it, and Keras 3 can only predict. Returns what of the
/// layers and training settings Keras will not find, a line each.
std::vector<std::string> write_h5(Hdf5Writer& file, const ModelView& model, bool include_optimizer, bool for_keras_2);

}  // namespace maas::inline MAAS_ABI::io
