// Networks of several inputs and outputs.
#include "maas/layers/layers.hpp"
#include "maas/maas.hpp"
#include "maas/network/merge.hpp"
#include "maas/testing/allocations.hpp"
#include "maas/testing/numbers.hpp"
#include "support/catch.hpp"
#include "support/weights.hpp"

using namespace maas;
using testing::detail::random_matrix;

namespace {

/// Two inputs, an alarm and a flow.
struct TwoBranches {
  Symbol loops = input(Shape{3}, "loops"), weather = input(Shape{2}, "weather");
  Symbol joint = dense(5, Tanh{}).named("joint")(concatenate({loops, weather}));
  Symbol alarm = dense(1, sigmoid).named("alarm")(joint), flow = dense(2).named("flow")(joint);
  Model model{{loops, weather}, {alarm, flow}};
  std::vector<Matrix> x{random_matrix(40, 3, -1, 1, Random(1)), random_matrix(40, 2, -1, 1, Random(2))};
  std::vector<Matrix> y{(x[0].rowwise().sum().array() > 0).cast<Scalar>().matrix(),
                        Matrix(x[0].leftCols(2) + Scalar(0.5) * x[1])};

  void compile(double alarm_weight = 1, double flow_weight = 1) {
    model.compile({.optimizer = Sgd{.learning_rate = 0.1},
                   .outputs = {{.loss = binary_crossentropy, .loss_weight = alarm_weight, .metrics = {accuracy}},
                               {.loss = mean_squared_error,
                                .loss_weight = flow_weight,
                                .metrics = {mean_absolute_error},
                                .weighted_metrics = {mean_absolute_error}}}});
  }
};

using tests::weights_of;

double figure(const Logs& logs, const std::string& name) {
  const double* found = find_log(logs, name);
  REQUIRE(found != nullptr);
  return *found;
}

}  // namespace

TEST_CASE("several outputs have their figures under their names, in Keras' order") {
  TwoBranches two;
  two.compile(0.3, 2);
  const History history = two.model.fit(two.x, two.y, {.epochs = 2, .verbose = 0, .validation_split = 0.25});
  const std::vector<std::string> names{"alarm_accuracy",
                                       "alarm_loss",
                                       "flow_loss",
                                       "flow_mean_absolute_error",
                                       "flow_weighted_mean_absolute_error",
                                       "loss"};
  std::vector<std::string> all = names;
  for (const std::string& name : names) all.push_back("val_" + name);
  CHECK(history.names() == all);  // as Keras sorts them
  const Logs logs = two.model.evaluate(two.x, two.y);
  std::vector<std::string> listed;
  for (const auto& [name, value] : logs) listed.push_back(name);
  CHECK(listed == std::vector<std::string>{"loss", "alarm_loss", "flow_loss", "alarm_accuracy",
                                           "flow_mean_absolute_error", "flow_weighted_mean_absolute_error"});
  for (std::size_t epoch : {0u, 1u})
    CHECK(history["loss"][epoch] ==
          Approx(0.3 * history["alarm_loss"][epoch] + 2 * history["flow_loss"][epoch]).epsilon(1e-5));
}

TEST_CASE("an output alone gives the figures of a model that has no other") {
  TwoBranches two;
  two.compile(0, 1);
  Model alone({two.loops, two.weather}, {two.flow});
  for (const ParameterEntry& entry : alone.network().parameters().entries())
    alone.network().parameters().view(entry.name) = two.model.network().parameters().view(entry.name);
  alone.compile({.optimizer = Sgd{.learning_rate = 0.1}, .loss = mean_squared_error, .metrics = {mean_absolute_error}});
  const History both = two.model.fit(two.x, two.y, {.epochs = 3, .batch_size = 8, .verbose = 0});
  const History one = alone.fit(two.x, two.y[1], {.epochs = 3, .batch_size = 8, .verbose = 0});
  CHECK(both["flow_loss"] == one["loss"]);
  CHECK(both["flow_mean_absolute_error"] == one["mean_absolute_error"]);
  for (const std::string name : {"joint/kernel", "flow/kernel", "flow/bias"})
    CHECK(two.model.network().parameters().view(name) == alone.network().parameters().view(name));
  CHECK(one.names() == std::vector<std::string>{"loss", "mean_absolute_error"});
}

