// Body of plot().
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "maas/core/markup.hpp"
#include "maas/network/plot.hpp"
#include "maas/network/summary-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline std::string shapes_text(const std::vector<Shape>& shapes) {
  std::string text;
  for (const Shape& shape : shapes) text += (text.empty() ? "" : ", ") + batch_shape_text(shape);
  return text;
}

/// The name of a layer's activation, or nothing.
inline std::string activation_text(const Layer& layer) {
  const Config config = layer.config();
  const Config* activation = config.find("activation");
  if (activation == nullptr || activation->is_null()) return "";
  if (activation->is_string()) return activation->as_string();
  const Config* name = activation->find("class_name");
  return name != nullptr && name->is_string() ? name->as_string() : activation->text();
}

inline std::string box_text(const Graph& graph, Index layer, bool has_weights, const PlotOptions& options) {
  const auto row = [](const std::string& text) { return "<TR><TD>" + html_text(text) + "</TD></TR>"; };
  const GraphNode& node = *std::ranges::find(graph.nodes(), layer, &GraphNode::layer);
  std::string title(graph.layer(layer).class_name());
  if (options.show_layer_names) title = graph.name(layer) + " (" + title + ")";
  std::string text = "<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"6\">";
  text += "<TR><TD BGCOLOR=\"gray92\"><B>" + html_text(title) + "</B></TD></TR>";
  const std::string activation = options.show_layer_activations ? activation_text(graph.layer(layer)) : "";
  if (!activation.empty()) text += row("activation: " + activation);
  if (options.show_shapes && !node.inputs.empty()) text += row("input: " + shapes_text(node.input_shapes));
  if (options.show_shapes) text += row("output: " + batch_shape_text(node.plan.output));
  if (options.show_trainable && has_weights) text += row(graph.layer(layer).trainable() ? "trainable" : "frozen");
  return text + "</TABLE>>";
}

}  // namespace detail

MAAS_INLINE std::string plot(const Network& network, const PlotOptions& options) {
  constexpr std::array<std::string_view, 4> ways = {"TB", "BT", "LR", "RL"};
  require<ConfigError>(std::ranges::find(ways, options.rankdir) != ways.end(),
                       "plot: expected rankdir TB, BT, LR or RL, got \"{}\"", options.rankdir);
  const Graph& graph = network.graph();
  const ParameterLayout& layout = network.parameters().layout();
  std::string text =
      fmt::format("digraph model {{\n  rankdir={};\n  node [shape=plain, fontname=\"Helvetica\"];\n", options.rankdir);
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer)
    text += fmt::format("  layer_{} [label={}];\n", layer,
                        detail::box_text(graph, layer, layout.count(layer) > 0, options));
  std::set<std::pair<Index, Index>> drawn;
  for (const GraphNode& node : graph.nodes())
    for (Index input : node.inputs)
      if (drawn.insert({graph.node(input).layer, node.layer}).second)
        text += fmt::format("  layer_{} -> layer_{};\n", graph.node(input).layer, node.layer);
  return text + "}\n";
}

}  // namespace maas::inline MAAS_ABI
