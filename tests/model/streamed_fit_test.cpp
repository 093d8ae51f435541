// Models on streams: they fit, evaluate and predict as on matrices, and always the same.
#include <functional>

#include "maas/core/parallel.hpp"
#include "maas/data/folds.hpp"
#include "maas/io/hdf5.hpp"
#include "maas/layers/layers.hpp"
#include "maas/model/sequential.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

constexpr Index rows = 600, columns = 5;

struct StreamedSamples {
  Matrix x = Matrix(rows, columns), y = Matrix(rows, 1);
  StreamedSamples() {
    const Random random(3);
    for (Index i = 0; i < x.size(); ++i)
      x.data()[i] = static_cast<Scalar>(2 * random.uniform(static_cast<std::uint64_t>(i)) - 1);
    for (Index row = 0; row < rows; ++row) y(row, 0) = x(row, 0) + x(row, 1) > Scalar(0.3) ? Scalar(1) : Scalar(0);
  }
};

Model classifier() {
  Sequential model{input(columns), dense(8, Tanh{}), dense(1, sigmoid)};
  model.compile(
      {.optimizer = Adam{.learning_rate = 0.01}, .loss = BinaryCrossentropy{}, .metrics = {BinaryAccuracy{}}});
  return model;
}

Streamed stream(const StreamOptions& options = {.block_rows = 32, .mixed_blocks = 2}) {
  const StreamedSamples samples;
  write_hdf5("samples.h5", {{"x", samples.x}, {"y", samples.y}});
  return stream_hdf5("samples.h5", {.stream = options});
}

}  // namespace

TEST_CASE("a model fits, evaluates and predicts a stream as it does matrices") {
  const StreamedSamples samples;
  const Streamed data = stream();
  Model streamed = classifier(), held = classifier();
  // Without a shuffle the order is the same.
  const FitOptions options{.epochs = 3, .batch_size = 25, .verbose = 0, .shuffle = false};
  const History a = streamed.fit(data, options), b = held.fit(samples.x, samples.y, options);
  CHECK(a["loss"] == b["loss"]);
  CHECK(streamed.get_weights() == held.get_weights());
  CHECK(streamed.evaluate(data, 25) == held.evaluate(samples.x, samples.y, 25));
  CHECK(streamed.predict(data) == held.predict(samples.x));
  CHECK(streamed.predict(data, 7).isApprox(held.predict(samples.x)));
  Index seen = 0;
  streamed.predict(
      data,
      [&](Index first, const ConstMatrixView& y) {
        CHECK(first == seen);
        seen += y.rows();
      },
      100);
  CHECK(seen == rows);
  CHECK_THROWS_AS(streamed.predict(data, Index(0)), ConfigError);
}

TEST_CASE("a fit of a shuffled stream ends with the same bits at any number of threads, and learns") {
  const int before = threads();
  const auto fitted = [](int count, bool prefetch) {
    set_threads(count);
    Model model = classifier();
    model.fit(stream({.block_rows = 32, .mixed_blocks = 4, .prefetch = prefetch}),
              {.epochs = 12, .batch_size = 20, .verbose = 0, .seed = 5, .validation_set = stream()});
    return model;
  };
  const Model one = fitted(1, true), four = fitted(4, true), unhurried = fitted(2, false);
  set_threads(before);
  CHECK(one.get_weights() == four.get_weights());
  CHECK(one.get_weights() == unhurried.get_weights());
  Model model = one;
  CHECK(*find_log(model.evaluate(stream()), "binary_accuracy") > 0.95);
}

TEST_CASE("an interrupted fit of a stream goes on where it was") {
  const FitOptions options{.epochs = 4, .batch_size = 20, .verbose = 0, .seed = 5};
  Model whole = classifier();
  whole.fit(stream(), options);
  struct StopAt {
    int epoch;
    Index step;
    void batch_end(TrainingView& view) const {
      if (view.epoch == epoch && view.step == step) throw std::runtime_error("killed");
    }
  };
  FitOptions killed = options;
  const BackupAndRestore backup{.path = "stream.backup", .save_freq = 7};
  killed.callbacks = {StopAt{2, 16}, backup};
  Model first = classifier();
  CHECK_THROWS_AS(first.fit(stream(), killed), std::runtime_error);
  killed.callbacks = {StopAt{99, 0}, backup};
  Model second = classifier();
  second.fit(stream(), killed);
  CHECK(second.get_weights() == whole.get_weights());
}

TEST_CASE("what a stream throws comes out of fit") {
  StreamedSamples samples;
  samples.x(333, 2) = NAN;
  write_hdf5("holes.h5", {{"x", samples.x}, {"y", samples.y}});
  Model model = classifier();
  CHECK_THROWS_WITH(model.fit(stream_hdf5("holes.h5", {.stream = {.block_rows = 32}}), {.verbose = 0}),
                    "holes.h5: expected finite numbers in \"x[2]\", got nan in row 333 (counted from 0)");
  CHECK_THROWS_AS(model.evaluate(stream_hdf5("holes.h5")), DataError);
  Sequential narrow{input(3), dense(1)};
  CHECK_THROWS_AS(narrow.predict(stream()), ShapeError);
}

TEST_CASE("class weights count in fits of data sets as in those of matrices") {
  const StreamedSamples samples;
  const std::map<int, double> weights = balanced_class_weight(samples.y);
  CHECK(weights.at(1) > 1.2);
  FitOptions options{.epochs = 2, .batch_size = 25, .verbose = 0, .shuffle = false};
  Model plain = classifier(), streamed = classifier(), held = classifier();
  plain.fit(stream(), options);
  options.class_weight = weights;
  streamed.fit(stream(), options);
  held.fit(samples.x, samples.y, options);
  CHECK(streamed.get_weights() == held.get_weights());
  CHECK(streamed.get_weights() != plain.get_weights());
  options.sample_weight = Vector::Ones(rows);
  CHECK_THROWS_AS(streamed.fit(stream(), options), ConfigError);
}
