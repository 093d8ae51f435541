// load_model: from a file to a model.
#pragma once

#include <string>

#include "maas/model/model.hpp"

namespace maas::inline MAAS_ABI {

/// A model from Keras' model.h5, compiled as it was saved and with its optimizer's state. Needs `maas::maas` to link.
/// Throws FormatError that names the file, the layer and the tensor.
inline Model load_model(const std::string& path, const LoadOptions& options = {}) {
  return Model(read_keras(path, options));
}

}  // namespace maas::inline MAAS_ABI
