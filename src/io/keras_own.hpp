// What maas keeps for itself in a file of Keras', which passes over it: the group /maas.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "io/hdf5_file.hpp"
#include "io/keras_config.hpp"
#include "io/keras_state.hpp"

namespace maas::inline MAAS_ABI::io {

/// What the group's attributes say.
struct OwnNotes {
  std::string version = {};  ///< of the maas that wrote the file; empty for other programs
  Config graph = {};         ///< the order of layers and calls, and "keras_2" where "hard_sigmoid" is Keras 2's
  Config training = {};      ///< null if there are no training settings
};

/// Reads them; empty ones where there is no such group.
OwnNotes read_own_notes(const Hdf5Reader& file);
/// Reads training settings and where training stands. `keras_state` reads the state that Keras' part of the file holds,
/// for files that have it there alone. Throws ConfigError for settings that do not fit the network.
SavedTraining read_own(const Hdf5Reader& file, const OwnNotes& notes, const Network& network,
                       const Variables& variables,
                       const std::function<std::optional<OptimizerState>(const Optimizer&)>& keras_state);

/// What write_own is to write of a model.
struct OwnParts {
  bool training = true;      ///< training settings and state
  bool slots = true;         ///< the optimizer's slots; false where Keras' part of the file holds them
  bool for_keras_2 = false;  ///< "hard_sigmoid" is Keras 2's
};
void write_own(Hdf5Writer& file, const ModelView& model, const Variables& variables, const OwnParts& parts);

}  // namespace maas::inline MAAS_ABI::io
