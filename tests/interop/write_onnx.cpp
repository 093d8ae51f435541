// Writes networks as ONNX, one file each, with inputs and predictions: check_onnx.py runs them.
// usage: write_onnx FOLDER
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "interop/write_numbers.hpp"
#include "maas/io/onnx.hpp"
#include "maas/maas.hpp"
#include "support/layer_examples.hpp"
#include "support/random_network.hpp"

using namespace maas;
using tests::write_numbers;

namespace {

class Cases {
 public:
  explicit Cases(std::string folder) : folder_(std::move(folder)), list_(folder_ + "/onnx.tsv") {
    list_ << "name\tinputs\toutputs\n";
  }

  void add(const std::string& name, const Network& network, const std::vector<Matrix>& x) {
    const std::string base = folder_ + "/" + name;
    try {
      write_onnx(base + ".onnx", network);
    } catch (const ConfigError& error) {
      ++refused_;
      std::cout << name << ": " << error.what() << '\n';
      return;
    }
    ++written_;
    const Graph& graph = network.graph();
    for (std::size_t i = 0; i < x.size(); ++i)
      write_numbers(fmt::format("{}.x{}.csv", base, i), graph.input_shape(static_cast<Index>(i)), x[i]);
    const std::vector<Matrix> y = network.predict(x);
    for (std::size_t i = 0; i < y.size(); ++i)
      write_numbers(fmt::format("{}.y{}.csv", base, i), graph.output_shape(static_cast<Index>(i)), y[i]);
    list_ << fmt::format("{}\t{}\t{}\n", name, x.size(), y.size());
  }

  int written() const { return written_; }
  int refused() const { return refused_; }

 private:
  std::string folder_;
  std::ofstream list_;
  int written_ = 0, refused_ = 0;
};

Matrix some_numbers(Index rows, const testing::LayerCheck& check, const Shape& shape, std::uint64_t seed) {
  Matrix numbers(rows, shape.size());
  const Random random(seed);
  for (Index i = 0; i < numbers.size(); ++i) {
    const double drawn = random.uniform(static_cast<std::uint64_t>(i));
    numbers.data()[i] = static_cast<Scalar>(check.whole_numbers ? std::floor(drawn * (check.high + 1)) : 4 * drawn - 2);
  }
  return numbers;
}

// Every layer on its own.
void write_layers(Cases& cases) {
  for (const auto& entry : BuiltinLayers::entries()) {
    int number = 0;
    if (entry.class_name == InputLayer::class_name) continue;
    for (const tests::LayerExample& example : tests::layer_examples(entry)) {
      std::vector<Symbol> inputs{input(example.check.input)};
      for (const Shape& more : example.check.more_inputs) inputs.push_back(input(more));
      const std::vector<Symbol> outputs{example.layer(inputs)};
      Network network{Graph(std::span<const Symbol>(inputs), std::span<const Symbol>(outputs))};
      tests::Dice dice(7);
      tests::draw_weights(network, dice);
      std::vector<Matrix> x;
      for (const Symbol& symbol : inputs) x.push_back(some_numbers(5, example.check, symbol.shape(), x.size() + 1));
      cases.add(fmt::format("layer-{}-{}", entry.class_name, number++), network, x);
    }
  }
}

void write_activations(Cases& cases) {
  for (const auto& entry : BuiltinActivations::entries()) {
    Network network{Graph(std::vector<Layer>{input(8), activation_layer(entry.make(Config{}))})};
    cases.add("activation-" + std::string(entry.class_name), network, {some_numbers(20, {}, Shape{8}, 3)});
  }
}

void write_random(Cases& cases) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const tests::RandomNetwork made = tests::RandomNetworkMaker(seed).make();
    cases.add(fmt::format("random-{}", seed), made.network, made.inputs);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: write_onnx FOLDER\n";
    return 1;
  }
  Cases cases(arguments[1]);
  write_layers(cases);
  write_activations(cases);
  write_random(cases);
  std::cout << cases.written() << " written, " << cases.refused() << " refused\n";
  return cases.written() > 200 ? 0 : 1;
}
