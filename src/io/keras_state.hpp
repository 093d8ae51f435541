// Where training stood: an optimizer's slots and counters, in Keras' layouts and in our own.
#pragma once

#include <optional>
#include <vector>

#include "io/hdf5_file.hpp"
#include "io/keras_training.hpp"
#include "maas/network/parameters.hpp"

namespace maas::inline MAAS_ABI::io {

/// The dimensions of a dataset that holds a weight of this shape.
inline std::vector<Index> dimensions_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// The weights that training moves, in the order in which a file counts them.
using Variables = std::vector<const ParameterEntry*>;

/// Reads /optimizer_weights of a model.h5 of any generation of Keras into a state for `size` parameters. Nothing if the
/// file has none, or one that does not fit the network, which is noted: training then starts afresh, as in Keras.
/// Throws FormatError for what is damaged.
std::optional<OptimizerState> read_keras_state(const Hdf5Reader& file, const Optimizer& optimizer, Index size,
                                               const Variables& variables, SlotOrder order, bool keras_3,
                                               Reading& reading);
/// The same for /optimizer/vars of a store of weights, as Keras 2.12 and later have it.
std::optional<OptimizerState> read_store_state(const Hdf5Reader& file, const Optimizer& optimizer, Index size,
                                               const Variables& variables, Reading& reading);

/// Writes /optimizer_weights in the layout of tf.keras 2.0 to 2.10, which all of 2.x and tf_keras resume from. Throws
/// ConfigError for optimizers and options that they do not have or compute in another way.
void write_keras_2_state(Hdf5Writer& file, const Optimizer& optimizer, const OptimizerState& state,
                         const Variables& variables);
/// Writes /optimizer/vars of a store of weights in the order of Keras 3; `with_rate`: the learning rate is a variable.
void write_store_state(Hdf5Writer& file, const Optimizer& optimizer, const OptimizerState& state,
                       const Variables& variables, bool with_rate);

/// Whether our own group has slots.
bool has_own_slots(const Hdf5Reader& file);
/// Our own group, which Keras passes over: counters and single numbers to the last bit, and slots by name. Where the
/// file has slots of Keras' alone, those of `keras` are taken. Nothing if there is none.
std::optional<OptimizerState> read_own_state(const Hdf5Reader& file, const Optimizer& optimizer, Index size,
                                             const Variables& variables, std::optional<OptimizerState> keras);
/// Writes it; without slots where those of Keras' hold the same.
void write_own_state(Hdf5Writer& file, const Optimizer& optimizer, const OptimizerState& state,
                     const Variables& variables, bool with_slots);

}  // namespace maas::inline MAAS_ABI::io