TEST_CASE("one loss for all outputs is the loss of each") {
  TwoBranches one, each;
  one.model.compile({.optimizer = Sgd{}, .loss = mean_squared_error});
  each.model.compile({.optimizer = Sgd{}, .outputs = {{.loss = mean_squared_error}, {.loss = mean_squared_error}}});
  one.model.fit(one.x, one.y, {.epochs = 2, .verbose = 0});
  each.model.fit(one.x, one.y, {.epochs = 2, .verbose = 0});
  CHECK(weights_of(one.model) == weights_of(each.model));
}

TEST_CASE("the loss weighs batches by their samples, that of an output does not") {
  TwoBranches two;
  two.compile();
  const auto batch = [&](const std::string& name, Index first, Index count) {
    return figure(two.model.test_on_batch({two.x[0].middleRows(first, count), two.x[1].middleRows(first, count)},
                                          {two.y[0].middleRows(first, count), two.y[1].middleRows(first, count)}),
                  name);
  };
  const Logs logs = two.model.evaluate(two.x, two.y, 30);
  CHECK(figure(logs, "loss") == Approx((3 * batch("loss", 0, 30) + batch("loss", 30, 10)) / 4));
  CHECK(figure(logs, "flow_loss") == Approx((batch("flow_loss", 0, 30) + batch("flow_loss", 30, 10)) / 2));
}

TEST_CASE("an output without a loss is measured, and not trained") {
  TwoBranches two;
  two.model.compile({.optimizer = Sgd{}, .outputs = {{.metrics = {accuracy}}, {.loss = mean_squared_error}}});
  const Matrix alarm = two.model.network().parameters().view("alarm/kernel");
  const Logs logs = two.model.train_on_batch(two.x, two.y);
  CHECK(two.model.network().parameters().view("alarm/kernel") == alarm);
  REQUIRE(logs.size() == 2);  // one loss only: it has no key of its own
  CHECK(logs[1].first == "alarm_accuracy");
}

TEST_CASE("sample weights may be one an output") {
  TwoBranches two, same, zero;
  for (TwoBranches* each : {&two, &same, &zero}) each->compile();
  const Vector weights = random_matrix(40, 1, 0, 2, Random(5)).col(0), ones = Vector::Ones(40), none = Vector::Zero(40);
  two.model.fit(two.x, two.y, {.verbose = 0, .sample_weight = weights});
  same.model.fit(two.x, two.y, {.verbose = 0, .sample_weights = {weights, weights}});
  CHECK(weights_of(two.model) == weights_of(same.model));
  const Logs logs = zero.model.evaluate(two.x, two.y, 40, {none, ones});
  CHECK(figure(logs, "alarm_loss") == 0);
  CHECK(figure(logs, "loss") == Approx(figure(logs, "flow_loss")));
  CHECK_THROWS_WITH(two.model.fit(two.x, two.y, {.sample_weights = {weights, weights, weights}}),
                    "fit: expected sample_weights for 2 outputs, got 3");
}

TEST_CASE("fits, data sets, batches and sources of several inputs and outputs give the same bits") {
  TwoBranches by_matrices, by_set, by_batch, by_source;
  for (TwoBranches* each : {&by_matrices, &by_set, &by_batch, &by_source}) each->compile(0.5, 1);
  const TwoBranches& data = by_matrices;
  by_matrices.model.fit(data.x, data.y, {.batch_size = 20, .verbose = 0, .shuffle = false});
  Matrix x(40, 5), y(40, 3);
  x << data.x[0], data.x[1];
  y << data.y[0], data.y[1];
  by_set.model.fit(Dataset(Arrays(x, y)), {.batch_size = 20, .verbose = 0, .shuffle = false});
  const auto half = [&](const std::vector<Matrix>& all, Index which) {
    return std::vector<Matrix>{all[0].middleRows(20 * which, 20), all[1].middleRows(20 * which, 20)};
  };
  for (Index i : {0, 1}) by_batch.model.train_on_batch(half(data.x, i), half(data.y, i));
  Index next = 0;
  by_source.model.fit(
      [&](Batch& batch) {
        if (next == 2) return next = 0, false;
        batch.x = half(data.x, next);
        batch.y = half(data.y, next++);
        return true;
      },
      {.verbose = 0});
  CHECK(weights_of(by_set.model) == weights_of(by_matrices.model));
  CHECK(weights_of(by_batch.model) == weights_of(by_matrices.model));
  CHECK(weights_of(by_source.model) == weights_of(by_matrices.model));
  CHECK(by_set.model.evaluate(data.x, data.y, 40) == by_set.model.test_on_batch(data.x, data.y));
  CHECK(by_set.model.evaluate(Dataset(Arrays(x, y)), 7) == by_set.model.evaluate(data.x, data.y, 7));
  CHECK(by_set.model.predict(data.x)[1] == by_set.model.predict_on_batch(data.x)[1]);
}

