#include "maas/layers/sample_normalization.hpp"

#include "maas/testing/check_layer.hpp"
#include "outputs.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;

TEST_CASE("layer normalization by hand") {
  Network network = network_of(LayerNormalization{.epsilon = 0}, {Shape{2, 2}});
  network.parameters().view("layer_normalization/gamma") << 1, 2;
  network.parameters().view("layer_normalization/beta") << 0, 10;
  CHECK(network.predict(row({1, 3, 5, 5.5})).isApprox(row({-1, 12, -1, 12})));
  CHECK(output_of(LayerNormalization{.axis = 1, .epsilon = 0}, Shape{2, 2}, row({1, 3, 5, -3}))
            .isApprox(row({-1, 1, 1, -1})));
  CHECK(output_of(LayerNormalization{.axis = {1, 2}, .epsilon = 0}, Shape{2, 2}, row({1, 1, 3, 3}))
            .isApprox(row({-1, -1, 1, 1})));
}

TEST_CASE("the other normalizations of a sample by hand") {
  CHECK(output_of(RMSNormalization{.epsilon = 0}, Shape{2}, row({1, 7})).isApprox(row({0.2, 1.4})));
  CHECK(output_of(unit_normalization(), Shape{2}, row({3, 4})).isApprox(row({0.6, 0.8})));
  CHECK(output_of(unit_normalization(), Shape{2}, row({0, 0})) == row({0, 0}));
  CHECK(output_of(UnitNormalization{.axis = 1}, Shape{2, 1}, row({3, 4})).isApprox(row({0.6, 0.8})));
  // Channels 0, 1 and 2, 3 are the groups; each is normalized over both positions.
  CHECK(output_of(GroupNormalization{.groups = 2, .epsilon = 0}, Shape{2, 4}, row({1, 1, 5, 7, 3, 3, 7, 5}))
            .isApprox(row({-1, -1, -1, 1, 1, 1, 1, -1})));
}

TEST_CASE("normalizations keep the contract with other settings") {
  CHECK_NOTHROW(testing::check_layer(LayerNormalization{.axis = {1, 3}, .center = false}, {.input = Shape{2, 3, 4}}));
  CHECK_NOTHROW(testing::check_layer(LayerNormalization{.axis = 2, .scale = false}, {.input = Shape{2, 3, 4}}));
  CHECK_NOTHROW(testing::check_layer(RMSNormalization{.axis = {1, 2}}, {.input = Shape{2, 3}}));
  CHECK_NOTHROW(testing::check_layer(UnitNormalization{.axis = {1, 2}}, {.input = Shape{2, 3}}));
  CHECK_NOTHROW(
      testing::check_layer(GroupNormalization{.groups = 2, .axis = 2, .scale = false}, {.input = Shape{2, 4, 3}}));
}

TEST_CASE("RMSNormalization takes the last axes only, along which Keras scales whatever the axis") {
  CHECK_NOTHROW(RMSNormalization{.axis = {-1, 2}}.plan(std::vector{Shape{3, 2, 3}}));
  CHECK_THROWS_WITH(RMSNormalization{.axis = -3}.plan(std::vector{Shape{3, 2, 3}}),
                    "RMSNormalization: expected the last axes of samples of shape 3x2x3, along which Keras scales "
                    "whatever the axis, got axis 1 without axis 2");
  CHECK_THROWS_AS((RMSNormalization{.axis = {1, 3}}.plan(std::vector{Shape{3, 2, 3}})), ConfigError);
}

TEST_CASE("normalizations refuse what does not fit") {
  CHECK(refusal(group_normalization(4), {Shape{6}}) ==
        "GroupNormalization: expected channels that can be cut into 4 groups, got 6 (samples of 6)");
  CHECK(refusal(LayerNormalization{.axis = {1, 1}}, {Shape{6}}) ==
        "LayerNormalization: expected different axes, got [1, 1]");
}
