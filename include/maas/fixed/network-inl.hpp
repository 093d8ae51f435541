// Which layers of a network a fixed one takes its weights from.
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

#include "maas/fixed/network.hpp"
#include "maas/layers/dense.hpp"

namespace maas::inline MAAS_ABI::fixed::detail {

/// True for layers that change nothing when predicting.
inline bool is_idle(std::string_view class_name) {
  constexpr std::string_view idle[] = {"InputLayer",   "Dropout",          "SpatialDropout1D",      "SpatialDropout2D",
                                       "AlphaDropout", "GaussianDropout",  "GaussianNoise",         "Flatten",
                                       "Reshape",      "SpatialDropout3D", "ActivityRegularization"};
  return std::find(std::begin(idle), std::end(idle), class_name) != std::end(idle);
}

/// Adds what one layer of a network computes to the steps.
inline void add_step(const maas::Network& network, const GraphNode& node, std::vector<DenseStep>& steps) {
  const Layer& layer = network.graph().layer(node.layer);
  const std::string& name = network.graph().name(node.layer);
  if (is_idle(layer.class_name())) return;
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
  require<ConfigError>(split.has_value() && node.plan.parameters.empty(),
                       "fixed::Network: layer \"{}\": expected Dense, an activation, Dropout or Flatten, got {}", name,
                       layer.class_name());
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
  return steps;
}

MAAS_INLINE void require_steps(const std::vector<DenseStep>& steps, std::size_t layers) {
  require<ShapeError>(steps.size() == layers, "fixed::Network: expected {} Dense layers, got {}", layers, steps.size());
}

}  // namespace maas::inline MAAS_ABI::fixed::detail
