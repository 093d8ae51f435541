// SavedModel: all that a file can hold, as one value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maas/io/info.hpp"
#include "maas/losses/losses.hpp"
#include "maas/metrics/metrics.hpp"
#include "maas/network/network.hpp"
#include "maas/network/output_options.hpp"
#include "maas/optimizers/optimizers.hpp"

namespace maas::inline MAAS_ABI {

/// How a saved model was compiled.
struct SavedTraining {
  Optimizer optimizer;
  std::optional<Loss> loss;
  std::vector<Metric> metrics;
  std::optional<OptimizerState> state;  ///< nothing if the file holds none
  std::vector<Metric> weighted_metrics = {};
  std::vector<OutputOptions> outputs = {};  ///< one an output, in the place of loss and metrics
};

/// A network, and if the file has them its training settings and where training stood.
struct SavedModel {
  Network network;
  std::string name = "sequential";
  std::optional<SavedTraining> training = std::nullopt;
  ModelInfo info = {};
  std::string keras_version = {};  ///< of the program that wrote the file; empty if it does not say
  std::string backend = {};
  std::string maas_version = {};           ///< of the maas that wrote the file; empty for other programs
  std::vector<std::string> warnings = {};  ///< what of the file was left out, and why; empty if all of it was read
};

/// A model to be written, seen where it lies, so that its weights and optimizer state are not copied. For the length of
/// one call: it refers to all but the training settings, whose parts are shared anyway.
struct ModelView {
  const Network& network;
  std::string_view name;
  std::optional<SavedTraining> training;  ///< without state
  const OptimizerState* state;            ///< where training stands; may be null
  const ModelInfo& info;
};

}  // namespace maas::inline MAAS_ABI
