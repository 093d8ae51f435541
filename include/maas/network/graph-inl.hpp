// Bodies of Graph.
#pragma once

#include <algorithm>
#include <set>

#include "maas/core/names.hpp"
#include "maas/layers/input_layer.hpp"
#include "maas/network/graph.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline bool is_input(const Layer& layer) { return layer.as<InputLayer>() != nullptr; }

/// Throws ShapeError for an output or a weight that is too large to count with.
inline void check_sizes(const LayerPlan& plan) {
  require<ShapeError>(plan.output.size() <= Shape::max_size, "an output of {} is larger than {} numbers",
                      plan.output.text(), Shape::max_size);
  for (const ParameterSpec& weight : plan.parameters)
    require<ShapeError>(weight.shape.size() <= Shape::max_size, "{} of {} is larger than {} numbers", weight.name,
                        weight.shape.text(), Shape::max_size);
}

/// The position of a layer among those listed, by identity; appended if it is not there.
inline Index place_of(std::vector<Layer>& layers, const Layer& layer) {
  auto found = std::ranges::find_if(layers, [&](const Layer& l) { return l.shares_weights_with(layer); });
  if (found == layers.end()) found = layers.insert(layers.end(), layer);
  return found - layers.begin();
}

/// Walks symbols depth first and lists each once, inputs before those that take them.
class SymbolWalk {
 public:
  explicit SymbolWalk(std::span<const Symbol> inputs) {
    for (const Symbol& input : inputs) {
      require<ConfigError>(is_input(input.layer()), "Model: expected the result of input(), got the output of {}",
                           input.layer().class_name());
      add(input);
    }
  }

  Index visit(const Symbol& symbol) {
    auto found = std::ranges::find_if(symbols_, [&](const Symbol& s) { return s.same_as(symbol); });
    if (found != symbols_.end()) return found - symbols_.begin();
    require<ConfigError>(!is_input(symbol.layer()),
                         "Model: an output depends on an input that is not among the inputs");
    return add(symbol);
  }

  std::vector<Layer> layers;
  std::vector<GraphNode> nodes;

 private:
  Index add(const Symbol& symbol) {
    GraphNode node;
    for (const Symbol& input : symbol.inputs()) node.inputs.push_back(visit(input));
    node.layer = place_of(layers, symbol.layer());
    nodes.push_back(std::move(node));
    symbols_.push_back(symbol);
    return static_cast<Index>(nodes.size()) - 1;
  }

  std::vector<Symbol> symbols_;
};

}  // namespace detail

MAAS_INLINE Graph::Graph(std::span<const Layer> chain) : is_chain_(true) {
  require<ConfigError>(!chain.empty(), "Sequential: expected layers, got none");
  require<ConfigError>(detail::is_input(chain[0]), "Sequential: expected input(...) as the first layer, got {}",
                       chain[0].class_name());
  for (const Layer& layer : chain) {
    const Index last = static_cast<Index>(nodes_.size()) - 1;
    require<ConfigError>(last < 0 || !detail::is_input(layer),
                         "Sequential: expected one input, got another as layer {}", last + 1);
    nodes_.push_back({.layer = detail::place_of(layers_, layer), .inputs = {}});
    if (last >= 0) nodes_.back().inputs.push_back(last);
  }
  inputs_ = {0};
  outputs_ = {static_cast<Index>(nodes_.size()) - 1};
  give_names();
  make_plans();
}

MAAS_INLINE Graph::Graph(std::span<const Symbol> inputs, std::span<const Symbol> outputs) {
  require<ConfigError>(!inputs.empty() && !outputs.empty(), "Model: expected at least one input and one output");
  detail::SymbolWalk walk(inputs);
  for (const Symbol& output : outputs) outputs_.push_back(walk.visit(output));
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs_.push_back(static_cast<Index>(i));
  layers_ = std::move(walk.layers);
  nodes_ = std::move(walk.nodes);
  give_names();
  make_plans();
}

