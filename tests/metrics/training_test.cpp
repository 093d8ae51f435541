// Metrics beside a loss that is trained.
#include "maas/maas.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// A network of one sigmoid whose logit is 50 times its input, for as long as it does not train.
Sequential steep() {
  return Sequential{input(1), Dense{.units = 1, .activation = sigmoid, .kernel_initializer = Constant{.value = 50}}};
}

}  // namespace

TEST_CASE("a cross-entropy beside a loss on logits is computed from the logits, too") {
  Sequential model = steep();
  model.compile({.loss = binary_crossentropy, .metrics = {binary_crossentropy, AUC{}, accuracy}});
  Matrix x(2, 1), y(2, 1);
  x << -1, 1;
  y << 1, 1;
  const Logs logs = model.evaluate(x, y);
  CHECK(*find_log(logs, "loss") == Approx(25));
  CHECK(*find_log(logs, "binary_crossentropy") == Approx(25));
  CHECK(*find_log(logs, "accuracy") == Approx(0.5));
}

TEST_CASE("the history has a key for each figure of a metric, and for each of two metrics of one name") {
  Sequential model = steep();
  model.compile({.optimizer = Sgd{.learning_rate = 0.0},
                 .loss = binary_crossentropy,
                 .metrics = {Recall{.thresholds = {0.2, 0.8}}, TruePositives{}, TruePositives{.thresholds = 0.9}}});
  Matrix x(4, 1), y = Matrix::Ones(4, 1);
  x << -1, 0, 0, 1;
  const History history = model.fit(x, y, {.verbose = 0, .validation_data = ValidationData{x, y}});
  for (const std::string prefix : {"", "val_"}) {
    CHECK(history[prefix + "recall[0]"].back() == Approx(0.75));
    CHECK(history[prefix + "recall[1]"].back() == Approx(0.25));
    CHECK(history[prefix + "true_positives"].back() == Approx(1));
    CHECK(history[prefix + "true_positives_1"].back() == Approx(1));
  }
  CHECK(!history.contains("recall"));
}

TEST_CASE("a metric that lacks a field or does not fit the network says so before training") {
  Sequential model = steep();
  const Matrix x = Matrix::Ones(2, 1);
  model.compile({.loss = binary_crossentropy, .metrics = {MeanIoU{}}});
  CHECK_THROWS_AS(model.evaluate(x, x), ConfigError);
  model.compile({.loss = binary_crossentropy, .metrics = {Precision{.class_id = 1}}});
  CHECK_THROWS_AS(model.evaluate(x, x), ConfigError);
}
