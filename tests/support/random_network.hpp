// Networks that chance puts together from all that is registered.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "maas/activations/activations.hpp"
#include "maas/initializers/initializers.hpp"
#include "maas/network/network.hpp"
#include "maas/network/symbol.hpp"
#include "maas/regularizers/regularizers.hpp"
#include "support/layer_examples.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Draws whole numbers and choices, one after the other.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  double real() { return random_.uniform(drawn_++); }
  Index below(Index count) { return std::min(static_cast<Index>(real() * static_cast<double>(count)), count - 1); }
  bool chance(double probability) { return real() < probability; }
  const auto& of(const auto& choices) {
    return choices[static_cast<std::size_t>(below(static_cast<Index>(std::size(choices))))];
  }

 private:
  Random random_;
  std::uint64_t drawn_ = 0;
};

/// Weights as after some training; statistics of squares stay above 0.
inline void draw_weights(Network& network, Dice& dice) {
  for (const ParameterEntry& entry : network.parameters().entries()) {
    MatrixView weights = network.parameters().view(entry);
    const bool positive = entry.name.ends_with("variance") || entry.name.ends_with("gamma");
    for (Index i = 0; i < weights.size(); ++i) {
      const double drawn = dice.real() - 0.5;
      weights.data()[i] = static_cast<Scalar>(positive ? 1 + drawn : drawn);
    }
  }
}

/// A network of one to three inputs and one or two outputs, at most 12 layers deep, with branches, merging and layers
/// used twice; and inputs on which its predictions are finite numbers of moderate size.
struct RandomNetwork {
  Network network;
  std::vector<Matrix> inputs;
};

class RandomNetworkMaker {
 public:
  /// `without` are activations that are not to occur.
  explicit RandomNetworkMaker(std::uint64_t seed, std::vector<std::string_view> without = {})
      : dice_(seed), without_(std::move(without)) {}

  /// Tries until chance gives a network that can run.
  RandomNetwork make() {
    while (true) {
      try {
        RandomNetwork made = attempt();
        if (is_moderate(made)) return made;
      } catch (const ConfigError&) {  // masks that meet where they cannot
      } catch (const ShapeError&) {
      }
    }
  }

 private:
  struct Place {
    Symbol symbol;
    int depth;
  };

