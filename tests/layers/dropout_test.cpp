#include "maas/layers/dropout.hpp"

#include "maas/testing/check_layer.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// What a dropout layer makes of ones in training, drawn from this stream.
Matrix dropped(const Layer& layer, Index samples, Index features, const Random& random) {
  Network network{input(features), layer};
  Workspace workspace(network, samples, Mode::training);
  const Matrix ones = Matrix::Ones(samples, features);
  workspace.set_input(ones.data());
  workspace.forward(network.parameters(), Mode::training, random);
  return workspace.output();
}

}  // namespace

TEST_CASE("dropout zeroes about its rate and scales what it keeps") {
  const Matrix y = dropped(dropout(0.25), 100, 100, Random(3));
  const double zeros = static_cast<double>((y.array() == 0).count()) / 1e4;
  CHECK(zeros == Approx(0.25).margin(0.025));  // 5.8 standard deviations
  CHECK(((y.array() == 0) || (y.array() == Scalar(1 / 0.75))).all());
}

TEST_CASE("dropout follows from the stream, the place and its own seed") {
  const Matrix y = dropped(dropout(0.5), 8, 16, Random(3));
  CHECK(dropped(dropout(0.5), 8, 16, Random(3)) == y);
  CHECK(dropped(dropout(0.5), 8, 16, Random(4)) != y);
  CHECK(dropped(Dropout{.rate = 0.5, .seed = 1}, 8, 16, Random(3)) != y);
  CHECK(y.row(0) != y.row(1));
}

TEST_CASE("dropout does nothing in inference, and nothing at rate 0; at rate 1 nothing is left") {
  const Matrix x = Matrix::Random(5, 4);
  CHECK(Network({input(4), dropout(0.9)}).predict(x) == x);
  CHECK(dropped(dropout(0), 5, 4, Random(3)) == Matrix::Ones(5, 4));
  CHECK(dropped(dropout(1), 5, 4, Random(3)) == Matrix::Zero(5, 4));
}

TEST_CASE("dropout refuses rates that are no probability") {
  const Shape shape{3};
  CHECK_THROWS_WITH(Dropout{.rate = -0.5}.plan(std::span(&shape, 1)), "Dropout: expected a rate from 0 to 1, got -0.5");
  CHECK_THROWS_WITH(Dropout{.rate = 1.5}.plan(std::span(&shape, 1)), "Dropout: expected a rate from 0 to 1, got 1.5");
}

TEST_CASE("dropout keeps the layer contract at several rates") {
  for (double rate : {0.0, 0.3, 1.0})
    CHECK_NOTHROW(testing::check_layer(Dropout{.rate = rate, .seed = 5}, {.acts_in_training = true}));
}
