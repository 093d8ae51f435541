#include "maas/network/graph.hpp"

#include "maas/layers/layers.hpp"
#include "maas/losses/losses.hpp"
#include "maas/network/network.hpp"
#include "maas/testing/check_gradient.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// A layer of the user's own: the sum of its inputs.
struct Sum {
  static constexpr std::string_view class_name = "Sum";
  LayerPlan plan(Shapes inputs) const {
    for (const Shape& shape : inputs)
      require<ShapeError>(shape == inputs[0], "Sum: expected inputs of one shape, got {} and {}", inputs[0].text(),
                          shape.text());
    return {.output = inputs[0]};
  }
  void forward(const Forward& pass) const {
    MatrixView output = pass.output;
    output = pass.inputs[0];
    for (std::size_t i = 1; i < pass.inputs.size(); ++i) output += pass.inputs[i];
  }
  void backward(const Backward& pass) const {
    for (MatrixView gradient : pass.input_gradients)
      if (gradient.data() != nullptr) gradient = pass.output_gradient;
  }
};

Layer sum() { return Sum{}; }

}  // namespace

TEST_CASE("a chain must begin with its one input") {
  CHECK_THROWS_WITH(Network(std::initializer_list<Layer>{}), "Sequential: expected layers, got none");
  CHECK_THROWS_WITH(Network({dense(3)}), "Sequential: expected input(...) as the first layer, got Dense");
  CHECK_THROWS_WITH(Network({input(3), dense(2), input(2)}), "Sequential: expected one input, got another as layer 2");
  CHECK_THROWS_WITH(input(0), "input: expected at least 1 feature, got 0");
}

TEST_CASE("a layer that does not fit is named") {
  CHECK_THROWS_WITH(Network({input(3), dense(2), dense(0).named("last")}),
                    "layer \"last\": Dense: expected at least 1 unit, got 0");
  CHECK_THROWS_WITH(Network({input(3), dense(2).named("a"), dense(2).named("a")}),
                    "layer names must differ, got \"a\" twice");
}

TEST_CASE("outputs and weights too large to count with are refused with the layer's name") {
  const Index huge = Index{1} << 62, large = Index{1} << 30;
  CHECK_THROWS_WITH(Network({input(huge), dense(1)}),
                    "layer \"input_layer\": an output of 4611686018427387904 is larger than 2147483648 numbers");
  CHECK_THROWS_WITH(Network({input(4), dense(large)}),
                    "layer \"dense\": kernel of 4x1073741824 is larger than 2147483648 numbers");
  CHECK_THROWS_WITH(Network({input(4), repeat_vector(huge).named("many")}),
                    Catch::Matchers::StartsWith("layer \"many\": Shape: "));
  CHECK_THROWS_AS(Network({input(4), repeat_vector(large)}), ShapeError);
  CHECK_THROWS_AS(Network({input(4), embedding(huge, 4)}), ShapeError);
  CHECK_THROWS_AS(Network({input(4), embedding(4, huge)}), ShapeError);
  CHECK_THROWS_AS(Network({input(4), category_encoding(huge, "one_hot")}), ShapeError);
}

TEST_CASE("layers without a name are called after their class, around the names that are taken") {
  const Network network{input(3), dense(2), dense(2).named("dense_1"), dense(2), flatten(), dense(1)};
  CHECK(network.graph().names() ==
        std::vector<std::string>{"input_layer", "dense", "dense_1", "dense_2", "flatten", "dense_3"});
}

TEST_CASE("functional wiring reports mistakes where they are made") {
  const Input x = input(3), z = input(3);
  CHECK_THROWS_WITH(sum()({x, dense(4)(x)}), "Sum: expected inputs of one shape, got 3 and 4");
  CHECK_THROWS_WITH(Network(x, sum()({x, z})), "Model: an output depends on an input that is not among the inputs");
  CHECK_THROWS_WITH(Network(dense(2)(x), x), "Model: expected the result of input(), got the output of Dense");
}

