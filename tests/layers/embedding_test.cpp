#include "maas/layers/embedding.hpp"

#include "maas/layers/layers.hpp"
#include "maas/model/sequential.hpp"
#include "maas/testing/check_layer.hpp"
#include "outputs.hpp"
#include "support/catch.hpp"

using namespace maas;
using namespace maas::tests;

TEST_CASE("an embedding gives the row of each id") {
  Network network = network_of(embedding(3, 2), {Shape{2}});
  network.parameters().view("embedding/embeddings") << 1, 2, 3, 4, 5, 6;
  CHECK(network.predict(row({2, 0})) == row({5, 6, 1, 2}));
  CHECK(network.predict(row({1.9, 0})) == row({3, 4, 1, 2}));
  CHECK(network.graph().output_shape() == Shape{2, 2});
}

TEST_CASE("ids out of range give NaN, and change no weight") {
  Network network = network_of(embedding(3, 2), {Shape{4}});
  const Matrix x = row({-1, 3, std::numeric_limits<double>::quiet_NaN(), 1});
  const Matrix y = network.predict(x);
  CHECK(y.leftCols(6).array().isNaN().all());
  CHECK(!y.rightCols(2).array().isNaN().any());
  Workspace workspace(network, 1, Mode::training);
  workspace.set_input(x.data());
  workspace.forward(network.parameters(), Mode::training, Random());
  workspace.output_gradient().setOnes();
  Parameters gradients(network.parameters().shared_layout());
  workspace.backward(network.parameters(), gradients);
  Matrix expected(3, 2);
  expected << 0, 0, 1, 1, 0, 0;
  CHECK(gradients.view("embedding/embeddings") == expected);
}

TEST_CASE("masked steps are zeroed") {
  const Matrix x = row({1, 0, 0, 0, 0, 2});
  CHECK(output_of(masking(), Shape{3, 2}, x) == x);
  CHECK(output_of(masking(1), Shape{3, 2}, row({1, 1, 1, 0, 1, 2})) == row({0, 0, 1, 0, 1, 2}));
  CHECK(refusal(masking(), {Shape{3}}) == "Masking: expected samples of rank 2 or more (steps x features), got 3");
}

TEST_CASE("where a mask would matter and cannot it is refused, where it ends it does not") {
  const Layer table = Embedding{.input_dim = 3, .output_dim = 2, .mask_zero = true};
  CHECK_NOTHROW(Network({input(4), table, flatten(), dense(1)}));
  CHECK_THROWS_WITH(Network({input(4), table, dense(2), SoftmaxLayer{}}),
                    "layer \"softmax\": a Softmax that looks at the mask which \"embedding\" makes is not supported");
}
