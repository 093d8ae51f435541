// Network with sizes in types: predicts without allocation, for loops that must not wait.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "maas/fixed/layers.hpp"
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

/// The dense layers of a chain, in order. Throws ConfigError or ShapeError for anything else.
std::vector<DenseStep> steps_of(const maas::Network& network);
/// Throws ShapeError unless there are as many as layers.
void require_steps(const std::vector<DenseStep>& steps, std::size_t layers);

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
    detail::require_steps(steps, sizeof...(Layers));
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

#if !defined(MAAS_COMPILED)
#include "maas/fixed/network-inl.hpp"
#endif
