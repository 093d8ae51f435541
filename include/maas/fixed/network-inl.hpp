// Which layers of a network a fixed one takes its weights from.
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

#include "maas/fixed/network.hpp"
#include "maas/layers/dense.hpp"
#include "maas/layers/reshaping.hpp"

namespace maas::inline MAAS_ABI::fixed::detail {

/// True for layers that change nothing when predicting: neither numbers nor their order.
inline bool is_idle(const Layer& layer, const GraphNode& node) {
  constexpr std::string_view idle[] = {"InputLayer",   "Dropout",          "SpatialDropout1D",      "SpatialDropout2D",
                                       "AlphaDropout", "GaussianDropout",  "GaussianNoise",         "Flatten",
                                       "Reshape",      "SpatialDropout3D", "ActivityRegularization"};
  if (const Flatten* flatten = layer.as<Flatten>())
    if (flatten->data_format == "channels_first" && node.input_shapes[0].rank() > 1) return false;
  return std::find(std::begin(idle), std::end(idle), layer.class_name()) != std::end(idle);
}

/// True if an activation that looks at whole rows would find the numbers of a sample in one.
inline bool is_one_row(const Shape& sample) { return sample.last() == sample.size(); }

/// Throws for a layer of which fixed networks know no equal.
inline void refuse(const Layer& layer, const std::string& name) {
  require<ConfigError>(layer.as<Flatten>() == nullptr,
                       "fixed::Network: layer \"{}\": expected a Flatten that keeps the order of numbers, got one with "
                       "data_format \"channels_first\"",
                       name);
  fail<ConfigError>("fixed::Network: layer \"{}\": expected Dense, an activation, Dropout or Flatten, got {}", name,
                    layer.class_name());
}

/// Adds what one layer of a network computes to the steps.
inline void add_step(const maas::Network& network, const GraphNode& node, std::vector<DenseStep>& steps) {
  const Layer& layer = network.graph().layer(node.layer);
  const std::string& name = network.graph().name(node.layer);
  if (is_idle(layer, node)) return;
  if (const maas::Dense* dense = layer.as<maas::Dense>()) {
    require<ShapeError>(node.plan.output.rank() == 1,
                        "fixed::Network: layer \"{}\": expected outputs of rank 1, got {}; put a Flatten before it",
                        name, node.plan.output.text());
    const Parameters& weights = network.parameters();
    steps.push_back({name, weights.view(node.layer, 0),
                     dense->use_bias ? weights.view(node.layer, 1) : ConstMatrixView(nullptr, 1, 0),
                     dense->activation});
    return;
  }
  // An activation as a layer of its own belongs to the dense layer before it.
  const std::optional<SplitLayer> split = layer.split_activation();
  if (!split || !node.plan.parameters.empty()) refuse(layer, name);
  require<ConfigError>(!split->activation.works_on_rows() || is_one_row(node.input_shapes[0]),
                       "fixed::Network: layer \"{}\": expected one row of numbers for {}, got {}", name,
                       split->activation.class_name(), node.input_shapes[0].text());
  require<ConfigError>(!steps.empty() && steps.back().activation.as<Linear>() != nullptr,
                       "fixed::Network: layer \"{}\": expected a Dense layer without activation before it", name);
  steps.back().activation = split->activation;
}

MAAS_INLINE std::vector<DenseStep> steps_of(const maas::Network& network) {
  const Graph& graph = network.graph();
  std::vector<DenseStep> steps;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const GraphNode& node = graph.nodes()[i];
    const bool follows =
        i == 0 ? node.inputs.empty() : node.inputs.size() == 1 && node.inputs[0] == static_cast<Index>(i) - 1;
    require<ConfigError>(follows, "fixed::Network: expected a chain of layers; \"{}\" does not follow the one before",
                         graph.name(node.layer));
    add_step(network, node, steps);
  }
  const Index last = static_cast<Index>(graph.nodes().size()) - 1;
  require<ConfigError>(graph.outputs().size() == 1 && graph.outputs()[0] == last,
                       "fixed::Network: expected one output, that of the last layer; \"{}\" is {}",
                       graph.name(graph.node(graph.outputs()[0]).layer),
                       graph.outputs().size() == 1 ? "in the middle" : "one of several");
  return steps;
}

MAAS_INLINE void require_steps(const std::vector<DenseStep>& steps, std::size_t layers) {
  require<ShapeError>(steps.size() == layers, "fixed::Network: expected {} Dense layers, got {}", layers, steps.size());
}

}  // namespace maas::inline MAAS_ABI::fixed::detail
