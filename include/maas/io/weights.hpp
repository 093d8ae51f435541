// Weights alone: into a network that was built in code, and out of one.
#pragma once

#include <string>
#include <vector>

#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI {

/// How the layers of a file meet those of a network.
struct WeightsOptions {
  bool by_name = false;  ///< by the names of layers: what only one side has stays out of it; else one after the other
  bool skip_mismatch = false;  ///< leave layers as they are whose weights have another number or other shapes
};

/// Reads the weights of any file of Keras': a weights-only .h5 of Keras 1 to 2.15, a .weights.h5 of Keras 3, or the
/// weights of a whole model, .h5 or .keras. In the old files layers come in order; those of Keras 3 are called after
/// their class and counted, so that the network must have layers of the same classes in the same order. Everything else
/// in the file is passed over. Returns what was left as it was, and why, one text a layer. Needs `maas::maas` to link.
/// Throws FormatError that names the file, the layer and the weight; then no weight has changed.
std::vector<std::string> read_keras_weights(const std::string& path, Network& network,
                                            const WeightsOptions& options = {});

/// Writes weights alone: to a name that ends in .weights.h5 as Keras 3 has them, to others as Keras 2 has. Needs
/// `maas::maas` to link. Throws FormatError; then an older file of that name is still whole.
void write_keras_weights(const std::string& path, const Network& network);

}  // namespace maas::inline MAAS_ABI
