#include "maas/layers/merging.hpp"

#include "maas/network/merge.hpp"
#include "maas/testing/check_layer.hpp"
#include "outputs.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;

TEST_CASE("merging number by number") {
  const std::vector<Shape> shapes = {Shape{3}, Shape{3}, Shape{3}};
  const std::vector<Matrix> x = {row({1, 5, -1}), row({2, 4, -2}), row({3, 3, 0})};
  CHECK(output_of(Add{}, shapes, x) == row({6, 12, -3}));
  CHECK(output_of(Multiply{}, shapes, x) == row({6, 60, 0}));
  CHECK(output_of(Average{}, shapes, x) == row({2, 4, -1}));
  CHECK(output_of(Maximum{}, shapes, x) == row({3, 5, 0}));
  CHECK(output_of(Minimum{}, shapes, x) == row({1, 3, -2}));
  CHECK(output_of(Subtract{}, {Shape{3}, Shape{3}}, {x[0], x[1]}) == row({-1, 1, 1}));
}

TEST_CASE("samples of other shapes are repeated to fit") {
  CHECK(output_of(Add{}, {Shape{2, 2}, Shape{1, 2}, Shape{2}}, {row({1, 2, 3, 4}), row({10, 20}), row({100, 200})}) ==
        row({111, 222, 113, 224}));
  CHECK(output_of(Subtract{}, {Shape{2, 1}, Shape{1, 2}}, {row({1, 2}), row({10, 20})}) == row({-9, -19, -8, -18}));
  for (const Layer& layer : {Layer(Add{}), Layer(Multiply{}), Layer(Average{}), Layer(Maximum{}), Layer(Minimum{})})
    CHECK_NOTHROW(testing::check_layer(layer, {.input = Shape{1, 3}, .more_inputs = {Shape{2, 1}, Shape{2, 3}}}));
}

TEST_CASE("concatenation along any axis") {
  const std::vector<Matrix> x = {row({1, 2, 3, 4}), row({5, 6})};
  CHECK(output_of(Concatenate{}, {Shape{2, 2}, Shape{2, 1}}, x) == row({1, 2, 5, 3, 4, 6}));
  CHECK(output_of(Concatenate{.axis = 1}, {Shape{2, 2}, Shape{1, 2}}, x) == row({1, 2, 3, 4, 5, 6}));
  CHECK_NOTHROW(testing::check_layer(Concatenate{.axis = 2},
                                     {.input = Shape{2, 1, 3}, .more_inputs = {Shape{2, 2, 3}, Shape{2, 3, 3}}}));
}

TEST_CASE("products summed along axes") {
  CHECK(output_of(Dot{.axes = 1}, {Shape{2}, Shape{2}}, {row({1, 2}), row({3, 4})}) == row({11}));
  CHECK(output_of(Dot{.axes = {2, 1}}, {Shape{2, 2}, Shape{2, 2}}, {row({1, 2, 3, 4}), row({5, 6, 7, 8})}) ==
        row({19, 22, 43, 50}));
  CHECK(output_of(Dot{.normalize = true}, {Shape{2}, Shape{2}}, {row({3, 4}), row({4, 3})}).isApprox(row({0.96})));
  CHECK(output_of(Dot{.normalize = true}, {Shape{2}, Shape{2}}, {row({0, 0}), row({4, 3})}) == row({0}));
  CHECK_NOTHROW(testing::check_layer(Dot{.axes = {1, 3}}, {.input = Shape{2, 3}, .more_inputs = {Shape{2, 1, 2}}}));
}

TEST_CASE("merging by functions") {
  const Input a = input(2), b = input(2);
  const std::vector<Symbol> inputs = {a, b};
  const Symbol output = concatenate(
      {add({a, b}), subtract(a, b), multiply({a, b}), average({a, b}), maximum({a, b}), minimum({a, b}), dot(a, b)});
  const Network network(Graph(inputs, std::span(&output, 1)));
  CHECK(network.predict(std::vector<Matrix>{row({1, 4}), row({3, 2})})[0] ==
        row({4, 6, -2, 2, 3, 8, 2, 3, 3, 4, 1, 2, 11}));
}

TEST_CASE("merging refuses what does not fit") {
  CHECK(refusal(Add{}, {Shape{2}, Shape{3}}) ==
        "Add: expected inputs of one shape, or that can be repeated to fit 2, got 3");
  CHECK(refusal(Add{}, {}) == "Add: expected at least one input, got none");
  CHECK(refusal(Subtract{}, {Shape{2}}) == "Subtract: expected two inputs, got 1");
  CHECK(refusal(Concatenate{}, {Shape{2, 3}, Shape{3, 3}}) ==
        "Concatenate: expected inputs like 2x3 but along axis -1, got 3x3");
  CHECK(refusal(Dot{}, {Shape{2}, Shape{3}}) == "Dot: expected axes of one size, got 2 (of 2) and 3 (of 3)");
}
