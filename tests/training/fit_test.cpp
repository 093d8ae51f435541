#include "maas/layers/layers.hpp"
#include "maas/maas.hpp"
#include "maas/testing/numbers.hpp"
#include "support/capture.hpp"
#include "support/catch.hpp"
#include "support/weights.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

struct Samples {
  explicit Samples(Index count = 40)
      : x(random_matrix(count, 3, -1, 1, Random(1))), y(x.rowwise().sum() + Matrix::Constant(count, 1, Scalar(0.5))) {}
  Matrix x, y;
};

Model line(Optimizer optimizer = Sgd{}, std::vector<Metric> metrics = {}) {
  auto model = Sequential{input(3), dense(1)};
  model.compile({.optimizer = std::move(optimizer), .loss = mean_squared_error, .metrics = std::move(metrics)});
  return model;
}

using tests::weights_of;

/// Remembers what it has seen.
struct Witness {
  std::vector<std::string> calls = {};
  std::vector<double> rates = {};
  void train_begin(TrainingView&) { calls.push_back("begin"); }
  void epoch_begin(TrainingView& view) { calls.push_back("epoch " + std::to_string(view.epoch)); }
  void batch_begin(TrainingView& view) { calls.push_back("step " + std::to_string(view.step)); }
  void validation_begin(TrainingView&) { calls.push_back("validation"); }
  void validation_end(TrainingView& view) {
    calls.push_back(find_log(view.logs, "val_loss") != nullptr ? "validated" : "not validated");
  }
  void batch_end(TrainingView& view) {
    calls.push_back("batch " + std::to_string(view.step) + "/" + std::to_string(view.steps));
  }
  void epoch_end(TrainingView& view) { rates.push_back(view.state.learning_rate); }
  void train_end(TrainingView&) { calls.push_back("end"); }
};

}  // namespace

TEST_CASE("one step of plain descent is the one worked out by hand") {
  auto model = Sequential{input(1), dense(1)};
  model.compile({.optimizer = Sgd{.learning_rate = 0.1}, .loss = mean_squared_error});
  model.network().parameters().view("dense/kernel")(0, 0) = 2;
  model.network().parameters().view("dense/bias")(0, 0) = 1;
  Matrix x(2, 1), y(2, 1);
  x << 1, 2;
  y << 1, 1;
  // Predictions 3 and 5, errors 2 and 4: loss (4 + 16) / 2; d kernel = 2 (2 * 1 + 4 * 2) / 2 = 10, d bias = 6.
  const History history = model.fit(x, y, {.batch_size = 2, .verbose = 0});
  CHECK(history["loss"] == std::vector<double>{10});
  CHECK(model.network().parameters().view("dense/kernel")(0, 0) == Approx(1.0));
  CHECK(model.network().parameters().view("dense/bias")(0, 0) == Approx(0.4));
}

TEST_CASE("hooks are called in order, with steps and epochs; a callback may be read after fit") {
  const Samples samples(5);
  Model model = line();
  const Callback witness = Witness{};
  model.fit(samples.x, samples.y,
            {.epochs = 3,
             .batch_size = 2,
             .verbose = 0,
             .validation_data = ValidationData{samples.x, samples.y},
             .callbacks = {witness},
             .initial_epoch = 1,
             .validation_freq = 3});
  CHECK(witness.as<Witness>()->calls == std::vector<std::string>{"begin", "epoch 1", "step 0", "batch 1/3", "step 1",
                                                                 "batch 2/3", "step 2", "batch 3/3", "epoch 2",
                                                                 "step 0", "batch 1/3", "step 1", "batch 2/3", "step 2",
                                                                 "batch 3/3", "validation", "validated", "end"});
  CHECK(witness.as<EarlyStopping>() == nullptr);
}

TEST_CASE("gradient descent takes one step an epoch, over all samples, whatever the batch size") {
  const Samples samples;
  Model whole = line(GradientDescent{.learning_rate = 0.05}), batches = line(Sgd{.learning_rate = 0.05});
  whole.fit(samples.x, samples.y, {.epochs = 3, .batch_size = 7, .verbose = 0, .shuffle = false});
  batches.fit(samples.x, samples.y, {.epochs = 3, .batch_size = 40, .verbose = 0, .shuffle = false});
  CHECK(whole.optimizer_state().step == 3);
  CHECK(weights_of(whole) == weights_of(batches));
}