TEST_CASE("a graph made of parts refuses nodes out of range or order") {
  const std::vector<Layer> layers = {input(3), dense(2)};
  auto graph = [&](std::vector<GraphNode> nodes, std::vector<Index> inputs, std::vector<Index> outputs) {
    return Graph(layers, std::move(nodes), std::move(inputs), std::move(outputs));
  };
  CHECK(graph({{.layer = 0}, {.layer = 1, .inputs = {0}}}, {0}, {1}).output_shape() == Shape{2});
  CHECK_THROWS_WITH(graph({{.layer = 2}}, {0}, {0}), "Graph: node 0 calls a layer that is not there");
  CHECK_THROWS_WITH(graph({{.layer = 0}, {.layer = 1, .inputs = {1}}}, {0}, {1}),
                    "Graph: node 1 takes an output that does not come before it");
  CHECK_THROWS_WITH(graph({{.layer = 0}}, {-1}, {0}), "Graph: an input is not there");
  CHECK_THROWS_WITH(graph({{.layer = 0}}, {0}, {1}), "Graph: an output is not there");
  CHECK_THROWS_WITH(graph({{.layer = 0}}, {0}, {}), "Graph: expected at least one input and one output");
  CHECK_THROWS_WITH(graph({{.layer = 0}, {.layer = 0}, {.layer = 1, .inputs = {1}}}, {0}, {2}),
                    "Graph: the inputs must be the nodes of input layers, each once; node 1 is not");
  CHECK_THROWS_WITH(graph({{.layer = 0}, {.layer = 1, .inputs = {0}}}, {1}, {1}),
                    "Graph: the inputs must be the nodes of input layers, each once; node 0 is not");
}

TEST_CASE("outputs that are used several times get the gradients of all uses") {
  const Input x = input(3);
  const Symbol h = dense(4, Tanh{})(x);
  const Symbol left = dense(4, Tanh{})(h), right = dense(4, sigmoid)(h);
  Network network(x, dense(2)(sum()({left, h, right, h})));
  const Matrix in = Matrix::Random(7, 3), target = Matrix::Random(7, 2);
  CHECK_NOTHROW(testing::check_gradient(network, mean_squared_error, in, target));
  CHECK(network.graph().nodes().size() == 6);
  CHECK(!network.graph().is_chain());
}

TEST_CASE("one layer called twice has one set of weights, and the gradients of both calls") {
  const Layer shared = dense(3, Tanh{});
  Network chain{input(3), shared, shared, dense(3, Tanh{})};
  CHECK(chain.parameters().count() == 2 * (3 * 3 + 3));
  const Input x = input(3), z = input(3);
  const Symbol joined = dense(1)(sum()({shared(x), shared(z)}));
  const Symbol inputs[] = {x, z};
  const Network siamese(Graph(inputs, std::span(&joined, 1)));
  CHECK(siamese.parameters().count() == 12 + 4);
  const Matrix in = Matrix::Random(7, 3), target = Matrix::Random(7, 3);
  CHECK_NOTHROW(testing::check_gradient(chain, mean_squared_error, in, target));
  // The siamese network sees its inputs alike.
  const Matrix other = Matrix::Random(7, 3);
  CHECK(siamese.predict(std::vector{in, other}) == siamese.predict(std::vector{other, in}));
}

TEST_CASE("a shared layer cannot be given inputs that want weights of different shapes") {
  const Layer shared = dense(3);
  CHECK_THROWS_WITH(Network({input(4), shared, shared}),
                    "layer \"dense\": shared by inputs of different shapes: kernel would be 4x3 and 3x3");
}

TEST_CASE("an output may be an input, or have others behind it") {
  const Input x = input(3);
  const Matrix in = Matrix::Random(2, 3);
  CHECK(Network(x, x).predict(in) == in);
  const Symbol h = dense(2, Tanh{})(x), y = dense(1)(h);
  const Symbol outputs[] = {h, y}, inputs[] = {x};
  const Network network(Graph(inputs, outputs));
  const std::vector<Matrix> both = network.predict(std::vector{in});
  REQUIRE(both.size() == 2);
  CHECK(both[0] == Network(network).predict(std::vector{in})[0]);
  CHECK(both[0].cols() == 2);
  CHECK(both[1].cols() == 1);
}
