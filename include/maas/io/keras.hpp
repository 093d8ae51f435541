// Keras' model.h5: reading and writing.
#pragma once

#include <string>
#include <vector>

#include "maas/core/catalog.hpp"
#include "maas/io/saved_model.hpp"

namespace maas::inline MAAS_ABI {

/// How a file is read.
struct LoadOptions {
  std::vector<CatalogEntry<Layer>> layers = {};  ///< classes of the user's own: catalog_of<Layer, MyLayer>()
  bool compile = true;                           ///< false: leave training settings and optimizer state aside
};

/// Which Keras a file is for.
enum class KerasProfile {
  any,     ///< opens compiled and trains in TF 1.15 to 2.15, tf_keras and Keras 3; only maas resumes from it
  keras_2  ///< as `any`, and TF 1.15 to 2.15 and tf_keras resume from it; Keras 3 can only predict with it
};

/// How a file is written.
struct SaveOptions {
  KerasProfile profile = KerasProfile::any;
  bool include_optimizer = true;  ///< false: neither training settings nor optimizer state
};

/// Reads a whole model of Keras 2.0 to 2.15, tf_keras or Keras 3 (HDF5). Needs `maas::maas` to link. Throws FormatError
/// that names the file, the layer and the tensor.
SavedModel read_keras(const std::string& path, const LoadOptions& options = {});

/// Writes a model: to a temporary file beside `path`, flushed, then renamed over it. Needs `maas::maas` to link. Throws
/// FormatError; then an older file of that name is still whole. Returns what of the training settings Keras will not
/// find in the file, and why, a line each: optimizers it has not or cannot store (Lbfgs, LevenbergMarquardt, Lamb),
/// losses, metrics and schedules of maas alone; and what maas itself will not, parts of the user's own. Such a model is
/// compiled anew after loading.
std::vector<std::string> write_keras(const std::string& path, const SavedModel& model, const SaveOptions& options = {});

}  // namespace maas::inline MAAS_ABI