  RandomNetwork attempt() {
    places_.clear();
    ends_.clear();
    shared_.clear();
    std::vector<Symbol> inputs;
    std::vector<bool> whole;
    const Index count = 1 + dice_.below(3);
    for (Index i = 0; i < count; ++i) {
      const bool numbers = dice_.chance(0.25);
      const Input entry =
          input(dice_.of(numbers ? std::vector<Shape>{{5}} : std::vector<Shape>{{3}, {4, 3}, {6}, {2, 3, 5}}));
      inputs.push_back(entry);
      whole.push_back(numbers);
      places_.push_back({numbers ? encoded(entry) : Symbol(entry), 1});
      ends_.push_back(true);
    }
    const Index steps = 1 + dice_.below(10);
    for (Index step = 0; step < steps; ++step) grow();
    RandomNetwork made{Network(std::span<const Symbol>(inputs), outputs()), {}};
    draw_weights(made.network, dice_);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Matrix x(7, inputs[i].shape().size());
      for (Index k = 0; k < x.size(); ++k)
        x.data()[k] = static_cast<Scalar>(whole[i] ? static_cast<double>(dice_.below(4)) : 2 * dice_.real() - 1);
      made.inputs.push_back(std::move(x));
    }
    return made;
  }

  // Whole numbers become vectors first: no other layer is made for them.
  Symbol encoded(const Symbol& numbers) {
    if (dice_.chance(0.5)) return Layer(CategoryEncoding{.num_tokens = 4, .output_mode = "multi_hot"})(numbers);
    return Layer(Embedding{.input_dim = 4, .output_dim = 3, .mask_zero = dice_.chance(0.3)})(numbers);
  }

  void grow() {
    const Index from = dice_.below(static_cast<Index>(places_.size()));
    if (places_[static_cast<std::size_t>(from)].depth >= 12) return;
    if (dice_.chance(0.3) && merge(from)) return;
    if (dice_.chance(0.2) && repeat(from)) return;
    const Layer layer = dice_.chance(0.4) ? random_dense() : random_layer(place(from).symbol.shape());
    shared_.push_back(layer);
    add(layer, {from});
  }

  const Place& place(Index i) const { return places_[static_cast<std::size_t>(i)]; }

  void add(const Layer& layer, const std::vector<Index>& from) {
    std::vector<Symbol> symbols;
    int depth = 0;
    for (Index i : from) {
      symbols.push_back(place(i).symbol);
      depth = std::max(depth, place(i).depth);
    }
    const Symbol result = layer(symbols);
    if (result.shape().size() > 400) return;
    for (Index i : from) ends_[static_cast<std::size_t>(i)] = false;
    places_.push_back({result, depth + 1});
    ends_.push_back(true);
  }

  // With another place of the same shape, or any of the same rank 1 behind it.
  bool merge(Index from) {
    const Shape& shape = place(from).symbol.shape();
    for (Index other = 0; other < static_cast<Index>(places_.size()); ++other) {
      if (other == from || !(place(other).symbol.shape() == shape)) continue;
      const std::vector<Layer> merging{Add{}, Subtract{}, Multiply{}, Average{}, Maximum{}, Minimum{}, Concatenate{}};
      add(dice_.of(merging), {from, other});
      return true;
    }
    return false;
  }

  // A layer of before once more, where it fits and has the weights it has there.
  bool repeat(Index from) {
    for (const Layer& layer : shared_) {
      const auto* dense_layer = layer.as<Dense>();
      if (dense_layer == nullptr) continue;
      for (const Place& other : places_)
        if (other.symbol.layer().shares_weights_with(layer) &&
            other.symbol.inputs()[0].shape() == place(from).symbol.shape()) {
          add(layer, {from});
          return true;
        }
    }
    return false;
  }

  template <class Catalog>
  auto random_part() {
    const auto entries = Catalog::entries();
    return dice_.of(entries).make(Config{});
  }

  Layer random_dense() {
    Dense dense_layer{.units = 1 + dice_.below(6), .use_bias = dice_.chance(0.8)};
    Activation activation = random_part<BuiltinActivations>();
    const bool left_out = std::ranges::find(without_, activation.class_name()) != without_.end();
    if (!activation.halves() && !left_out) dense_layer.activation = activation;
    if (dice_.chance(0.3)) dense_layer.kernel_regularizer = Regularizer(L1L2{0.01, 0.02});
    if (dice_.chance(0.3)) dense_layer.bias_initializer = RandomNormal{};
    return dense_layer;
  }

  // Any layer of one input that fits this shape.
  Layer random_layer(const Shape& shape) {
    const auto entries = BuiltinLayers::entries();
    while (true) {
      const auto& entry = dice_.of(entries);
      // Discretization gives whole numbers, Embedding and CategoryEncoding take them; an input stands at the start.
      if (entry.class_name == Discretization::class_name || entry.class_name == Embedding::class_name ||
          entry.class_name == CategoryEncoding::class_name || entry.class_name == InputLayer::class_name)
        continue;
      const std::vector<LayerExample> examples = layer_examples(entry);
      const LayerExample& example = dice_.of(examples);
      if (!example.check.more_inputs.empty()) continue;
      try {
        const Shape shapes[] = {shape};
        if (example.layer.plan(shapes).output.rank() >= 1) return example.layer;
      } catch (const Error&) {  // it does not fit
      }
    }
  }

  // Everything that leads nowhere else: at most two, the others end there, too.
  std::vector<Symbol> outputs() {
    std::vector<Symbol> open;
    for (std::size_t i = 0; i < places_.size(); ++i)
      if (ends_[i]) open.push_back(places_[i].symbol);
    std::vector<Symbol> flat;
    for (const Symbol& symbol : open)
      flat.push_back(symbol.shape().rank() == 1 ? Layer(dense(2))(symbol) : Layer(dense(2))(Layer(flatten())(symbol)));
    if (flat.size() <= 2) return flat;
    return {Layer(Concatenate{})(flat), flat[0]};
  }

  static bool is_moderate(const RandomNetwork& made) {
    for (const Matrix& y : made.network.predict(made.inputs))
      if (!y.allFinite() || y.cwiseAbs().maxCoeff() > 1000) return false;
    return true;
  }

  Dice dice_;
  std::vector<std::string_view> without_;
  std::vector<Place> places_;
  std::vector<bool> ends_;  // of places_: nothing follows yet
  std::vector<Layer> shared_;
};

}  // namespace maas::inline MAAS_ABI::tests
