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

/// A network as a file describes it, without its weights.
struct NetworkPlan {
  Graph graph;
  std::string name;
  std::vector<WeightGroup> groups;  ///< in the file's order
};

/// Reads the model_config of any Keras. Nested models are taken apart: their layers become the network's own.
/// `first_kernel` gives the dimensions of the first weight in the file, for models that were saved without an input
/// shape. No size in it leads to memory being taken. Throws ConfigError or ShapeError naming the layer.
NetworkPlan read_network(const Config& model_config, Reading& reading,
                         const std::function<std::optional<std::vector<Index>>()>& first_kernel);

/// Layers in the order in which Keras numbers them once it has loaded the graph, which is the order of its files: by
/// their distance from the outputs, and among equals as a walk from the outputs meets them.
std::vector<Index> keras_layer_order(const Graph& graph);

/// model_config in the style of Keras 2 that Keras 3 reads as well. Throws ConfigError for names that Keras refuses.
Config write_network(const Graph& graph, const std::string& name, bool for_keras_2);

/// The order in which a graph has its layers and calls, where Keras would change it; null for a chain.
Config write_order(const Graph& graph);
/// The graph with its layers and calls in the order that write_order noted; as it is if the note does not fit it.
Graph in_order(Graph graph, const Config& order, std::vector<WeightGroup>& groups);

}  // namespace maas::inline MAAS_ABI::io
