#include "maas/training/callbacks.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "maas/layers/layers.hpp"
#include "maas/losses/losses.hpp"
#include "maas/optimizers/optimizers.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

using namespace maas;

namespace {

/// A training that is only told: epochs with given figures, without a network that learns.
struct Told {
  Network network{input(1), dense(1)};
  Optimizer optimizer = Sgd{};
  OptimizerState state{optimizer, network.parameters().layout().trainable_size()};
  std::optional<Loss> loss = mean_squared_error;
  std::vector<Metric> metrics;
  Logs logs;
  TrainingView view{.epochs = 100,
                    .steps = 1,
                    .validates = true,
                    .logs = logs,
                    .network = network,
                    .optimizer = optimizer,
                    .state = state,
                    .loss = loss,
                    .metrics = metrics,
                    .weighted_metrics = metrics};

  /// The weights are set to the epoch's number, so that one can see whose they are.
  template <class Rule>
  auto epoch(Rule& rule, int number, Logs figures) {
    view.epoch = number;
    logs = std::move(figures);
    network.parameters().values().setConstant(static_cast<Scalar>(number));
    return rule.epoch_end(view);
  }
  /// Tells values of one figure, an epoch each; returns in how many epochs the callback did not stop.
  template <class Rule>
  int epochs_until_stop(Rule& rule, const std::vector<double>& values, const std::string& name = "val_loss") {
    rule.train_begin(view);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (epoch(rule, static_cast<int>(i), {{name, values[i]}}) == Signal::stop) return static_cast<int>(i);
    return static_cast<int>(values.size());
  }
  Scalar weight() const { return network.parameters().values()[0]; }
};

using tests::content;

}  // namespace

TEST_CASE("early stopping waits `patience` epochs without improvement, and never stops in the first") {
  Told told;
  EarlyStopping none, two{.patience = 2};
  CHECK(told.epochs_until_stop(none, {1, 0.9, 0.95}) == 2);
  CHECK(none.stopped_epoch == 2);
  CHECK(told.epochs_until_stop(none, {std::nan(""), 2, 1}) == 3);  // the first epoch cannot stop
  CHECK(told.epochs_until_stop(two, {1, 0.9, 0.95, 0.95, 0.8}) == 3);
  CHECK(two.best_epoch == 1);
  CHECK(two.best == 0.9);
  CHECK(told.epochs_until_stop(two, {1, 0.9, 0.95, 0.8, 0.85, 0.7}) == 6);
  CHECK(two.stopped_epoch == 0);
}

TEST_CASE("an improvement must be larger than min_delta, whose sign does not matter") {
  Told told;
  for (double delta : {0.1, -0.1}) {
    EarlyStopping stopping{.min_delta = delta};
    CHECK(told.epochs_until_stop(stopping, {1, 0.95, 0.5}) == 1);
    CHECK(told.epochs_until_stop(stopping, {1, 0.85, 0.7}) == 3);
  }
}

TEST_CASE("early stopping looks for the larger figure where its metric or mode says so") {
  Told told;
  told.view.larger_is_better = [](std::string_view name) -> std::optional<bool> {
    if (name == "accuracy") return true;
    return std::nullopt;
  };
  EarlyStopping accuracy{.monitor = "val_accuracy"}, smaller{.monitor = "val_accuracy", .mode = Better::min};
  CHECK(told.epochs_until_stop(accuracy, {0.5, 0.6, 0.55}, "val_accuracy") == 2);
  CHECK(told.epochs_until_stop(smaller, {0.5, 0.6, 0.55}, "val_accuracy") == 1);
  EarlyStopping unknown{.monitor = "val_hits"}, known{.monitor = "val_hits", .mode = Better::max};
  CHECK_THROWS_WITH(
      told.epochs_until_stop(unknown, {0.5, 0.6}, "val_hits"),
      "EarlyStopping: expected a mode, Better::min or Better::max, for \"val_hits\": no metric says which "
      "is better, got Better::automatic");
  CHECK(told.epochs_until_stop(known, {0.5, 0.6, 0.55}, "val_hits") == 2);
}

