// training_config: how a model was compiled, to and from Keras' JSON.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/keras_spelling.hpp"
#include "maas/io/keras.hpp"

namespace maas::inline MAAS_ABI::io {

/// How Keras counts and orders what an optimizer keeps.
enum class SlotOrder {
  grouped,     ///< Keras 2.0 to 2.10 and the legacy optimizers: all of one kind, then all of the next
  interleaved  ///< the optimizers of 2.11 and later and of Keras 3: both moments of a weight side by side
};

/// training_config as read; state is filled in by others.
struct CompiledAs {
  SavedTraining training;
  SlotOrder order = SlotOrder::grouped;  ///< as the optimizer's settings tell it
};

/// What a file says about its writer, as far as it changes what settings mean.
struct Writer {
  bool keras_3 = false;
  bool before_tensorflow = false;  ///< the package keras 1.x to 2.3: clipnorm is of all gradients together
};

/// The names of a network's outputs, in order, as training settings mean them.
std::vector<std::string> output_names(const Graph& graph);

/// Reads training_config. `outputs` are the names of the network's outputs, in order: settings of several stand in
/// lists or by these names. Throws ConfigError for an optimizer, loss or metric that is not known or cannot be taken as
/// it is meant.
CompiledAs read_training(const Config& training_config, const Writer& writer, std::span<const std::string> outputs,
                         Reading& reading);

/// training_config for Keras; nothing where Keras has no such loss or optimizer. What Keras does not know otherwise
/// becomes the nearest it knows: GradientDescent plain SGD, a schedule of our own its rate of now; metrics of our own
/// go. `notes` gets a line for each of these.
std::optional<Config> write_training(const SavedTraining& training, std::vector<std::string>& notes);

/// Adds to `notes` what of the settings maas itself will not find in the file.
void note_own_training(const SavedTraining& training, std::vector<std::string>& notes);
/// All settings just as they are, for maas itself.
Config write_own_training(const SavedTraining& training);
/// The reverse. Throws ConfigError.
SavedTraining read_own_training(const Config& config);

}  // namespace maas::inline MAAS_ABI::io
