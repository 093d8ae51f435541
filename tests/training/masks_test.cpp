// Masks on outputs and weights of steps; that they give Keras' numbers is checked in tests/trajectories.
#include "maas/layers/layers.hpp"
#include "maas/maas.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"
#include "support/difference.hpp"
#include "support/weights.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

using tests::is_double;

/// Sequences of four steps, the last ones padded.
struct Sequences {
  Matrix x = random_matrix(20, 8, 0.1, 1, Random(1)), y = random_matrix(20, 4, -1, 1, Random(2));
  Sequences() {
    for (Index i = 0; i < 20; ++i) x.row(i).tail(2 * (i % 4)).setZero();
  }
  /// 1 for steps that are not padded.
  Vector counted() const {
    Vector mask(80);
    for (Index step = 0; step < 80; ++step) mask[step] = x.data()[2 * step] != 0 ? Scalar(1) : Scalar(0);
    return mask;
  }
};

Model steps_model(bool masked, Optimizer optimizer, Loss loss = mean_squared_error) {
  std::vector<Layer> layers{input(Shape{4, 2})};
  if (masked) layers.push_back(masking());
  layers.push_back(dense(3, Tanh{}));
  layers.push_back(dense(1));
  Model model{Network(Graph(layers))};
  model.compile({.optimizer = std::move(optimizer), .loss = std::move(loss), .metrics = {mean_absolute_error}});
  return model;
}

using tests::weights_of;

double largest_difference(const Model& a, const Model& b) {
  return static_cast<double>((weights_of(a) - weights_of(b)).cwiseAbs().maxCoeff());
}

}  // namespace

TEST_CASE("a mask is a weight of 0 for its steps, and the mean is over the others") {
  const Sequences all;
  const Loss mean = Loss(mean_squared_error).reduced("mean_with_sample_weight");
  Model masked = steps_model(true, Sgd{}), weighted = steps_model(false, Sgd{}, mean);
  const History a = masked.fit(all.x, all.y, {.epochs = 3, .batch_size = 8, .verbose = 0});
  const History b =
      weighted.fit(all.x, all.y, {.epochs = 3, .batch_size = 8, .verbose = 0, .sample_weight = all.counted()});
  CHECK(largest_difference(masked, weighted) < (is_double ? 1e-14 : 1e-6));
  CHECK(a["loss"].back() == Approx(b["loss"].back()));
}

TEST_CASE("weights of steps are taken by matrices, data sets, batches and validation") {
  const Sequences all;
  const Vector weights = random_matrix(80, 1, 0, 2, Random(3)).col(0);
  Model by_matrix = steps_model(true, Sgd{}), by_set = by_matrix, by_batch = by_matrix, split = by_matrix,
        apart = by_matrix;
  by_matrix.fit(all.x, all.y, {.batch_size = 20, .verbose = 0, .shuffle = false, .sample_weight = weights});
  by_set.fit(Dataset(Arrays(all.x, all.y)),
             {.batch_size = 20, .verbose = 0, .shuffle = false, .sample_weight = weights});
  by_batch.train_on_batch(all.x, all.y, {.sample_weight = weights});
  CHECK(weights_of(by_set) == weights_of(by_matrix));
  CHECK(weights_of(by_batch) == weights_of(by_matrix));
  const History a = split.fit(all.x, all.y, {.verbose = 0, .validation_split = 0.25, .sample_weight = weights});
  const ValidationData held{.x = all.x.bottomRows(5), .y = all.y.bottomRows(5), .sample_weight = weights.tail(20)};
  const History b = apart.fit(all.x.topRows(15), all.y.topRows(15),
                              {.verbose = 0, .validation_data = held, .sample_weight = Vector(weights.head(60))});
  CHECK(a["val_loss"] == b["val_loss"]);
  CHECK_THROWS_WITH(split.fit(all.x, all.y, {.sample_weight = Vector::Ones(40)}),
                    "fit: expected 20 sample weights, or 80, one a step, got 40");
}

TEST_CASE("least squares leave out steps that are masked or weigh nothing") {
  const Sequences all;
  Model masked = steps_model(true, LevenbergMarquardt{}), weighted = steps_model(false, LevenbergMarquardt{});
  for (Model* model : {&masked, &weighted})
    model->compile({.optimizer = LevenbergMarquardt{}, .loss = Loss(mean_squared_error).reduced("sum")});
  const History a = masked.fit(all.x, all.y, {.epochs = 3, .verbose = 0, .shuffle = false});
  weighted.fit(all.x, all.y, {.epochs = 3, .verbose = 0, .shuffle = false, .sample_weight = all.counted()});
  CHECK(a["loss"].back() < a["loss"].front());
  CHECK(largest_difference(masked, weighted) < (is_double ? 1e-9 : 1e-2));
}

TEST_CASE("gradients of a masked loss do not see the steps that are masked") {
  const Sequences all;
  Model model = steps_model(true, Sgd{});
  Matrix other = all.y;
  const Vector counted = all.counted();
  for (Index step = 0; step < 80; ++step)
    if (counted[step] == 0) other.data()[step] = 100;
  CHECK(model.gradients(all.x, all.y).of("dense/kernel") == model.gradients(all.x, other).of("dense/kernel"));
  CHECK(model.evaluate(all.x, all.y) == model.evaluate(all.x, other));
}

TEST_CASE("what a mask or weights of steps do not go with is refused") {
  const Sequences all;
  Model model = steps_model(true, Sgd{}, Dice{});
  CHECK_THROWS_WITH(model.fit(all.x, all.y, {.verbose = 0}),
                    "fit: the output of \"dense_1\" carries the mask that \"masking\" makes; Dice takes whole samples, "
                    "expected a loss of single steps");
  model = steps_model(false, Sgd{}, Dice{});
  CHECK_THROWS_WITH(model.fit(all.x, all.y, {.batch_size = 20, .verbose = 0, .sample_weight = Vector::Ones(80)}),
                    "in a batch: expected 20 sample weights for \"dense_1\", or one a step where its loss is one of "
                    "steps, got 80");
}
