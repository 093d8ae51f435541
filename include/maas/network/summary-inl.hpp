// Body of summary().
#pragma once

#include <fmt/format.h>

#include <algorithm>

#include "maas/layers/input_layer.hpp"
#include "maas/network/summary.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline std::string with_commas(Index number) {
  std::string text = std::to_string(number);
  for (Index i = static_cast<Index>(text.size()) - 3; i > 0; i -= 3) text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

inline std::string batch_shape_text(const Shape& shape) {
  std::string text = "(None";
  for (Index dimension : shape) text += ", " + std::to_string(dimension);
  return text + ")";
}

inline std::string bytes_text(Index scalars) {
  const double bytes = static_cast<double>(scalars) * static_cast<double>(sizeof(Scalar));
  if (bytes < 1024) return fmt::format("{:.2f} B", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{:.2f} KB", bytes / 1024);
  return fmt::format("{:.2f} MB", bytes / 1024 / 1024);
}

/// Whether every node takes the one before it, so that nothing need be said of what it takes.
inline bool is_simple_chain(const Graph& graph) {
  for (Index i = 1; i < static_cast<Index>(graph.nodes().size()); ++i)
    if (graph.node(i).inputs != std::vector<Index>{i - 1} || graph.node(i).layer != i) return false;
  return graph.inputs().size() == 1;
}

/// A node as Keras writes it: its layer, and which of its calls it is.
inline std::string call_text(const Graph& graph, Index node) {
  Index call = 0;
  for (Index i = 0; i < node; ++i) call += graph.node(i).layer == graph.node(node).layer;
  return fmt::format("{}[{}]", graph.name(graph.node(node).layer), call);
}

/// All that the calls of a layer take.
inline std::string connections_text(const Graph& graph, Index layer) {
  std::string text;
  for (const GraphNode& node : graph.nodes())
    if (node.layer == layer)
      for (Index input : node.inputs) text += (text.empty() ? "" : ", ") + call_text(graph, input);
  return text.empty() ? "-" : text;
}

/// Columns of equal width, the third flush right, with rules above, below the first line and below all.
inline std::string table_text(const std::vector<std::vector<std::string>>& lines, std::string& rule) {
  std::vector<std::size_t> widths(lines[0].size(), 0);
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::size_t width = 2 + 3 * (widths.size() - 1);
  for (std::size_t column : widths) width += column;
  rule = std::string(width, '-');
  std::string text = rule + "\n";
  for (const auto& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) {
      row += i == 0 ? " " : "   ";
      row += i == 2 ? fmt::format("{:>{}}", line[i], widths[i]) : fmt::format("{:<{}}", line[i], widths[i]);
    }
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
    if (&line == &lines[0]) text += rule + "\n";
  }
  return text + rule + "\n";
}

}  // namespace detail

MAAS_INLINE std::string summary(const Network& network, const std::string& title, const SummaryOptions& options) {
  const Graph& graph = network.graph();
  const ParameterLayout& layout = network.parameters().layout();
  const bool connected = !detail::is_simple_chain(graph);
  std::vector<std::vector<std::string>> lines = {{"Layer (type)", "Output Shape", "Param #"}};
  if (connected) lines[0].push_back("Connected to");
  if (options.show_trainable) lines[0].push_back("Trainable");
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer) {
    const bool is_hidden_input = graph.is_chain() && graph.layer(layer).as<InputLayer>() != nullptr;
    if (is_hidden_input) continue;  // as in Keras: a chain's input is no line of its own
    Index count = 0;
    for (Index which = 0; which < layout.count(layer); ++which) count += layout.entry(layer, which).shape.size();
    auto node = std::ranges::find(graph.nodes(), layer, &GraphNode::layer);
    lines.push_back({fmt::format("{} ({})", graph.name(layer), graph.layer(layer).class_name()),
                     detail::batch_shape_text(node->plan.output), detail::with_commas(count)});
    if (connected) lines.back().push_back(detail::connections_text(graph, layer));
    // As in Keras: nothing to say of a layer without weights.
    if (options.show_trainable) lines.back().push_back(count == 0 ? "-" : graph.layer(layer).trainable() ? "Y" : "N");
  }
  std::string rule;
  std::string text = fmt::format("Model: \"{}\"\n", title) + detail::table_text(lines, rule);
  const Index total = network.parameters().count(), trainable = network.parameters().trainable_count();
  text += fmt::format(" Total params: {} ({})\n", detail::with_commas(total), detail::bytes_text(total));
  text += fmt::format(" Trainable params: {} ({})\n", detail::with_commas(trainable), detail::bytes_text(trainable));
  text += fmt::format(" Non-trainable params: {} ({})\n", detail::with_commas(total - trainable),
                      detail::bytes_text(total - trainable));
  return text;
}

}  // namespace maas::inline MAAS_ABI