TEST_CASE("the loss of an epoch weighs its batches by their samples") {
  const Samples samples(5);
  Model model = line(Sgd{.learning_rate = 0});
  const double all = model.evaluate(samples.x, samples.y)[0].second;
  const History history = model.fit(samples.x, samples.y, {.batch_size = 4, .verbose = 0});
  CHECK(history["loss"][0] == Approx(all).epsilon(1e-5));
  CHECK(model.evaluate(samples.x, samples.y, 2)[0].second == Approx(all).epsilon(1e-5));
}

TEST_CASE("validation_split keeps the last samples, before shuffling, and does not train on them") {
  Samples samples(10);
  samples.y.bottomRows(3).setConstant(100);
  Model split = line(Sgd{.learning_rate = 0.05}, {mean_absolute_error}),
        apart = line(Sgd{.learning_rate = 0.05}, {mean_absolute_error});
  const History a = split.fit(samples.x, samples.y, {.epochs = 2, .verbose = 0, .validation_split = 0.3});
  const History b = apart.fit(
      samples.x.topRows(7), samples.y.topRows(7),
      {.epochs = 2, .verbose = 0, .validation_data = ValidationData{samples.x.bottomRows(3), samples.y.bottomRows(3)}});
  CHECK(weights_of(split) == weights_of(apart));
  CHECK(a.names() == std::vector<std::string>{"loss", "mean_absolute_error", "val_loss", "val_mean_absolute_error"});
  for (const std::string& name : a.names()) CHECK(a[name] == b[name]);
  CHECK(a["val_loss"][1] == Approx(apart.evaluate(samples.x.bottomRows(3), samples.y.bottomRows(3))[0].second));
  CHECK(a["val_loss"][1] > 50 * a["loss"][1]);
  CHECK_THROWS_WITH(split.fit(samples.x, samples.y, {.validation_split = 1}),
                    "fit: expected a validation_split from 0 to below 1, got 1");
  CHECK_THROWS_WITH(split.fit(samples.x.topRows(1), samples.y.topRows(1), {.validation_split = 0.5}),
                    "fit: a validation_split of 0.5 leaves a part of 1 samples empty");
}

TEST_CASE("validation_freq validates every so many epochs, and early stopping bears with it") {
  const Samples samples;
  Model model = line();
  const History history = model.fit(samples.x, samples.y,
                                    {.epochs = 5,
                                     .verbose = 0,
                                     .validation_split = 0.5,
                                     .callbacks = {EarlyStopping{.patience = 3}},
                                     .validation_freq = 2});
  CHECK(history["loss"].size() == 5);
  CHECK(history["val_loss"].size() == 2);
  CHECK_THROWS_WITH(model.fit(samples.x, samples.y, {.validation_freq = 0}),
                    "fit: expected a validation_freq of at least 1, got 0");
}

TEST_CASE("sample weights multiply losses, and the divisor stays the number of samples") {
  const Samples samples;
  Vector weights = Vector::Ones(40);
  weights.tail(20).setZero();
  Model weighted = line(Sgd{.learning_rate = 0.1}), half = line(Sgd{.learning_rate = 0.05});
  const double before = half.evaluate(samples.x.topRows(20), samples.y.topRows(20))[0].second;
  const History history =
      weighted.fit(samples.x, samples.y, {.batch_size = 40, .verbose = 0, .shuffle = false, .sample_weight = weights});
  half.fit(samples.x.topRows(20), samples.y.topRows(20), {.batch_size = 20, .verbose = 0, .shuffle = false});
  CHECK(history["loss"][0] == Approx(before / 2).epsilon(1e-5));
  CHECK((weights_of(weighted) - weights_of(half)).norm() < 1e-5);
  CHECK_THROWS_WITH(weighted.fit(samples.x, samples.y, {.sample_weight = Vector::Ones(3)}),
                    "fit: expected 40 sample weights, got 3");
}

