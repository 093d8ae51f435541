// Bodies of Parameters.
#pragma once

#include "maas/network/parameters.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE ParameterLayout::ParameterLayout(const Graph& graph) {
  // A layer that is called several times has one set of weights: that of its first call.
  const Index layers = static_cast<Index>(graph.layers().size());
  for (Index layer = 0; layer < layers; ++layer) {
    first_.push_back(static_cast<Index>(entries_.size()));
    const GraphNode* first_call = nullptr;
    for (const GraphNode& node : graph.nodes()) {
      if (node.layer != layer) continue;
      if (first_call == nullptr) first_call = &node;
      for (std::size_t i = 0; i < node.plan.parameters.size(); ++i)
        require<ShapeError>(node.plan.parameters[i].shape == first_call->plan.parameters[i].shape,
                            "layer \"{}\": shared by inputs of different shapes: {} would be {} and {}",
                            graph.name(layer), node.plan.parameters[i].name,
                            first_call->plan.parameters[i].shape.text(), node.plan.parameters[i].shape.text());
    }
    if (first_call == nullptr) continue;
    Index which = 0;
    for (const ParameterSpec& spec : first_call->plan.parameters)
      entries_.push_back({.name = graph.name(layer) + "/" + spec.name,
                          .layer = layer,
                          .which = which++,
                          .shape = spec.shape,
                          .trainable = spec.trainable && graph.layer(layer).trainable(),
                          .initial = spec.initial,
                          .penalty = spec.penalty,
                          .constraint = spec.constraint});
  }
  first_.push_back(static_cast<Index>(entries_.size()));
  for (bool trainable : {true, false}) {
    for (ParameterEntry& entry : entries_) {
      if (entry.trainable != trainable) continue;
      entry.offset = size_;
      size_ += rounded_to_border(entry.shape.size());
    }
    if (trainable) trainable_size_ = size_;
  }
}

MAAS_INLINE const ParameterEntry& Parameters::find(std::string_view name) const {
  std::string known;
  for (const ParameterEntry& entry : entries()) {
    if (entry.name == name) return entry;
    known += (known.empty() ? "" : ", ") + entry.name;
  }
  fail<ConfigError>("no weight is called \"{}\"; there are {}", name, known);
}

MAAS_INLINE void Parameters::initialize(std::uint64_t seed) {
  const Random random(seed);
  std::uint64_t number = 0;
  for (const ParameterEntry& entry : entries())
    entry.initial.fill(VectorView(block_.data() + entry.offset, entry.shape.size()), entry.shape,
                       random.stream(number++));
}

MAAS_INLINE Index Parameters::count() const {
  Index count = 0;
  for (const ParameterEntry& entry : entries()) count += entry.shape.size();
  return count;
}

MAAS_INLINE Index Parameters::trainable_count() const {
  Index count = 0;
  for (const ParameterEntry& entry : entries()) count += entry.trainable ? entry.shape.size() : 0;
  return count;
}

}  // namespace maas::inline MAAS_ABI
