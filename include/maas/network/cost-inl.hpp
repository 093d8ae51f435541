// The bodies of cost_of.
#pragma once

#include <algorithm>

#include "maas/network/cost.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Cost cost_of(const Network& network) {
  const Graph& graph = network.graph();
  Cost cost{.weight_bytes = static_cast<double>(network.parameters().count()) * sizeof(Scalar)};
  for (const GraphNode& node : graph.nodes())
    for (const ParameterSpec& weight : node.plan.parameters) {
      if (weight.name != "kernel" || weight.shape.rank() < 2) continue;
      // A row of the output's last axis takes the whole kernel.
      const double rows = static_cast<double>(node.plan.output.size()) / static_cast<double>(node.plan.output.last());
      const double once = rows * static_cast<double>(weight.shape.size());
      const bool is_first = std::all_of(node.inputs.begin(), node.inputs.end(),
                                        [&](Index source) { return graph.node(source).inputs.empty(); });
      cost.multiply_adds += once;
      cost.training_multiply_adds += is_first ? 2 * once : 3 * once;
    }
  return cost;
}

}  // namespace maas::inline MAAS_ABI