TEST_CASE("class weights are sample weights by class, of training only") {
  Matrix x = random_matrix(30, 3, -1, 1, Random(1)), y(30, 1), one_hot = Matrix::Zero(30, 3);
  Vector weights(30);
  for (Index i = 0; i < 30; ++i) {
    y(i, 0) = static_cast<Scalar>(i % 3);
    one_hot(i, i % 3) = 1;
    weights[i] = i % 3 == 1 ? Scalar(5) : i % 3 == 2 ? Scalar(0.5) : Scalar(1);
  }
  auto model = [](Loss loss) {
    auto result = Sequential{input(3), dense(3, softmax)};
    result.compile({.optimizer = Sgd{}, .loss = std::move(loss)});
    return result;
  };
  Model by_class = model(sparse_categorical_crossentropy), by_sample = by_class,
        by_column = model(categorical_crossentropy);
  const FitOptions with_classes{.epochs = 2, .verbose = 0, .class_weight = {{1, 5.0}, {2, 0.5}}};
  by_class.fit(x, y, with_classes);
  by_sample.fit(x, y, {.epochs = 2, .verbose = 0, .sample_weight = weights});
  by_column.fit(x, one_hot, with_classes);
  CHECK(weights_of(by_class) == weights_of(by_sample));
  CHECK((weights_of(by_class) - weights_of(by_column)).norm() < 1e-5);
  FitOptions split = with_classes;
  split.validation_split = 0.5;
  const double unweighted = by_class.fit(x, y, split)["val_loss"].back();
  CHECK(unweighted == Approx(by_class.evaluate(x.bottomRows(15), y.bottomRows(15))[0].second));
  FitOptions both = with_classes;
  both.sample_weight = weights;
  CHECK_THROWS_WITH(by_class.fit(x, y, both), "fit: expected sample_weight or class_weight, got both");
}

TEST_CASE("initial_epoch goes on counting: epochs is the final number") {
  const Samples samples;
  Model model = line();
  const History history = model.fit(samples.x, samples.y, {.epochs = 5, .verbose = 0, .initial_epoch = 3});
  CHECK(history.epochs() == std::vector<int>{3, 4});
  CHECK(model.fit(samples.x, samples.y, {.epochs = 3, .verbose = 0, .initial_epoch = 3}).epochs().empty());
}

TEST_CASE("the order of samples follows from the seed, and is the given one without shuffling") {
  const Samples samples;
  auto trained = [&](FitOptions options) {
    Model model = line(Sgd{.learning_rate = 0.1});
    options.batch_size = 4;
    options.verbose = 0;
    model.fit(samples.x, samples.y, options);
    return weights_of(model);
  };
  CHECK(trained({.seed = 1}) == trained({.seed = 1}));
  CHECK(trained({.seed = 1}) != trained({.seed = 2}));
  CHECK(trained({.seed = 1}) != trained({.shuffle = false}));
  CHECK(trained({.shuffle = false, .seed = 1}) == trained({.shuffle = false, .seed = 2}));
}

TEST_CASE("training stops at NaN, and says so in the history") {
  const Samples samples;
  Model model = line(Sgd{.learning_rate = 1e30});
  const History history =
      model.fit(samples.x, samples.y, {.epochs = 50, .batch_size = 4, .verbose = 0, .callbacks = {TerminateOnNaN{}}});
  CHECK(history["loss"].size() < 50);
  CHECK(!std::isfinite(history["loss"].back()));
}

TEST_CASE("early stopping in a fit stops and restores") {
  const Samples samples;
  Model model = line(Sgd{.learning_rate = 0.01});
  struct Worse {  // makes the figure worse from epoch 3 on
    Vector at_2 = {};
    void epoch_end(TrainingView& view) {
      if (view.epoch == 2) at_2 = view.network.parameters().values();
      if (view.epoch >= 3) *const_cast<double*>(find_log(view.logs, "loss")) = 1000;
    }
  };
  const Callback worse = Worse{},
                 stopping = EarlyStopping{.monitor = "loss", .patience = 2, .restore_best_weights = true};
  const History history = model.fit(samples.x, samples.y, {.epochs = 20, .verbose = 0, .callbacks = {worse, stopping}});
  CHECK(history.epochs().size() == 5);
  CHECK(stopping.as<EarlyStopping>()->stopped_epoch == 4);
  CHECK(stopping.as<EarlyStopping>()->best_epoch == 2);
  CHECK(weights_of(model) == worse.as<Worse>()->at_2);
}

TEST_CASE("penalties are part of the loss and of the gradient") {
  auto model = Sequential{input(1), Dense{.units = 1, .use_bias = false, .kernel_regularizer = L2{.l2 = 0.5}}};
  model.compile({.optimizer = Sgd{.learning_rate = 0.1}, .loss = mean_squared_error});
  model.network().parameters().view("dense/kernel")(0, 0) = 2;
  const Matrix zero = Matrix::Zero(1, 1);
  CHECK(model.fit(zero, zero, {.verbose = 0})["loss"][0] == Approx(2.0));
  CHECK(model.network().parameters().view("dense/kernel")(0, 0) == Approx(2 - 0.1 * 2 * 0.5 * 2));
}

