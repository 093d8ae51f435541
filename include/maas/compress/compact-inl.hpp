// Bodies of compact networks.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/compress/compact.hpp"
#include "maas/layers/compact_dense.hpp"
#include "maas/layers/dense.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The views of a layer's weights, in the plan's order.
inline std::vector<ConstMatrixView> weights_of(const Network& network, Index layer) {
  std::vector<ConstMatrixView> views;
  const Parameters& parameters = network.parameters();
  for (Index which = 0; which < parameters.layout().count(layer); ++which)
    views.push_back(parameters.view(layer, which));
  return views;
}

/// What takes the place of a layer; nothing where it stays as it is.
inline std::optional<CompactDense> compact_layer(const Network& network, Index layer, const CompactOptions& options) {
  const Dense* dense = network.graph().layer(layer).as<Dense>();
  if (dense == nullptr || dense->units < 2) return std::nullopt;
  if (network.parameters().view(layer, 0).size() < options.smallest) return std::nullopt;
  return CompactDense{dense->units, dense->activation, dense->use_bias, options.format};
}

/// The compact weights of a layer; errors name it.
inline std::vector<Matrix> compact_weights(const Network& network, Index layer, const CompactDense& to) {
  try {
    return to.weights_of(weights_of(network, layer));
  } catch (const DataError& error) {
    fail<DataError>("compact: layer {}: {}", network.graph().name(layer), error.what());
  }
}

inline void set_weights(Network& network, Index layer, const std::vector<Matrix>& weights) {
  for (std::size_t which = 0; which < weights.size(); ++which) {
    MatrixView to = network.parameters().view(layer, static_cast<Index>(which));
    std::copy_n(weights[which].data(), weights[which].size(), to.data());
  }
}

/// Calls visit(before, after) for every pair of outputs.
template <class Visit>
void for_each_pair(const std::vector<Matrix>& before, const std::vector<Matrix>& after, Visit&& visit) {
  for (std::size_t i = 0; i < before.size(); ++i)
    for (Index k = 0; k < before[i].size(); ++k)
      visit(static_cast<double>(before[i].data()[k]), static_cast<double>(after[i].data()[k]));
}

}  // namespace detail

MAAS_INLINE Network compact(const Network& network, const CompactOptions& options) {
  const Graph& graph = network.graph();
  std::vector<Layer> layers;
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer) {
    const std::optional<CompactDense> to = detail::compact_layer(network, layer, options);
    layers.push_back((to ? Layer(*to) : graph.layer(layer)).named(graph.name(layer)));
  }
  Network result = Network::undrawn(Graph(std::move(layers), graph.nodes(), graph.inputs(), graph.outputs()));
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer) {
    if (const auto to = detail::compact_layer(network, layer, options)) {
      detail::set_weights(result, layer, detail::compact_weights(network, layer, *to));
      continue;
    }
    for (Index which = 0; which < network.parameters().layout().count(layer); ++which)
      result.parameters().view(layer, which) = network.parameters().view(layer, which);
  }
  return result;
}

MAAS_INLINE Network rounded(const Network& network, const CompactOptions& options) {
  Network result = network;
  for (Index layer = 0; layer < static_cast<Index>(network.graph().layers().size()); ++layer)
    if (const auto to = detail::compact_layer(network, layer, options)) {
      const std::vector<Matrix> weights = detail::compact_weights(network, layer, *to);
      std::vector<ConstMatrixView> views;
      for (const Matrix& m : weights) views.emplace_back(m.data(), m.rows(), m.cols());
      result.parameters().view(layer, 0) = to->kernel(views, network.parameters().view(layer, 0).rows());
    }
  return result;
}

MAAS_INLINE OutputChange change_of(const Network& before, const Network& after, const std::vector<Matrix>& inputs) {
  const std::vector<Matrix> old_outputs = before.predict(inputs), new_outputs = after.predict(inputs);
  OutputChange change;
  double sum = 0, count = 0;
  detail::for_each_pair(old_outputs, new_outputs, [&](double a, double b) {
    const double difference = std::abs(a - b);
    if (std::isnan(difference) || difference > change.largest) change.largest = difference;
    change.mean += difference;
    sum += a;
    ++count;
  });
  require<DataError>(count > 0, "change_of: expected at least 1 sample, got none");
  change.mean /= count;
  double squares = 0;
  detail::for_each_pair(old_outputs, new_outputs,
                        [&](double a, double) { squares += (a - sum / count) * (a - sum / count); });
  change.spread = std::sqrt(squares / count);
  return change;
}

MAAS_INLINE Network compact_within(const Network& network, const std::vector<Matrix>& inputs, double limit,
                                   const CompactOptions& options) {
  Network result = compact(network, options);
  const OutputChange change = change_of(network, result, inputs);
  require<DataError>(change.relative() <= limit,
                     "compact: outputs move by {:.3g} on average, {:.3g} of their standard deviation {:.3g}; expected "
                     "at most {:.3g} of it",
                     change.mean, change.relative(), change.spread, limit);
  return result;
}

}  // namespace maas::inline MAAS_ABI
