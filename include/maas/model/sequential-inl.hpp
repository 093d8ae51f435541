// Sequential: a model that is a chain of layers: the bodies.
#pragma once

#include "maas/model/sequential.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Network Sequential::network_of(std::initializer_list<ChainPart> parts) {
  std::vector<Layer> chain;
  for (const ChainPart& part : parts) {
    const bool skips_input = part.network() != nullptr && !chain.empty();
    chain.insert(chain.end(), part.layers().begin() + (skips_input ? 1 : 0), part.layers().end());
  }
  Network network{Graph(chain)};
  const std::vector<Layer>& layers = network.graph().layers();
  for (const ChainPart& part : parts) {
    if (part.network() == nullptr) continue;
    const Parameters& from = part.network()->parameters();
    for (const ParameterEntry& entry : from.entries()) {
      const Layer& owner = part.network()->graph().layer(entry.layer);
      const auto place = std::ranges::find_if(layers, [&](const Layer& l) { return l.shares_weights_with(owner); });
      network.parameters().view(place - layers.begin(), entry.which) = from.view(entry);
    }
  }
  return network;
}

MAAS_INLINE ChainPart::ChainPart(const Model& model) : network_(std::make_shared<const Network>(model.network())) {
  require<ConfigError>(network_->graph().is_chain(),
                       "Sequential: expected layers and chains, got \"{}\", which is a graph; call it on an input",
                       model.name());
  for (const GraphNode& node : network_->graph().nodes()) layers_.push_back(network_->graph().layer(node.layer));
}

}  // namespace maas::inline MAAS_ABI
