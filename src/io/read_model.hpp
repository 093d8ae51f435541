// Reading a model from bytes, wherever they lie.
#pragma once

#include "io/bytes.hpp"
#include "maas/io/keras.hpp"

namespace maas::inline MAAS_ABI::io {

/// Reads a whole model of any form: HDF5, an archive, or both in one. Errors call it `shown`. Throws an Error that says
/// what is wrong, not always with that name in front.
SavedModel read_model(const BytesPointer& bytes, const std::string& shown, const LoadOptions& options);

}  // namespace maas::inline MAAS_ABI::io