TEST_CASE("a fit tells callbacks of each figure whether larger is better, and of nothing else") {
  const Symbol x = input(2);
  auto known = [](TrainingView& view) {
    std::string all;
    for (std::string_view name : {"loss", "accident_loss", "flow_loss", "accident_hits", "accident_hits_1",
                                  "accident_weighted_hits", "flow_cosine_similarity", "flow_sum", "hits", "accident"}) {
      const std::optional<bool> larger = view.larger_is_better(name);
      all += larger ? *larger ? '+' : '-' : '?';
    }
    return all;
  };
  std::string found;
  const Matrix data = Matrix::Ones(4, 2), y = Matrix::Ones(4, 1);
  Model model({x}, {dense(1, sigmoid).named("accident")(x), dense(2).named("flow")(x)});
  model.compile({.outputs = {{.loss = binary_crossentropy,
                              .metrics = {Metric(AUC{}).named("hits"), Metric(mean_absolute_error).named("hits")},
                              .weighted_metrics = {Metric(accuracy).named("hits")}},
                             {.loss = mean_squared_error, .metrics = {CosineSimilarity{}, metrics::Sum{}}}}});
  model.fit(std::vector<Matrix>{data}, {y, data},
            {.verbose = 0,
             .callbacks = {LambdaCallback{.on_train_begin = [&](TrainingView& view) { found = known(view); }}}});
  CHECK(found == "---+-++???");
}

TEST_CASE("the loss of an output with a telling name is to shrink") {
  const Symbol x = input(1);
  Model model({x}, {dense(1).named("accident")(x), dense(1).named("flow")(x)});
  model.compile({.optimizer = Sgd{.learning_rate = 0.01},
                 .outputs = {{.loss = mean_squared_error}, {.loss = mean_squared_error}}});
  const Matrix data = Matrix::Ones(8, 1), y = Matrix::Constant(8, 1, 5);
  const Callback stopping = EarlyStopping{.monitor = "val_accident_loss", .restore_best_weights = true};
  const History history = model.fit(std::vector<Matrix>{data}, {y, y},
                                    {.epochs = 6,
                                     .verbose = 0,
                                     .validation_data = ValidationData{data, std::vector<Matrix>{y, y}},
                                     .callbacks = {stopping}});
  CHECK(history.epochs().size() == 6);
  CHECK(stopping.as<EarlyStopping>()->best_epoch == 5);
}

TEST_CASE("with a baseline, waiting starts anew only when it is beaten") {
  Told told;
  EarlyStopping stopping{.patience = 2, .baseline = 0.5};
  CHECK(told.epochs_until_stop(stopping, {1, 0.9, 0.8, 0.7, 0.7}) == 4);  // an improvement itself never stops
  CHECK(told.epochs_until_stop(stopping, {0.4, 0.45, 0.3, 0.45, 0.45}) == 4);
}

TEST_CASE("epochs before start_from_epoch are not looked at") {
  Told told;
  EarlyStopping stopping{.patience = 1, .start_from_epoch = 3};
  CHECK(told.epochs_until_stop(stopping, {0.1, 1, 1, 0.9, 0.95}) == 4);
  CHECK(stopping.best == 0.9);
}

TEST_CASE("the best weights are put back at the end, whether training was stopped or not") {
  Told told;
  EarlyStopping stopping{.restore_best_weights = true};
  told.epochs_until_stop(stopping, {1, 0.5, 0.6});
  CHECK(told.weight() == 2);
  stopping.train_end(told.view);
  CHECK(told.weight() == 1);
  told.epochs_until_stop(stopping, {1, 0.5});
  told.epoch(stopping, 2, {{"val_loss", 0.4}});
  stopping.train_end(told.view);
  CHECK(told.weight() == 2);
  told.epochs_until_stop(stopping, {std::nan("")});  // nothing ever improved: those of the first epoch
  CHECK(stopping.best_epoch == 0);
  EarlyStopping off;
  told.epochs_until_stop(off, {1, 0.5, 0.6});
  off.train_end(told.view);
  CHECK(told.weight() == 2);
}

