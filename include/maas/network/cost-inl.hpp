// The bodies of cost_of.
#pragma once

#include <algorithm>

#include "maas/layers/compact_dense.hpp"
#include "maas/network/cost.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
/// Multiply-adds that a weight takes for each row of the output's last axis; 0 for other weights than kernels.
inline Index kernel_size(const Graph& graph, const GraphNode& node, const ParameterSpec& weight) {
  if (weight.name == "kernel" && weight.shape.rank() >= 2) return weight.shape.size();
  if (weight.name == "kernel_bytes" && graph.layer(node.layer).as<CompactDense>() != nullptr)
    return node.input_shapes[0].last() * node.plan.output.last();
  return 0;
}
}  // namespace detail

MAAS_INLINE Cost cost_of(const Network& network) {
  const Graph& graph = network.graph();
  Cost cost{.weight_bytes = static_cast<double>(network.parameters().count()) * sizeof(Scalar)};
  for (const GraphNode& node : graph.nodes())
    for (const ParameterSpec& weight : node.plan.parameters) {
      const Index size = detail::kernel_size(graph, node, weight);
      if (size == 0) continue;
      // A row of the output's last axis takes the whole kernel.
      const double rows = static_cast<double>(node.plan.output.size()) / static_cast<double>(node.plan.output.last());
      const double once = rows * static_cast<double>(size);
      const bool is_first = std::all_of(node.inputs.begin(), node.inputs.end(),
                                        [&](Index source) { return graph.node(source).inputs.empty(); });
      cost.multiply_adds += once;
      cost.training_multiply_adds += is_first ? 2 * once : 3 * once;
    }
  return cost;
}

}  // namespace maas::inline MAAS_ABI
