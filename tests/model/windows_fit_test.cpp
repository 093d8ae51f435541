// Networks that learn from windows of many series.
#include "maas/maas.hpp"
#include "maas/network/merge.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// Two detectors, of which one turns its sign with each reading and the other keeps it, but for once: the last reading
/// alone does not tell which comes next.
std::vector<Series> turning_and_keeping() {
  Matrix values(64, 2);
  for (Index row = 0; row < values.rows(); ++row) {
    values(row, 0) = row % 2 == 0 ? Scalar(1) : Scalar(-1);
    values(row, 1) = row < 32 ? Scalar(1) : Scalar(-1);
  }
  return series_of_variables({.values = values});
}

}  // namespace

TEST_CASE("a network with an embedding learns from windows that tell which series they are of") {
  const Windows windows(turning_and_keeping(), {.lags = 1, .sequences = true, .series_ids = true});
  REQUIRE(windows.feature_shape() == Shape{2});
  const Symbol readings = input(Shape{1, 1}), id = input(1);
  const Symbol joined = concatenate({flatten()(readings), flatten()(embedding(2, 2)(id))});
  Model model({readings, id}, {dense(1)(dense(16, Tanh{})(joined))});
  model.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = mean_squared_error});
  model.fit(windows, {.epochs = 120, .batch_size = 16, .verbose = 0, .seed = 1});
  const double knows = *find_log(model.evaluate(windows), "loss");

  auto blind = Sequential{input(1), dense(16, Tanh{}), dense(1)};
  blind.compile({.optimizer = Adam{.learning_rate = 0.01}, .loss = mean_squared_error});
  const Windows without(turning_and_keeping(), {.lags = 1});
  blind.fit(without, {.epochs = 120, .batch_size = 16, .verbose = 0, .seed = 1});
  // Without it, 0 is the best answer, 1 away from either; with it, only the one turn among 126 is missed, by 2.
  CHECK(*find_log(blind.evaluate(without), "loss") > 0.9);
  CHECK(knows < 0.05);
}