TEST_CASE("epochs without validation do not count; a figure that is none is an error that lists them") {
  Told told;
  EarlyStopping stopping{.patience = 1};
  stopping.train_begin(told.view);
  CHECK(told.epoch(stopping, 0, {{"loss", 1}}) == Signal::go_on);
  CHECK(told.epoch(stopping, 1, {{"loss", 1}, {"val_loss", 1}}) == Signal::go_on);
  CHECK(told.epoch(stopping, 2, {{"loss", 1}}) == Signal::go_on);
  CHECK(told.epoch(stopping, 3, {{"loss", 1}, {"val_loss", 1}}) == Signal::stop);
  EarlyStopping wrong{.monitor = "val_acc"};
  CHECK_THROWS_WITH(told.epoch(wrong, 0, {{"loss", 1}, {"val_loss", 1}}),
                    "EarlyStopping: there is no figure \"val_acc\"; there are loss, val_loss");
  told.view.validates = false;
  CHECK_THROWS_WITH(told.epoch(stopping, 0, {{"loss", 1}}),
                    "EarlyStopping: there is no figure \"val_loss\"; there are loss (fit has no validation data)");
}

TEST_CASE("the CSV log has a header, epochs from 0, CRLF and numbers as Python prints them") {
  Told told;
  const std::string path = "log.csv";
  CSVLogger logger{.filename = path};
  logger.train_begin(told.view);
  told.epoch(logger, 0, {{"loss", 1}, {"accuracy", 0.1}});
  told.epoch(logger, 1, {{"loss", 1e-5}, {"accuracy", 123456.75}, {"val_loss", 0.5}, {"val_accuracy", 1e16}});
  told.epoch(logger, 2, {{"loss", std::nan("")}, {"accuracy", INFINITY}});
  CHECK(content(path) ==
        "epoch,accuracy,loss,val_accuracy,val_loss\r\n"
        "0,0.1,1.0,NA,NA\r\n"
        "1,123456.75,1e-05,1e+16,0.5\r\n"
        "2,inf,nan,NA,NA\r\n");
}

TEST_CASE("the CSV log's validation columns follow the others, as Keras appends them") {
  Told told;
  CSVLogger logger{.filename = "log.csv", .separator = ";"};
  logger.train_begin(told.view);
  told.epoch(logger, 0, {{"zeta", 1}, {"loss", 2}});
  CHECK(content("log.csv") == "epoch;loss;zeta;val_loss;val_zeta\r\n0;2.0;1.0;NA;NA\r\n");
  told.logs.clear();
  logger.train_begin(told.view);
  told.epoch(logger, 0, {{"zeta", 1}, {"val_zeta", 2}});
  CHECK(content("log.csv") == "epoch;val_zeta;zeta\r\n0;2.0;1.0\r\n");
}

TEST_CASE("the CSV log starts anew, or goes on where it is told to append") {
  Told told;
  std::filesystem::remove("log.csv");
  CSVLogger append{.filename = "log.csv", .append = true}, anew{.filename = "log.csv"};
  append.train_begin(told.view);
  told.epoch(append, 0, {{"val_loss", 1}});
  append.train_begin(told.view);
  told.epoch(append, 1, {{"val_loss", 2}});
  CHECK(content("log.csv") == "epoch,val_loss\r\n0,1.0\r\n1,2.0\r\n");
  anew.train_begin(told.view);
  told.epoch(anew, 0, {{"val_loss", 3}});
  CHECK(content("log.csv") == "epoch,val_loss\r\n0,3.0\r\n");
  CSVLogger nowhere{.filename = "no/such/folder/log.csv"};
  CHECK_THROWS_WITH(nowhere.train_begin(told.view), "no/such/folder/log.csv: cannot be written");
  std::filesystem::remove("log.csv");
}