TEST_CASE("frozen layers stay as they are") {
  const Samples samples;
  auto model = Sequential{input(3), dense(4).frozen(), dense(1)};
  model.compile({.optimizer = Adam{}, .loss = mean_squared_error});
  const Matrix frozen = model.network().parameters().view("dense/kernel"),
               free = model.network().parameters().view("dense_1/kernel");
  model.fit(samples.x, samples.y, {.verbose = 0});
  CHECK(model.network().parameters().view("dense/kernel") == frozen);
  CHECK(model.network().parameters().view("dense_1/kernel") != free);
}

TEST_CASE("cross-entropy after sigmoid or softmax does not lose its gradient where outputs are saturated") {
  // Logit -50 and target 1: 50 through the logits, 16.1 if the probability were clipped.
  for (const Layer& last : {dense(1, sigmoid), dense(2, softmax)}) {
    const bool two = last.as<Dense>()->units == 2;
    auto model = Sequential{input(1), last};
    model.compile({.optimizer = Sgd{},
                   .loss = two ? Loss(sparse_categorical_crossentropy) : Loss(binary_crossentropy),
                   .metrics = {accuracy}});
    model.network().parameters().values().setZero();
    model.network().parameters().view("dense/kernel")(0, two ? 1 : 0) = -50;
    const Logs logs = model.evaluate(Matrix::Ones(1, 1), Matrix::Ones(1, 1));
    CHECK(logs[0].second == Approx(50).epsilon(1e-5));
    CHECK(logs[1].second == 0);  // the metric sees probabilities
    CHECK(model.predict(Matrix::Ones(1, 1)).maxCoeff() <= 1);
  }
}

TEST_CASE("progress prints a plain line an epoch where the output is no terminal") {
  const Samples samples(5);
  Model model = line();
  const std::string text = maas_tests::printed_by(
      [&] { model.fit(samples.x, samples.y, {.epochs = 2, .batch_size = 2, .validation_split = 0.2}); });
  CHECK(text.starts_with("Epoch 1/2 - 2/2 "));
  CHECK(text.find("\nEpoch 2/2 - 2/2 ") != std::string::npos);
  CHECK(std::ranges::count(text, '\n') == 2);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("/step - loss: ") != std::string::npos);
  CHECK(text.find(" - val_loss: ") != std::string::npos);
  CHECK(maas_tests::printed_by([&] { model.fit(samples.x, samples.y, {.verbose = 0}); }).empty());
  const std::string bar = maas_tests::printed_by([&] { model.fit(samples.x, samples.y, {.verbose = 1}); });
  CHECK(bar.starts_with("Epoch 1/1\n\r1/1 "));
}

TEST_CASE("a history lists its figures, and those there are for one there is not") {
  History history;
  history.add(0, {{"loss", 1}});
  history.add(1, {{"loss", 2}, {"val_loss", 3}});
  CHECK(history["loss"] == std::vector<double>{1, 2});
  CHECK(history["val_loss"] == std::vector<double>{3});
  CHECK(history.contains("val_loss"));
  CHECK(!history.contains("acc"));
  CHECK_THROWS_WITH(history["acc"], "History: there is no \"acc\"; there are loss, val_loss");
}

TEST_CASE("labels out of range in a data set are refused in their batch, not read as a place") {
  struct Labels {  // a data set of the user's own
    Index size() const { return 4; }
    Shape feature_shape() const { return {3}; }
    Shape target_shape() const { return {1}; }
    void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const {
      x.setZero();
      for (std::size_t i = 0; i < rows.size(); ++i) y(static_cast<Index>(i), 0) = rows[i] == 3 ? Scalar(7) : Scalar(0);
    }
  };
  auto model = Sequential{input(3), dense(2, softmax)};
  model.compile({.loss = sparse_categorical_crossentropy});
  CHECK_THROWS_WITH(model.fit(Dataset(Labels{}), {.batch_size = 2, .verbose = 0, .shuffle = false}),
                    "in a batch: SparseCategoricalCrossentropy: expected labels 0 to 1, got 7 in row 1 (counted "
                    "from 0)");
}
