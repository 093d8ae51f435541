#include "maas/layers/dense.hpp"

#include "maas/testing/check_layer.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// A network of one dense layer with these weights.
Network with_weights(const Layer& layer, const Matrix& kernel, const Matrix& bias) {
  Network network{input(kernel.rows()), layer};
  network.parameters().view(1, 0) = kernel;
  if (bias.size() > 0) network.parameters().view(1, 1) = bias;
  return network;
}

Matrix matrix(Index rows, Index columns, std::initializer_list<double> values) {
  Matrix m(rows, columns);
  std::ranges::transform(values, m.data(), [](double value) { return static_cast<Scalar>(value); });
  return m;
}

}  // namespace

TEST_CASE("dense computes an affine map, then its activation") {
  const Matrix kernel = matrix(3, 2, {1, 2, 3, 4, 5, 6}), bias = matrix(1, 2, {0.5, -100});
  const Matrix x = matrix(2, 3, {1, 0, -1, 2, 1, 0.5});
  CHECK(with_weights(dense(2), kernel, bias).predict(x) == matrix(2, 2, {-3.5, -104, 8, -89}));
  CHECK(with_weights(dense(2, relu), kernel, bias).predict(x) == matrix(2, 2, {0, 0, 8, 0}));
  CHECK(with_weights(Dense{.units = 2, .use_bias = false}, kernel, Matrix()).predict(x) ==
        matrix(2, 2, {-4, -4, 7.5, 11}));
}

TEST_CASE("dense works along the last axis of samples of any rank") {
  const Matrix kernel = matrix(2, 1, {1, 10}), bias = matrix(1, 1, {0.5});
  Network network{input(Shape{3, 2}), dense(1)};
  network.parameters().view("dense/kernel") = kernel;
  network.parameters().view("dense/bias") = bias;
  CHECK(network.graph().output_shape() == Shape{3, 1});
  CHECK(network.predict(matrix(1, 6, {1, 2, 3, 4, 5, 6})) == matrix(1, 3, {21.5, 43.5, 65.5}));
}

TEST_CASE("dense keeps the layer contract with every activation") {
  for (const auto& entry : BuiltinActivations::entries()) {
    INFO(entry.class_name);
    const Activation activation = entry.make({});
    if (activation.halves()) {
      const Shape three{3};
      CHECK_THROWS_WITH(dense(4, activation).plan(std::span(&three, 1)),
                        Catch::Matchers::StartsWith("Dense: the activation glu gives half as many features as it "
                                                    "takes; put activation_layer(glu) behind the layer"));
      continue;
    }
    CHECK_NOTHROW(testing::check_layer(dense(4, activation), {.input = Shape{3}, .batch = 5}));
  }
}

TEST_CASE("dense keeps the layer contract at sizes beside a vector's width") {
  for (Index units : {1, 2, 7, 8, 9, 17, 33})
    for (Index inputs : {1, 5, 16, 65})
      CHECK_NOTHROW(testing::check_layer(dense(units, Tanh{}), {.input = Shape{inputs}, .batch = 7}));
  for (const Activation& activation : {Activation(linear), Activation(relu), Activation(sigmoid), Activation(Tanh{})})
    for (const bool use_bias : {false, true})
      CHECK_NOTHROW(testing::check_layer(Dense{.units = 9, .activation = activation, .use_bias = use_bias},
                                         {.input = Shape{2, 4}, .batch = 3}));
  CHECK_NOTHROW(testing::check_layer(Dense{
      .units = 3, .kernel_initializer = he_normal, .kernel_regularizer = L2{.l2 = 0.1}, .bias_regularizer = L1{}}));
}

TEST_CASE("dense names its weights and refuses sizes it cannot have") {
  const Shape three{3}, scalar;
  const LayerPlan plan = Dense{.units = 5}.plan(std::span(&three, 1));
  REQUIRE(plan.parameters.size() == 2);
  CHECK(plan.parameters[0].name == "kernel");
  CHECK(plan.parameters[0].shape == Shape{3, 5});
  CHECK(plan.parameters[1].name == "bias");
  CHECK(plan.parameters[1].shape == Shape{5});
  CHECK_THROWS_WITH(Dense{.units = 0}.plan(std::span(&three, 1)), "Dense: expected at least 1 unit, got 0");
  CHECK_THROWS_WITH(Dense{}.plan(std::span(&scalar, 1)), "Dense: expected samples of rank 1 or more, got scalar");
  CHECK_THROWS_WITH(Dense{}.plan({}), "Dense: expected one input, got 0");
}

TEST_CASE("dense splits off its activation and keeps all else") {
  const std::optional<SplitLayer> split = dense(3, softmax).split_activation();
  REQUIRE(split);
  CHECK(split->activation == Activation(softmax));
  CHECK(split->before == dense(3));
}
