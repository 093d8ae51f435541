// A picture of a network, in the language of Graphviz.
#pragma once

#include <string>

#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI {

/// What a picture shows, with the names and defaults of Keras' plot_model where it has them.
struct PlotOptions {
  std::string rankdir = "TB";  ///< the way data flows: TB, BT, LR or RL
  bool show_shapes = true;     ///< of what goes into and out of each layer; None stands for the number of samples
  bool show_layer_names = true;
  bool show_layer_activations = false;
  bool show_trainable = false;
};

/// The network as a directed graph in Graphviz' DOT: a box a layer, an arrow a connection; a layer that is called more
/// than once is one box. `dot -Tsvg` draws it. Throws ConfigError for another rankdir.
std::string plot(const Network& network, const PlotOptions& options = {});

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/plot-inl.hpp"
#endif
