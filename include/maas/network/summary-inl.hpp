// Body of summary().
#pragma once

#include <fmt/format.h>

#include <algorithm>

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

}  // namespace detail

MAAS_INLINE std::string summary(const Network& network, const std::string& title) {
  const Graph& graph = network.graph();
  const ParameterLayout& layout = network.parameters().layout();
  struct Line {
    std::string layer, shape, count;
  };
  std::vector<Line> lines = {{"Layer (type)", "Output Shape", "Param #"}};
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer) {
    const bool is_hidden_input = graph.is_chain() && graph.layer(layer).as<InputLayer>() != nullptr;
    if (is_hidden_input) continue;  // as in Keras: a chain's input is no line of its own
    Index count = 0;
    for (Index which = 0; which < layout.count(layer); ++which) count += layout.entry(layer, which).shape.size();
    auto node = std::ranges::find(graph.nodes(), layer, &GraphNode::layer);
    lines.push_back({fmt::format("{} ({})", graph.name(layer), graph.layer(layer).class_name()),
                     detail::batch_shape_text(node->plan.output), detail::with_commas(count)});
  }
  std::size_t first = 0, second = 0, third = 0;
  for (const Line& line : lines) {
    first = std::max(first, line.layer.size());
    second = std::max(second, line.shape.size());
    third = std::max(third, line.count.size());
  }
  const std::string rule(first + second + third + 8, '-');
  std::string text = fmt::format("Model: \"{}\"\n{}\n", title, rule);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    text += fmt::format(" {:<{}}   {:<{}}   {:>{}}\n", lines[i].layer, first, lines[i].shape, second, lines[i].count,
                        third);
    if (i == 0) text += rule + "\n";
  }
  const Index total = network.parameters().count(), trainable = network.parameters().trainable_count();
  text += rule + "\n";
  text += fmt::format(" Total params: {} ({})\n", detail::with_commas(total), detail::bytes_text(total));
  text += fmt::format(" Trainable params: {} ({})\n", detail::with_commas(trainable), detail::bytes_text(trainable));
  text += fmt::format(" Non-trainable params: {} ({})\n", detail::with_commas(total - trainable),
                      detail::bytes_text(total - trainable));
  return text;
}

}  // namespace maas::inline MAAS_ABI
