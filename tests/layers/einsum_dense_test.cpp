#include "maas/layers/einsum_dense.hpp"

#include "maas/testing/check_layer.hpp"
#include "outputs.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

/// Shapes of output and weights, as "output; kernel; bias".
std::string shapes_of(const Layer& layer, const Shape& input) {
  const LayerPlan plan = layer.plan(std::span(&input, 1));
  std::string text = plan.output.text();
  for (const ParameterSpec& spec : plan.parameters) text += "; " + spec.shape.text();
  return text;
}

}  // namespace

TEST_CASE("einsum dense finds the shapes that Keras finds") {
  const std::optional<Index> open;
  CHECK(shapes_of(einsum_dense("ab,bc->ac", {64}, "c"), Shape{32}) == "64; 32x64; 64");
  CHECK(shapes_of(einsum_dense("abc,cd->abd", {open, 64}, "d"), Shape{32, 128}) == "32x64; 128x64; 64");
  CHECK(shapes_of(einsum_dense("abc,cde->abde", {open, 2, 3}, "de"), Shape{4, 5}) == "4x2x3; 5x2x3; 2x3");
  CHECK(shapes_of(einsum_dense("abc,cde->abde", {open, 2, 3}, "d"), Shape{4, 5}) == "4x2x3; 5x2x3; 2x1");
  CHECK(shapes_of(einsum_dense("...x,xy->...y", {64}, "y"), Shape{32, 128}) == "32x64; 128x64; 64");
  CHECK(shapes_of(einsum_dense("ab...,bc->ac...", {4}, "c"), Shape{2, 3}) == "4x3; 2x4; 4x1");
}

TEST_CASE("einsum dense by hand: a product, and one with an axis shared by all") {
  Network product = network_of(einsum_dense("ab,bc->ac", {2}, "c"), {Shape{2}});
  product.parameters().view("einsum_dense/kernel") << 1, 2, 3, 4;
  product.parameters().view("einsum_dense/bias") << 10, 20;
  CHECK(product.predict(row({1, 1})) == row({14, 26}));

  Network shared = network_of(einsum_dense("abc,bc->ab", {std::nullopt}), {Shape{2, 2}});
  shared.parameters().view("einsum_dense/kernel") << 1, 2, 3, 4;
  CHECK(shared.predict(row({1, 1, 1, 10})) == row({3, 43}));

  Network turned = network_of(einsum_dense("abc,db->acd", {std::nullopt, 1}), {Shape{2, 2}});
  turned.parameters().view("einsum_dense/kernel") << 1, 10;
  CHECK(turned.predict(row({1, 2, 3, 4})) == row({31, 42}));
}

TEST_CASE("einsum dense keeps the layer contract for many equations") {
  const std::optional<Index> open;
  const Shape input{2, 3, 4};
  for (const Layer& layer :
       {einsum_dense("abcd,de->abce", {open, open, 5}, "e"), einsum_dense("abcd,cde->abe", {open, 5}, "e"),
        einsum_dense("abcd,bde->abce", {open, open, 5}, "bce"), einsum_dense("abcd,ec->abde", {open, open, 2}, "d"),
        einsum_dense("abcd,d->abcd", {open, open, open}), einsum_dense("abcd,bf->acf", {open, 2}, "f"),
        einsum_dense("...d,de->...e", {2}, "e"), einsum_dense("ab...,be->ae...", {2}, "e"),
        Layer(EinsumDense{.equation = "abcd,bcde->ae", .output_shape = {3}, .activation = silu, .bias_axes = "e"})})
    CHECK_NOTHROW(testing::check_layer(layer, {.input = input, .batch = 3}));
}

TEST_CASE("einsum dense refuses equations it does not know") {
  auto message = [](const std::string& equation, const std::string& what) {
    return "EinsumDense: expected an equation like \"ab,bc->ac\", \"...a,ab->...b\" or \"ab...,bc->ac...\", got \"" +
           equation + "\": " + what;
  };
  auto check = [&](const std::string& equation, const std::string& what) {
    CHECK(refusal(einsum_dense(equation, {2}), {Shape{3}}) == message(equation, what));
  };
  check("ab->ab", "there is no comma before an arrow");
  check("aab,bc->ac", "a letter stands twice in one place");
  check("ab,b1->a1", "an axis is no letter");
  check("ab,ac->ac", "the kernel has the batch");
  check("ab,bc->ca", "the batch is not first in input and output");
  check("ab,bc->ad", "the output has an axis that neither input nor kernel have");
  check("ab,bcd->ac", "the kernel has an axis that neither input nor output have");
  check("...b,bc->ac", "input and output have dots in different places");
  CHECK(refusal(einsum_dense("abc,cd->abd", {2}), {Shape{3}}) ==
        "EinsumDense: expected samples of 2 axes for \"abc,cd->abd\", got 3");
  CHECK(refusal(einsum_dense("ab,bc->ac", {std::nullopt}), {Shape{3}}) ==
        "EinsumDense: expected a size for axis \"c\" of the output, got 0");
}