TEST_CASE("an input among several that does not fit is named") {
  TwoBranches two;
  CHECK_THROWS_WITH(two.model.compile({.loss = mean_squared_error, .metrics = {accuracy}}),
                    "compile: the network has 2 outputs; give each its metrics through .outputs");
  CHECK_THROWS_WITH(two.model.compile({.outputs = {{.loss = mean_squared_error}}}),
                    "compile: expected .outputs for 2 outputs, got 1");
  CHECK_THROWS_WITH(two.model.compile({.loss = mean_squared_error, .outputs = {{}, {}}}),
                    "compile: expected .outputs, or .loss and .metrics, got both");
  two.compile();
  CHECK_THROWS_WITH(
      two.model.fit(two.x[0], two.y[0]),
      "fit: the network has 2 inputs and 2 outputs; pass vectors of matrices, one an input and an output");
  CHECK_THROWS_WITH(two.model.fit(two.x, two.y[0]),
                    "fit: expected 2 matrices of samples and 2 of targets, got 2 and 1");
  CHECK_THROWS_WITH(two.model.fit({two.x[1], two.x[1]}, two.y), "fit: expected 3 features a sample (3) in x[0], got 2");
  CHECK_THROWS_WITH(two.model.fit({two.x[0], two.x[1].topRows(3)}, two.y),
                    "fit: expected 40 samples in x[1], as in the first, got 3");
  CHECK_THROWS_WITH(two.model.fit(two.x, {two.y[0], two.y[0]}),
                    "fit: expected 2 target numbers a sample for MeanSquaredError in y[1], got 1");
  two.x[1](3, 1) = std::nan("");
  CHECK_THROWS_WITH(two.model.fit(two.x, two.y),
                    "fit: expected finite numbers in x[1], got nan in row 3, column 1 (counted from 0)");
  CHECK_THROWS_WITH(two.model.fit(two.x, two.y, {.class_weight = {{1, 2.0}}}),
                    "fit: expected finite numbers in x[1], got nan in row 3, column 1 (counted from 0)");
  Model twice({two.loops, two.weather}, {two.flow, two.flow});
  twice.compile({.loss = mean_squared_error});
  CHECK_THROWS_WITH(twice.fit({two.x[0], two.x[0].leftCols(2)}, {two.y[1], two.y[1]}),
                    "fit: expected different outputs, got that of \"flow\" twice");
}

TEST_CASE("class weights are for one output") {
  TwoBranches two;
  two.compile();
  CHECK_THROWS_WITH(two.model.fit(two.x, two.y, {.class_weight = {{1, 2.0}}}),
                    "fit: class_weight is for models of one output, got one of 2");
}

TEST_CASE("steps of several outputs take no memory after the first") {
  if (!testing::counts_allocations()) return;
  TwoBranches two;
  two.compile(0.5, 2);
  const std::vector<ConstMatrixView> x{{two.x[0].data(), 40, 3}, {two.x[1].data(), 40, 2}},
      y{{two.y[0].data(), 40, 1}, {two.y[1].data(), 40, 2}};
  const Vector weights = Vector::Ones(40);
  const ConstVectorView weight_view(weights.data(), 40);
  Logs logs;
  const auto run = [&] {
    two.model.train_on_batch(BatchView{x, y, {&weight_view, 1}}, logs);
    two.model.test_on_batch(BatchView{x, y}, logs);
  };
  run();
  const std::int64_t before = testing::allocations();
  for (int i = 0; i < 5; ++i) run();
  CHECK(testing::allocations() - before == 0);
}

TEST_CASE("a data set of several inputs is read without memory") {
  if (!testing::counts_allocations()) return;
  TwoBranches two;
  two.compile();
  struct Counter {  // allocations between the ends of two batches
    std::vector<std::int64_t> taken = std::vector<std::int64_t>(16, -1);
    std::int64_t last = 0;
    void batch_end(TrainingView& view) {
      const std::int64_t now = testing::allocations();
      taken[static_cast<std::size_t>(view.step)] = now - last;
      last = now;
    }
  };
  const Callback counter = Counter{};
  two.model.fit(two.x, two.y,
                {.batch_size = 4, .verbose = 0, .callbacks = {counter}, .sample_weight = Vector::Ones(40)});
  for (std::size_t step = 3; step <= 10; ++step) CHECK(counter.as<Counter>()->taken[step] == 0);
}
