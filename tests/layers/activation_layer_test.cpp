#include "maas/layers/activation_layer.hpp"

#include "maas/layers/reshaping.hpp"
#include "maas/testing/check_layer.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("an activation layer keeps the layer contract with every activation and rank") {
  for (const auto& entry : BuiltinActivations::entries()) {
    INFO(entry.class_name);
    const Activation activation = entry.make({});
    for (const Shape& shape : {activation.halves() ? Shape{6} : Shape{5}, Shape{3, 4}})
      CHECK_NOTHROW(testing::check_layer(activation_layer(activation), {.input = shape, .low = -2, .high = 2}));
  }
}

TEST_CASE("glu as a layer halves the last axis, which must be even") {
  const Shape even{3, 4}, odd{3};
  CHECK(activation_layer(glu).plan(std::span(&even, 1)).output == Shape{3, 2});
  CHECK_THROWS_WITH(activation_layer(glu).plan(std::span(&odd, 1)),
                    "Activation: expected an even number of features for glu, got 3");
  Network network{input(4), activation_layer(glu)};
  CHECK(network.predict(Matrix{{Scalar(3), Scalar(-2), Scalar(0), Scalar(0)}}) == Matrix{{Scalar(1.5), Scalar(-1)}});
}

TEST_CASE("softmax as a layer works along the last axis") {
  Network network{input(Shape{2, 2}), activation_layer(softmax)};
  Matrix x(1, 4);
  x << 0, 0, 1000, -1000;
  const Matrix y = network.predict(x);
  CHECK(y.leftCols(3) == Matrix{{Scalar(0.5), Scalar(0.5), Scalar(1)}});
  CHECK(y(0, 3) < Scalar(1e-30));  // a vectorized exponential stops at the smallest number
}

TEST_CASE("flatten keeps the numbers and their order") {
  Network network{input(Shape{2, 3}), flatten()};
  CHECK(network.graph().output_shape() == Shape{6});
  const Matrix x = Matrix::Random(4, 6);
  CHECK(network.predict(x) == x);
}
