// Epochs by steps, validation in part, and batches of the user's own.
#include "maas/layers/layers.hpp"
#include "maas/maas.hpp"
#include "maas/testing/numbers.hpp"
#include "support/capture.hpp"
#include "support/catch.hpp"
#include "support/weights.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

struct StreamSamples {
  Matrix x = random_matrix(40, 3, -1, 1, Random(1)), y = x.rowwise().sum();
};

Model stream_line() {
  auto model = Sequential{input(3), dense(1)};
  model.compile({.optimizer = Sgd{.learning_rate = 0.05}, .loss = mean_squared_error});
  return model;
}

using tests::weights_of;

/// A pass over the samples in batches of 8, without an order of its own.
struct Passes {
  const StreamSamples& samples;
  Index first = 0, passes = 0;
  bool operator()(Batch& batch) {
    if (first >= 40) {
      first = 0;
      ++passes;
      return false;
    }
    batch.x = samples.x.middleRows(first, 8);
    batch.y = samples.y.middleRows(first, 8);
    first += 8;
    return true;
  }
};

}  // namespace

TEST_CASE("with steps_per_epoch the next epoch goes on among the samples, and passes are shuffled anew") {
  const StreamSamples samples;
  Model by_steps = stream_line(), by_passes = stream_line();
  const History short_epochs =
      by_steps.fit(samples.x, samples.y, {.epochs = 6, .batch_size = 4, .verbose = 0, .steps_per_epoch = 5});
  by_passes.fit(samples.x, samples.y, {.epochs = 3, .batch_size = 4, .verbose = 0});
  CHECK(short_epochs.epochs().size() == 6);
  CHECK(by_steps.optimizer_state().step == 30);
  CHECK(weights_of(by_steps) == weights_of(by_passes));
  Model longer = stream_line(), passes = stream_line();
  longer.fit(samples.x, samples.y, {.epochs = 2, .batch_size = 4, .verbose = 0, .steps_per_epoch = 15});
  passes.fit(samples.x, samples.y, {.epochs = 3, .batch_size = 4, .verbose = 0});
  CHECK(weights_of(longer) == weights_of(passes));
  CHECK_THROWS_WITH(longer.fit(samples.x, samples.y, {.steps_per_epoch = 0}),
                    "fit: expected steps_per_epoch of at least 1, got 0");
}

TEST_CASE("validation_steps takes the first batches, of validation_batch_size") {
  const StreamSamples samples;
  Model model = stream_line();
  const History history = model.fit(samples.x, samples.y,
                                    {.verbose = 0,
                                     .validation_data = ValidationData{samples.x, samples.y},
                                     .validation_steps = 3,
                                     .validation_batch_size = 5});
  CHECK(history["val_loss"][0] == model.evaluate(samples.x.topRows(15), samples.y.topRows(15), 5)[0].second);
  Model other = stream_line();
  const History of_set = other.fit(samples.x, samples.y,
                                   {.verbose = 0,
                                    .validation_steps = 3,
                                    .validation_batch_size = 5,
                                    .validation_set = Dataset(Arrays(samples.x, samples.y))});
  CHECK(of_set["val_loss"] == history["val_loss"]);
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y, {.validation_steps = 0}),
                    "fit: expected validation_steps of at least 1, got 0");
}

TEST_CASE("a pass over a source of batches is an epoch, and the same as the matrices") {
  const StreamSamples samples;
  Model by_source = stream_line(), by_matrix = stream_line();
  auto passes = std::make_shared<Passes>(Passes{samples});
  const History a = by_source.fit([passes](Batch& batch) { return (*passes)(batch); },
                                  {.epochs = 3, .verbose = 0, .validation_data = ValidationData{samples.x, samples.y}});
  const History b = by_matrix.fit(samples.x, samples.y,
                                  {.epochs = 3,
                                   .batch_size = 8,
                                   .verbose = 0,
                                   .shuffle = false,
                                   .validation_data = ValidationData{samples.x, samples.y}});
  CHECK(passes->passes == 3);
  CHECK(weights_of(by_source) == weights_of(by_matrix));
  CHECK(a["loss"] == b["loss"]);
  CHECK(a["val_loss"].size() == 3);
}

TEST_CASE("with steps_per_epoch a source may be endless, or begins anew in the middle of an epoch") {
  const StreamSamples samples;
  Model endless = stream_line(), passes = stream_line();
  Index next = 0;
  const History history = endless.fit(
      [&](Batch& batch) {
        batch.x = samples.x.middleRows(8 * (next % 5), 8);
        batch.y = samples.y.middleRows(8 * (next++ % 5), 8);
        batch.sample_weights = {Vector::Ones(8)};
        return true;
      },
      {.epochs = 4, .verbose = 0, .steps_per_epoch = 3});
  CHECK(next == 12);
  CHECK(history.epochs().size() == 4);
  passes.fit(Passes{samples}, {.epochs = 4, .verbose = 0, .steps_per_epoch = 3});
  CHECK(weights_of(endless) == weights_of(passes));
}

TEST_CASE("a source whose batches do not fit is refused") {
  const StreamSamples samples;
  Model model = stream_line();
  CHECK_THROWS_WITH(model.fit([](Batch&) { return false; }, {.verbose = 0}),
                    "fit: expected at least 1 batch, got none");
  CHECK_THROWS_WITH(model.fit(BatchSource(), {.verbose = 0}), "fit: expected a source of batches, got none");
  Index rows = 4;
  const auto growing = [&](Batch& batch) {
    batch.x = samples.x.topRows(rows);
    batch.y = samples.y.topRows(rows++);
    return true;
  };
  CHECK_THROWS_WITH(model.fit(growing, {.verbose = 0, .steps_per_epoch = 3}),
                    "fit: expected batches of at most 4 samples, as the first one, got 5");
  const auto wide = [&](Batch& batch) {
    batch.x = Matrix::Zero(2, 4);
    batch.y = Matrix::Zero(2, 1);
    return true;
  };
  CHECK_THROWS_WITH(model.fit(wide, {.verbose = 0, .steps_per_epoch = 3}),
                    "fit: expected batches of 2 x 3 numbers for input 0, got 2 x 4");
  const auto without_targets = [&](Batch& batch) {
    batch.x = Matrix::Zero(2, 3);
    return true;
  };
  CHECK_THROWS_WITH(model.fit(without_targets, {.verbose = 0, .steps_per_epoch = 3}),
                    "fit: expected batches of 1 inputs and 1 outputs, got 1 and 0");
  CHECK_THROWS_WITH(model.fit(Passes{samples}, {.validation_split = 0.5}),
                    "fit: validation_split is for matrices; pass validation_data with a source of batches");
}

TEST_CASE("progress of a source does not know the number of steps in the first epoch") {
  const StreamSamples samples;
  Model model = stream_line();
  const std::string text = maas_tests::printed_by([&] { model.fit(Passes{samples}, {.epochs = 2}); });
  CHECK(text.starts_with("Epoch 1/2 - 5/5 "));
  CHECK(text.find("\nEpoch 2/2 - 5/5 ") != std::string::npos);
}
