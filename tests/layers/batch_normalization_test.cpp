#include "maas/layers/batch_normalization.hpp"

#include "maas/layers/dense.hpp"
#include "maas/testing/check_layer.hpp"
#include "outputs.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

constexpr double small = sizeof(Scalar) == 8 ? 1e-12 : 1e-5;

Matrix samples() {
  Matrix x(2, 2);
  x << 1, 10, 3, 30;
  return x;
}

/// Runs x through a network in training and takes over what it proposes.
Matrix train_pass(Network& network, const Matrix& x) {
  Workspace workspace(network, x.rows(), Mode::training);
  workspace.set_input(x.data());
  workspace.forward(network.parameters(), Mode::training, Random());
  workspace.apply_statistics(network.parameters());
  return workspace.output();
}

}  // namespace

TEST_CASE("batch normalization by hand: batch statistics in training, moving ones in inference") {
  Network network{input(2), BatchNormalization{.momentum = 0.75, .epsilon = 0}};
  network.parameters().view("batch_normalization/gamma") << 2, 3;
  network.parameters().view("batch_normalization/beta") << 1, 0;
  Matrix expected(2, 2);
  expected << -1, -3, 3, 3;  // means 2 and 20, deviations 1 and 10
  CHECK(train_pass(network, samples()).isApprox(expected, static_cast<Scalar>(small)));
  CHECK(network.parameters().view("batch_normalization/moving_mean").isApprox(row({0.5, 5})));
  CHECK(network.parameters().view("batch_normalization/moving_variance").isApprox(row({1, 25.75})));
  CHECK(network.predict(row({1.5, 5})).isApprox(row({3, 0})));
}

TEST_CASE("statistics move only when they are taken over, and never in inference") {
  Network network{input(2), batch_normalization()};
  const Matrix x = samples();
  network.predict(x);
  Workspace workspace(network, 2, Mode::training);
  workspace.set_input(x.data());
  workspace.forward(network.parameters(), Mode::training, Random());
  CHECK(network.parameters().view("batch_normalization/moving_mean") == row({0, 0}));
  workspace.forward(network.parameters(), Mode::inference, Random());
  workspace.apply_statistics(network.parameters());
  CHECK(network.parameters().view("batch_normalization/moving_mean") == row({0, 0}));
}

TEST_CASE("a frozen batch normalization works in inference mode and keeps its statistics") {
  Network network{input(2), Layer(BatchNormalization{.epsilon = 0}).frozen()};
  CHECK(train_pass(network, samples()) == samples());
  CHECK(network.parameters().view("batch_normalization/moving_mean") == row({0, 0}));
  CHECK(network.parameters().trainable_count() == 0);
}

TEST_CASE("a batch normalization that is called twice goes two steps") {
  const Layer layer = BatchNormalization{.momentum = 0.5};
  const Input a = input(1), b = input(1);
  const std::vector<Symbol> inputs = {a, b}, outputs = {layer(a), layer(b)};
  Network network(Graph(inputs, outputs));
  Workspace workspace(network, 2, Mode::training);
  Matrix x(2, 1), y(2, 1);
  x << 3, 5;
  y << 10, 14;
  workspace.set_input(x.data(), 0);
  workspace.set_input(y.data(), 1);
  for (int pass = 0; pass < 2; ++pass) {  // the second pass starts from the same weights
    workspace.forward(network.parameters(), Mode::training, Random());
    CHECK(network.parameters().view("batch_normalization/moving_mean")(0) == 0);
  }
  workspace.apply_statistics(network.parameters());
  CHECK(network.parameters().view("batch_normalization/moving_mean")(0) == 7);        // (0 + 4) / 2, then (2 + 12) / 2
  CHECK(network.parameters().view("batch_normalization/moving_variance")(0) == 2.5);  // (1 + 1) / 2, then (1 + 4) / 2
  workspace.forward(network.parameters(), Mode::inference, Random());
  CHECK(workspace.output(1)(0, 0) == Approx((10 - 7) / std::sqrt(2.501)).epsilon(1e-5));
}

TEST_CASE("weights of batch normalization stand in the order of Keras' files") {
  const Shape shape{4, 3};
  auto names = [&](const Layer& layer) {
    std::string text;
    for (const ParameterSpec& spec : layer.plan(std::span(&shape, 1)).parameters)
      text += spec.name + " " + spec.shape.text() + (spec.trainable ? "; " : " fixed; ");
    return text;
  };
  CHECK(names(BatchNormalization{}) == "gamma 3; beta 3; moving_mean 3 fixed; moving_variance 3 fixed; ");
  CHECK(names(BatchNormalization{.axis = 1, .scale = false}) ==
        "beta 4; moving_mean 4 fixed; moving_variance 4 fixed; ");
}

TEST_CASE("batch normalization keeps the contract with other settings, and many channels") {
  const testing::LayerCheck check{.input = Shape{4, 3}, .acts_in_training = true, .looks_at_neighbours = true};
  CHECK_NOTHROW(testing::check_layer(BatchNormalization{.axis = 1}, check));
  CHECK_NOTHROW(testing::check_layer(BatchNormalization{.center = false, .scale = false}, check));
  testing::LayerCheck wide = check;
  wide.input = Shape{130};
  CHECK_NOTHROW(testing::check_layer(BatchNormalization{}, wide));
}

TEST_CASE("batch normalization refuses settings out of range") {
  CHECK(refusal(BatchNormalization{.momentum = 2}, {Shape{3}}) ==
        "BatchNormalization: expected a momentum from 0 to 1, got 2");
  CHECK(refusal(BatchNormalization{.axis = {1, 2}}, {Shape{3, 3}}) == "BatchNormalization: expected one axis, got 2");
}
