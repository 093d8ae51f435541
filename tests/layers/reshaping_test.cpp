#include "maas/layers/reshaping.hpp"

#include "maas/testing/check_layer.hpp"
#include "outputs.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;

TEST_CASE("layers that change the shape keep the order of numbers") {
  const Matrix x = row({1, 2, 3, 4, 5, 6});
  const Shape shape{2, 3};
  CHECK(output_of(flatten(), shape, x) == x);
  CHECK(output_of(reshape({3, -1}), shape, x) == x);
  CHECK(reshape({3, -1}).plan(std::span(&shape, 1)).output == Shape{3, 2});
  CHECK(flatten().plan(std::span(&shape, 1)).output == Shape{6});
}

TEST_CASE("axes in another order, and vectors repeated") {
  const Matrix x = row({1, 2, 3, 4, 5, 6});
  CHECK(output_of(permute({2, 1}), Shape{2, 3}, x) == row({1, 4, 2, 5, 3, 6}));
  CHECK(output_of(Flatten{.data_format = "channels_first"}, Shape{2, 3}, x) == row({1, 4, 2, 5, 3, 6}));
  CHECK(output_of(repeat_vector(2), Shape{3}, row({1, 2, 3})) == row({1, 2, 3, 1, 2, 3}));
  const Shape shape{2, 3, 4};
  CHECK(permute({3, 1, 2}).plan(std::span(&shape, 1)).output == Shape{4, 2, 3});
}

TEST_CASE("layers that change the shape refuse what does not fit") {
  CHECK(refusal(reshape({4, -1}), {Shape{2, 3}}) ==
        "Reshape: expected a multiple of 4 numbers for shape [4, -1], got samples of 6 (2x3)");
  CHECK(refusal(reshape({4}), {Shape{2, 3}}) == "Reshape: expected 4 numbers for shape [4], got samples of 6 (2x3)");
  CHECK(refusal(reshape({-1, -1}), {Shape{6}}) == "Reshape: expected at most one dimension -1, got 2");
  CHECK(refusal(permute({1, 1}), {Shape{2, 3}}) ==
        "Permute: expected dims that are 1 to 2 in some order for samples of shape 2x3, got [1, 1]");
  CHECK(refusal(repeat_vector(2), {Shape{2, 3}}) == "RepeatVector: expected samples of rank 1, got 2x3");
  CHECK(refusal(Flatten{.data_format = "rows"}, {Shape{2}}) ==
        "Flatten: expected data_format \"channels_last\" or \"channels_first\", got \"rows\"");
}

TEST_CASE("a flatten layer keeps the contract when channels come first") {
  CHECK_NOTHROW(testing::check_layer(Flatten{.data_format = "channels_first"}, {.input = Shape{2, 3, 4}}));
}