TEST_CASE("training ends after a batch whose running loss is no finite number") {
  Told told;
  const TerminateOnNaN terminate;
  auto after_batch = [&](double loss) {
    told.logs = {{"loss", loss}};
    return terminate.batch_end(told.view);
  };
  CHECK(after_batch(1) == Signal::go_on);
  CHECK(after_batch(std::nan("")) == Signal::stop);
  CHECK(after_batch(INFINITY) == Signal::stop);
  CHECK(after_batch(-INFINITY) == Signal::stop);
  told.view.step = 4;
  CHECK_THROWS_WITH(TerminateOnNaN{.raise_error = true}.batch_end(told.view),
                    "TerminateOnNaN: the loss is -inf after step 4 of epoch 1");
}

TEST_CASE("averages take the place of the weights for validation, and for what follows an epoch where that is wanted") {
  Told told;
  told.optimizer = Sgd{.options = {.use_ema = true}};
  told.state = OptimizerState(told.optimizer, told.network.parameters().layout().trainable_size());
  for (bool epochs : {false, true}) {
    told.network.parameters().values().setConstant(1);
    told.state.slot(0).setConstant(2);
    SwapEMAWeights swap{.swap_on_epoch = epochs};
    swap.train_begin(told.view);
    swap.epoch_begin(told.view);
    swap.validation_begin(told.view);
    CHECK(told.weight() == 2);
    swap.validation_end(told.view);
    CHECK(told.weight() == 1);
    swap.epoch_end(told.view);
    CHECK(told.weight() == (epochs ? 2 : 1));
    swap.epoch_begin(told.view);
    CHECK((told.weight() == 1 && told.state.slot(0)[0] == 2));
  }
  told.optimizer = Sgd{};
  CHECK_THROWS_WITH(SwapEMAWeights{}.train_begin(told.view),
                    "SwapEMAWeights: expected an optimizer with use_ema, got SGD without");
}

TEST_CASE("a lambda callback is called where a function is set") {
  Told told;
  std::string calls;
  const auto say = [&](const char* what) { return [&calls, what](TrainingView&) { calls += what; }; };
  LambdaCallback lambda{.on_train_begin = say("t"), .on_epoch_begin = say("e"), .on_batch_begin = say("b")};
  lambda.on_batch_end = [&](TrainingView&) { return Signal::stop; };
  lambda.train_begin(told.view);
  lambda.epoch_begin(told.view);
  lambda.batch_begin(told.view);
  CHECK(calls == "teb");
  CHECK(lambda.batch_end(told.view) == Signal::stop);
  CHECK(lambda.epoch_end(told.view) == Signal::go_on);
}

TEST_CASE("the rate falls when a figure stays on a plateau, and waits through its cooldown") {
  Told told;
  told.state.learning_rate = 1;
  ReduceLROnPlateau reduce{.factor = 0.5, .patience = 2, .cooldown = 1, .min_lr = 0.2};
  reduce.train_begin(told.view);
  std::vector<double> rates;
  for (int i = 0; i < 10; ++i) {
    told.epoch(reduce, i, {{"val_loss", 1}});
    rates.push_back(told.state.learning_rate);
  }
  // Epoch 0 improves; 1 and 2 wait; 3 cools down and waits again, as in Keras; and so on down to min_lr.
  CHECK(rates == std::vector<double>{1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2});
  CHECK(*find_log(told.logs, "learning_rate") == 0.2);
}

TEST_CASE("callbacks that set the rate refuse an optimizer whose rate follows a schedule") {
  Told told;
  ReduceLROnPlateau reduce;
  CHECK_NOTHROW(reduce.train_begin(told.view));
  const Optimizer scheduled = Sgd{.learning_rate = ExponentialDecay{}};
  TrainingView view{.logs = told.logs,
                    .network = told.network,
                    .optimizer = scheduled,
                    .state = told.state,
                    .loss = told.loss,
                    .metrics = told.metrics,
                    .weighted_metrics = told.metrics};
  CHECK_THROWS_WITH(reduce.train_begin(view),
                    "ReduceLROnPlateau: the optimizer's learning rate follows a schedule, ExponentialDecay; give it a "
                    "number instead");
}
