// Network with sizes in types: predicts without allocation, for loops that must not wait.
#pragma once

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "maas/fixed/layers.hpp"
#include "maas/layers/dense.hpp"
#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI::fixed {

namespace detail {

/// Layers one after the other in one object; a tuple would not be trivially copyable.
template <class First, class... Rest>
struct Chain {
  static_assert(First::outputs == Chain<Rest...>::inputs,
                "maas::fixed::Network: a layer must take as many inputs as the layer before it has outputs");
  static constexpr Index inputs = First::inputs;
  static constexpr Index outputs = Chain<Rest...>::outputs;
  First first{};
  Chain<Rest...> rest{};

  void forward(const Scalar* x, Scalar* y) const noexcept {
    alignas(64) Scalar between[static_cast<std::size_t>(First::outputs)];
    first.forward(x, between);
    rest.forward(between, y);
  }
  static void check(const DenseStep* steps) {
    First::check(*steps);
    Chain<Rest...>::check(steps + 1);
  }
  void assign(const DenseStep* steps) {
    first.assign(*steps);
    rest.assign(steps + 1);
  }
};

template <class Last>
struct Chain<Last> {
  static constexpr Index inputs = Last::inputs;
  static constexpr Index outputs = Last::outputs;
  Last first{};

  void forward(const Scalar* x, Scalar* y) const noexcept { first.forward(x, y); }
  static void check(const DenseStep* steps) { Last::check(*steps); }
  void assign(const DenseStep* steps) { first.assign(*steps); }
};

/// The Place-th layer of a chain.
template <std::size_t Place>
auto& layer_of(auto& chain) {
  if constexpr (Place == 0)
    return chain.first;
  else
    return layer_of<Place - 1>(chain.rest);
}

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

/// The dense layers of a chain, in order. Throws ConfigError or ShapeError for anything else.
inline std::vector<DenseStep> steps_of(const maas::Network& network) {
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

}  // namespace detail

/// A chain of layers with sizes in types: `fixed::Network<fixed::Dense<4, 8, Relu>, fixed::Dense<8, 1, Sigmoid>>`.
/// A trivially copyable aggregate without pointers, weights inside: it may lie in static, shared or mapped memory and
/// be copied as bytes. Neighbours that disagree do not compile. Large ones belong on the heap, not on the stack.
template <class... Layers>
struct Network {
  static_assert(sizeof...(Layers) >= 1, "maas::fixed::Network: expected at least one layer");
  using Chain = detail::Chain<Layers...>;
  static constexpr Index inputs = Chain::inputs;
  static constexpr Index outputs = Chain::outputs;

  Chain layers{};

  /// The prediction for one sample. Neither allocates, locks nor throws; any number of threads may call it.
  /// The same numbers as the network it was assigned from: see docs/guide/real-time.md for when they are the same bits.
  std::array<Scalar, static_cast<std::size_t>(outputs)> operator()(
      std::span<const Scalar, static_cast<std::size_t>(inputs)> x) const noexcept {
    alignas(64) std::array<Scalar, static_cast<std::size_t>(outputs)> y;
    layers.forward(x.data(), y.data());
    return y;
  }

  /// Takes weights from a network of the same shapes and activations. Layers that do nothing when predicting (input,
  /// Dropout and its kin, Flatten) are passed over; an activation layer counts as the activation of the Dense before.
  /// Throws ShapeError or ConfigError naming the layer that does not fit; this network is then unchanged.
  void assign(const maas::Network& network) {
    const std::vector<DenseStep> steps = detail::steps_of(network);
    require<ShapeError>(steps.size() == sizeof...(Layers), "fixed::Network: expected {} Dense layers, got {}",
                        sizeof...(Layers), steps.size());
    Chain::check(steps.data());
    layers.assign(steps.data());
  }

  /// The Place-th layer: `net.template layer<0>().kernel`.
  template <std::size_t Place>
  auto& layer() {
    return detail::layer_of<Place>(layers);
  }
  template <std::size_t Place>
  const auto& layer() const {
    return detail::layer_of<Place>(layers);
  }
};

}  // namespace maas::inline MAAS_ABI::fixed
