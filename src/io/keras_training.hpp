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

/// The rate of the next step.
double next_rate(const Optimizer& optimizer, const OptimizerState& state);
/// Whether the learning rate follows a schedule that Keras has, too: then Keras keeps no variable for it.
bool has_keras_schedule(const Optimizer& optimizer);

/// How a model was compiled, for Keras: training_config of a model.h5, compile_config of a .keras archive. Nothing
/// where Keras has no such loss or optimizer. What Keras does not know otherwise becomes the nearest it knows:
/// GradientDescent plain SGD, a schedule of our own the rate of the next step; metrics of our own go. In archives for
/// all versions a plain rate becomes a schedule that is constant. `warnings` gets a line for each of these. `state`
/// says where training stands; null for its beginning. The state inside of `training` is not looked at.
std::optional<Config> write_training(const SavedTraining& training, const OptimizerState* state, const Dialect& dialect,
                                     std::vector<std::string>& warnings);

/// What of the settings maas itself will not find in the file, a line each.
std::vector<std::string> warnings_of_own_training(const SavedTraining& training);
/// All settings just as they are, for maas itself.
Config write_own_training(const SavedTraining& training);
/// The reverse. Throws ConfigError.
SavedTraining read_own_training(const Config& config);

}  // namespace maas::inline MAAS_ABI::io
