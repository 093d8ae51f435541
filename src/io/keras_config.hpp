// model_config: the JSON of a network, to and from Graph.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/keras_spelling.hpp"
#include "maas/network/graph.hpp"

namespace maas::inline MAAS_ABI::io {

/// One group of a file's weights: a layer, or a whole nested model, whose layers keep their weights in one group.
struct WeightGroup {
  std::string name;
  std::vector<Index> layers;  ///< positions in Graph::layers()
};

/// A layer or a model, as a file nests them: Keras 3 calls the places of weights after that.
struct FilePart {
  std::string class_name;
  Index layer = -1;               ///< position in Graph::layers(); -1 for models, and for the inputs of nested ones
  std::vector<FilePart> parts{};  ///< of a model, in the file's order
};

/// A network as a file describes it, without its weights.
struct NetworkPlan {
  Graph graph;
  std::string name;
  std::vector<WeightGroup> groups;  ///< in the file's order
  FilePart root{};                  ///< the model
};

/// Reads the model_config of any Keras. Nested models are taken apart: their layers become the network's own.
/// `first_kernel` gives the dimensions of the first weight in the file, for models that were saved without an input
/// shape. No size in it leads to memory being taken. Throws ConfigError or ShapeError naming the layer.
NetworkPlan read_network(const Config& model_config, Reading& reading,
                         const std::function<std::optional<std::vector<Index>>()>& first_kernel);

/// Layers in the order in which Keras numbers them once it has loaded the graph, which is the order of its files: by
/// their distance from the outputs, and among equals as a walk from the outputs meets them.
std::vector<Index> keras_layer_order(const Graph& graph);

/// The parts of a graph that is written as it is, in that order.
FilePart file_parts(const Graph& graph);

/// A model in one of the spellings, without how it was compiled. Throws ConfigError for names that Keras refuses.
Config write_network(const Graph& graph, const std::string& name, const Dialect& dialect);

/// What Keras will not find of the layers in a file of this dialect, or computes otherwise, a line each.
std::vector<std::string> warnings_of_layers(const Graph& graph, const Dialect& dialect);

/// The order in which a graph has its layers and calls, where Keras would change it; null for a chain.
Config write_order(const Graph& graph);
/// Puts the layers and calls of a plan into the order that write_order noted; leaves it if the note does not fit.
void put_in_order(NetworkPlan& plan, const Config& order);

}  // namespace maas::inline MAAS_ABI::io
