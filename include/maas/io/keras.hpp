// Keras' files, model.h5 and model.keras: reading and writing.
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
  bool self_test = true;                         ///< false: do not run the self-test that a file may hold
  std::vector<CatalogEntry<Step>> steps = {};    ///< of the pipeline, likewise: catalog_of<Step, MyStep>()
};

/// Which Keras a file is for. The name of the file says what it is: a .keras archive if it ends so, else HDF5.
enum class KerasProfile {
  automatic,  ///< `keras_3` for .keras, else `any`
  any,  ///< .h5: opens compiled, with a fresh optimizer, in Keras 3, and in TF 1.15 to 2.15 and tf_keras where their
        ///< legacy optimizers have its settings; only maas resumes. .keras: opens in TF 2.15, tf_keras and Keras 3,
        ///< and all of them resume; but the learning rate is a constant schedule there, which nobody can assign
  keras_2,  ///< Keras 2 resumes. .h5: TF 1.15 to 2.15 and tf_keras; Keras 3 can only predict. .keras: as `any`
  keras_3,  ///< .keras: Keras 3.4 and later resume. Not for .h5, from which no Keras 3 resumes
  combined  ///< HDF5 (`keras_2`) and archive (`any`) in one file: under either name the right Keras resumes
};

/// How a file is written.
struct SaveOptions {
  KerasProfile profile = KerasProfile::automatic;
  bool include_optimizer = true;  ///< false: neither training settings nor optimizer state
};

/// Reads a whole model: .h5 of Keras 1 to 2.15, tf_keras or Keras 3, .keras archives of Keras 2.12 and later; the
/// content decides, not the name. A file that is both at once must say the same in both, and one that holds a self-test
/// must pass it. Needs `maas::maas` to link. Throws FormatError that names the file, the layer and the tensor.
SavedModel read_keras(const std::string& path, const LoadOptions& options = {});

/// Writes a model: to a temporary file beside `path`, flushed, then renamed over it. Needs `maas::maas` to link. Throws
/// FormatError; then an older file of that name is still whole. Returns what of the model Keras will not find in
/// the file, and why, a line each: activations and layers that it does not have, or computes otherwise; optimizers it
/// has not or cannot store (Lbfgs, LevenbergMarquardt, Lamb), losses, metrics and schedules of maas alone; and what
/// maas itself will not, training settings of the user's own. Such a model is compiled anew after loading.
std::vector<std::string> write_keras(const std::string& path, const SavedModel& model, const SaveOptions& options = {});
/// The same for a model that lies elsewhere, of which nothing is copied.
std::vector<std::string> write_keras_view(const std::string& path, const ModelView& model,
                                          const SaveOptions& options = {});

}  // namespace maas::inline MAAS_ABI
