#include "maas/layers/activation_layers.hpp"

#include "maas/layers/dense.hpp"
#include "maas/testing/check_layer.hpp"
#include "outputs.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;

TEST_CASE("activation layers: numbers worked out by hand") {
  const Matrix x = row({-2, -0.5, 0, 0.5, 2});
  CHECK(output_of(ReLU{}, Shape{5}, x) == row({0, 0, 0, 0.5, 2}));
  CHECK(output_of(ReLU{.max_value = 1, .negative_slope = 0.5, .threshold = 0.25}, Shape{5}, x) ==
        row({-1.125, -0.375, -0.125, 0.5, 1}));
  CHECK(output_of(LeakyReLU{}, Shape{5}, x).isApprox(row({-0.6, -0.15, 0, 0.5, 2})));
  CHECK(output_of(ELU{.alpha = 2}, Shape{5}, x).isApprox(row({2 * std::expm1(-2.0), 2 * std::expm1(-0.5), 0, 0.5, 2})));
}

TEST_CASE("PReLU has an alpha for every number, or one for several") {
  Network network = network_of(PReLU{}, {Shape{2, 2}});
  REQUIRE(network.parameters().entries()[0].shape == Shape{2, 2});
  network.parameters().view("p_re_lu/alpha") << 1, 2, 3, 4;
  CHECK(network.predict(row({-1, -1, -1, 1})) == row({-1, -2, -3, 1}));

  Network shared = network_of(prelu(std::vector<Index>{1}), {Shape{2, 2}});
  REQUIRE(shared.parameters().entries()[0].shape == Shape{1, 2});
  shared.parameters().view("p_re_lu/alpha") << 1, 2;
  CHECK(shared.predict(row({-1, -1, -1, 1})) == row({-1, -2, -1, 1}));
}

TEST_CASE("softmax along an axis, and along several at once") {
  const Matrix x = row({0, 0, std::log(3.0), 0});
  CHECK(output_of(SoftmaxLayer{}, Shape{2, 2}, x).isApprox(row({0.5, 0.5, 0.75, 0.25})));
  CHECK(output_of(SoftmaxLayer{.axis = 1}, Shape{2, 2}, x).isApprox(row({0.25, 0.5, 0.75, 0.5})));
  CHECK(output_of(SoftmaxLayer{.axis = {1, 2}}, Shape{2, 2}, x).isApprox(row({1, 1, 3, 1}) / 6));
  CHECK(output_of(SoftmaxLayer{}, Shape{2}, row({1e4, -1e4})) == row({1, 0}));
}

TEST_CASE("activation layers refuse what makes no sense") {
  CHECK(refusal(ReLU{.max_value = -1}, {Shape{3}}) == "ReLU: expected a max_value of at least 0, got -1");
  CHECK(refusal(ReLU{.negative_slope = -1}, {Shape{3}}) == "ReLU: expected a negative_slope of at least 0, got -1");
  CHECK(refusal(PReLU{.shared_axes = std::vector<Index>{2}}, {Shape{3}}) ==
        "PReLU: expected an axis from 1 to 1 or from -1 to -1 for samples of shape 3, got 2");
  CHECK(refusal(SoftmaxLayer{.axis = 0}, {Shape{3}}) ==
        "Softmax: expected an axis from 1 to 1 or from -1 to -1 for samples of shape 3, got 0");
}

TEST_CASE("activation layers keep the layer contract with other settings") {
  CHECK_NOTHROW(testing::check_layer(ReLU{.max_value = 0.75, .negative_slope = 0.125, .threshold = 0.25}));
  CHECK_NOTHROW(testing::check_layer(PReLU{.shared_axes = std::vector<Index>{1, 3}}, {.input = Shape{2, 3, 2}}));
  CHECK_NOTHROW(testing::check_layer(SoftmaxLayer{.axis = {1, 3}}, {.input = Shape{2, 3, 2}}));
}
