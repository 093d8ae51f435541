#include "maas/network/cost.hpp"

#include "maas/layers/layers.hpp"
#include "maas/network/merge.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("the cost of a chain: products forward, and back through all but the first") {
  const Cost cost = cost_of(Network{input(100), dense(128, relu), dense(64, relu), dense(1, sigmoid)});
  CHECK(cost.multiply_adds == 100 * 128 + 128 * 64 + 64);
  CHECK(cost.training_multiply_adds == 2 * 100 * 128 + 3 * (128 * 64 + 64));
  CHECK(cost.weight_bytes == 21249 * sizeof(Scalar));
}

TEST_CASE(
    "a dense layer costs once for every step of a sequence and every call; rows that are looked up cost nothing") {
  CHECK(cost_of(Network{input(Shape{7, 3}), dense(5)}).multiply_adds == 7 * 3 * 5);
  CHECK(cost_of(Network{input(4), embedding(10, 6)}).multiply_adds == 0);
  const Symbol a = input(8), b = input(8);
  const Layer shared = dense(2);
  const Symbol sum = add({shared(a), shared(b)});
  const std::vector<Symbol> inputs{a, b}, outputs{sum};
  CHECK(cost_of(Network(Graph(inputs, outputs))).multiply_adds == 2 * 8 * 2);
}