MAAS_INLINE Graph::Graph(std::vector<Layer> layers, std::vector<GraphNode> nodes, std::vector<Index> inputs,
                         std::vector<Index> outputs)
    : layers_(std::move(layers)), nodes_(std::move(nodes)), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {
  const Index count = static_cast<Index>(nodes_.size());
  auto exists = [&](Index i, Index bound) { return i >= 0 && i < bound; };
  for (Index i = 0; i < count; ++i) {
    require<ConfigError>(exists(node(i).layer, static_cast<Index>(layers_.size())),
                         "Graph: node {} calls a layer that is not there", i);
    for (Index from : node(i).inputs)
      require<ConfigError>(exists(from, i), "Graph: node {} takes an output that does not come before it", i);
  }
  for (Index i : inputs_) require<ConfigError>(exists(i, count), "Graph: an input is not there");
  for (Index i : outputs_) require<ConfigError>(exists(i, count), "Graph: an output is not there");
  require<ConfigError>(!inputs_.empty() && !outputs_.empty(), "Graph: expected at least one input and one output");
  for (Index i = 0; i < count; ++i)
    require<ConfigError>(detail::is_input(layer(node(i).layer)) == (std::ranges::count(inputs_, i) == 1),
                         "Graph: the inputs must be the nodes of input layers, each once; node {} is not", i);
  give_names();
  make_plans();
}

MAAS_INLINE void Graph::give_names() {
  std::set<std::string> taken;
  for (const Layer& layer : layers_)
    if (!layer.name().empty())
      require<ConfigError>(taken.insert(layer.name()).second, "layer names must differ, got \"{}\" twice",
                           layer.name());
  for (const Layer& layer : layers_) {
    std::string name = layer.name();
    const std::string base = snake_case(layer.class_name());
    for (int number = 0; name.empty(); ++number) {
      const std::string candidate = number == 0 ? base : base + "_" + std::to_string(number);
      if (taken.insert(candidate).second) name = candidate;
    }
    names_.push_back(std::move(name));
  }
}

MAAS_INLINE void Graph::make_plans() {
  for (GraphNode& node : nodes_) {
    node.input_shapes.clear();
    for (Index from : node.inputs) node.input_shapes.push_back(this->node(from).plan.output);
    try {
      node.plan = layer(node.layer).plan(node.input_shapes);
      detail::check_sizes(node.plan);
    } catch (const ShapeError& error) {
      fail<ShapeError>("layer \"{}\": {}", name(node.layer), error.what());
    } catch (const ConfigError& error) {
      fail<ConfigError>("layer \"{}\": {}", name(node.layer), error.what());
    }
  }
  find_masks();
}

MAAS_INLINE void Graph::find_masks() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    GraphNode& node = nodes_[i];
    const auto carries = [this](Index from) { return this->node(from).mask_from >= 0; };
    const auto carried = std::ranges::find_if(node.inputs, carries);
    const bool any = carried != node.inputs.end(), all = any && std::ranges::all_of(node.inputs, carries);
    const MaskRule rule = node.plan.mask;
    require<ConfigError>(!any || rule != MaskRule::refuse,
                         "layer \"{}\": a {} that looks at the mask which \"{}\" makes is not supported",
                         name(node.layer), layer(node.layer).class_name(),
                         any ? name(this->node(this->node(*carried).mask_from).layer) : std::string());
    if (rule == MaskRule::pass)
      node.mask_from = any ? this->node(node.inputs[0]).mask_from : -1;
    else if (rule == MaskRule::make || (rule == MaskRule::all && all) || (rule == MaskRule::any && any))
      add_mask(static_cast<Index>(i));
  }
}

// The node makes a mask, of those of its inputs or by itself.
MAAS_INLINE void Graph::add_mask(Index place) {
  GraphNode& node = nodes_[static_cast<std::size_t>(place)];
  require<ConfigError>(layer(node.layer).has_mask(), "layer \"{}\": a {} makes a mask, and has no member mask for it",
                       name(node.layer), layer(node.layer).class_name());
  node.mask_from = place;
  node.mask_steps = node.plan.output.size() / std::max<Index>(node.plan.output.last(), 1);
  if (node.plan.mask != MaskRule::all) return;
  for (Index from : node.inputs) {
    const Index steps = this->node(this->node(from).mask_from).mask_steps;
    require<ConfigError>(steps == node.mask_steps || steps == 1,
                         "layer \"{}\": expected masks of {} steps, or of one, got one of {}", name(node.layer),
                         node.mask_steps, steps);
  }
}

MAAS_INLINE void Graph::require_complete(std::string_view purpose) const {
  for (const GraphNode& node : nodes_)
    require<ConfigError>(!node.plan.prediction_only,
                         "{}: layer {} ({}) is for prediction only; take the network that it was made of", purpose,
                         name(node.layer), layer(node.layer).class_name());
}

}  // namespace maas::inline MAAS_ABI
