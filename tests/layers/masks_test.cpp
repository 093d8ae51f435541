// Masks on their way through layers.
#include "maas/layers/layers.hpp"
#include "maas/network/network.hpp"
#include "outputs.hpp"
#include "support/catch.hpp"
#include "support/keras_json.hpp"

using namespace maas;

namespace {

/// A layer of the class that takes steps of 3 numbers.
template <class Part>
Layer example() {
  if constexpr (std::is_same_v<Part, Dense>) return dense(2);
  if constexpr (std::is_same_v<Part, EinsumDense>) return einsum_dense("abc,cd->abd", {4, 2});
  if constexpr (std::is_same_v<Part, Reshape>) return Reshape{.target_shape = {3, 4}};
  if constexpr (std::is_same_v<Part, Permute>) return Permute{{2, 1}};
  if constexpr (std::is_same_v<Part, GroupNormalization>) return GroupNormalization{.groups = 3};
  if constexpr (std::is_same_v<Part, Discretization>) return discretization({0.0});
  if constexpr (std::is_same_v<Part, Dot>) return Dot{.axes = 2};
  return Part{};
}

struct Found {
  bool runs = false, carries = false;
  friend bool operator==(const Found&, const Found&) = default;
};

/// Whether the output of a layer behind Masking carries a mask.
Found found_behind_masking(const Layer& layer, std::size_t inputs) {
  std::vector<Symbol> given, masked;
  for (std::size_t i = 0; i < inputs; ++i) {
    given.push_back(input(Shape{4, 3}));
    masked.push_back(masking()(given.back()));
  }
  try {
    const Graph graph(given, std::vector<Symbol>{layer(masked)});
    return {.runs = true, .carries = graph.node(graph.outputs()[0]).mask_from >= 0};
  } catch (const ConfigError&) {
    return {};
  }
}

/// The mask that comes out of a network with steps of one number.
Matrix mask_of(const std::vector<Symbol>& inputs, const Symbol& output, const std::vector<Matrix>& x) {
  const Network network(Graph(inputs, std::span(&output, 1)));
  Workspace workspace(network, x[0].rows(), Mode::training);
  for (std::size_t i = 0; i < x.size(); ++i) workspace.set_input(x[i].data(), static_cast<Index>(i));
  workspace.forward(network.parameters(), Mode::training, Random());
  return workspace.output_mask();
}

Matrix steps(std::initializer_list<double> numbers) { return tests::row(numbers); }

/// A layer that says it makes masks, and does not say how.
struct Silent {
  static constexpr std::string_view class_name = "Silent";
  LayerPlan plan(Shapes inputs) const { return {.output = inputs[0], .mask = MaskRule::make}; }
  void forward(const Forward&) const {}
  void backward(const Backward&) const {}
};

}  // namespace

TEST_CASE("layers hand masks on, end them or refuse them as Keras' do") {
  const Config keras = tests::keras_json("masks.json").at("layers");
  std::size_t compared = 0;
  BuiltinLayers::for_each([&](const auto& part) {
    using Part = std::remove_cvref_t<decltype(part)>;
    const Config* expected = keras.find(Part::class_name);
    if (expected == nullptr) return;  // it takes no steps
    INFO(Part::class_name);
    constexpr bool merges =
        std::is_base_of_v<detail::JoinedMasks, Part> || std::is_same_v<Part, Concatenate> || std::is_same_v<Part, Dot>;
    CHECK(found_behind_masking(example<Part>(), merges ? 2 : 1) ==
          Found{expected->at("runs").as_bool(), expected->at("carries").as_bool()});
    ++compared;
  });
  CHECK(compared == keras.as_object().size());
}

TEST_CASE("a mask says which steps differ from the value that masks") {
  const Symbol in = input(Shape{3, 2}), ids = input(Shape{4});
  CHECK(mask_of({in}, dense(1)(masking()(in)), {steps({0, 0, 1, 0, 0, 2})}) == steps({0, 1, 1}));
  CHECK(mask_of({in}, masking(1)(in), {steps({1, 1, 1, 0, 0, 2})}) == steps({0, 1, 1}));
  const Layer table = Embedding{.input_dim = 5, .output_dim = 3, .mask_zero = true};
  CHECK(mask_of({ids}, table(ids), {steps({0, 3, 0, 4})}) == steps({0, 1, 0, 1}));
}

TEST_CASE("masks that meet are joined: a step counts where it counts in one of them") {
  const Symbol a = input(Shape{3, 1}), b = input(Shape{3, 1}), one = input(Shape{1, 1});
  const Symbol left = masking()(a), right = masking()(b), single = masking()(one);
  const std::vector<Matrix> x{steps({0, 1, 0}), steps({0, 0, 2})};
  CHECK(mask_of({a, b}, Layer(Add{})({left, right}), x) == steps({0, 1, 1}));
  CHECK(mask_of({a, b}, Layer(Add{})({left, b}), x).size() == 0);
  CHECK(mask_of({a, one}, Layer(Multiply{})({left, single}), {x[0], steps({1})}) == steps({1, 1, 1}));
  CHECK(mask_of({a, b}, Layer(Concatenate{})({left, right}), x) == steps({0, 1, 1}));
  CHECK(mask_of({a, b}, Layer(Concatenate{})({left, b}), x) == steps({1, 1, 1}));
  CHECK(mask_of({a, b}, Layer(Concatenate{.axis = 1})({b, left, right}), x) == steps({1, 1, 1, 0, 1, 0, 0, 0, 1}));
}

TEST_CASE("a layer that makes masks must say how") {
  CHECK_THROWS_WITH(Network({input(Shape{3, 2}), Silent{}}),
                    "layer \"silent\": a Silent makes a mask, and has no member mask for it");
}

TEST_CASE("batch normalization takes its moments from the steps that count") {
  const Network network{input(Shape{2, 1}), masking(), BatchNormalization{.momentum = 0.5, .epsilon = 0}};
  Workspace workspace(network, 2, Mode::training);
  Matrix x(2, 2);
  x << 1, 3, 5, 0;
  workspace.set_input(x.data());
  Network trained = network;
  workspace.forward(network.parameters(), Mode::training, Random());
  workspace.apply_statistics(trained.parameters());
  // 1, 3 and 5 have the mean 3 and the variance 8 / 3; the masked 0 is normalized with them.
  CHECK(trained.parameters().view("batch_normalization/moving_mean")(0, 0) == Approx(1.5));
  CHECK(trained.parameters().view("batch_normalization/moving_variance")(0, 0) == Approx(0.5 + 4.0 / 3));
  CHECK(workspace.output()(1, 1) == Approx(-3 / std::sqrt(8.0 / 3)));
  CHECK(workspace.output()(0, 1) == Approx(0).margin(1e-5));
}
