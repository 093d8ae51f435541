#include "maas/model/cross_validate.hpp"

#include <cmath>

#include "maas/layers/layers.hpp"
#include "maas/model/sequential.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// A model that learns the mean of its targets: one bias, which a large step of plain gradient descent sets at once.
Model mean_model(Index features = 1) {
  Sequential model{input(features), Dense{.units = 1, .kernel_initializer = Zeros{}}};
  model.compile({.optimizer = GradientDescent{.learning_rate = 0.5}, .loss = MeanSquaredError{}});
  return model;
}

Table road(double last) {
  Column flow{.name = "flow"}, kind{.name = "kind", .type = ColumnType::text};
  for (int i = 0; i < 24; ++i) {
    flow.numbers.push_back(i == 23 ? last : i % 4);
    kind.texts.push_back(i % 2 == 0 ? "bus" : "car");
  }
  Table table;
  table.add(std::move(flow));
  table.add(std::move(kind));
  return table;
}

}  // namespace

TEST_CASE("each fold has a fresh model, and is judged by its own test rows") {
  // Inputs are 0, so that the bias alone learns: in one step of 0.5 it becomes the mean of the training targets, since
  // the gradient of the squared error at 0 is -2 * mean.
  const Matrix x = Matrix::Zero(6, 1);
  Matrix y(6, 1);
  y << 1, 2, 3, 4, 5, 9;
  const std::vector<Fold> folds = k_fold(6, {.n_splits = 3});
  int made = 0;
  const FoldScores scores = cross_validate(
      [&] {
        ++made;
        return mean_model();
      },
      x, y, folds, {.fit = {.batch_size = 6, .verbose = 0}});
  CHECK(made == 3);
  REQUIRE(scores.folds().size() == 3);
  // Means of the training targets: 5.25, 4.25, 2.5. Errors of the test rows: (4.25^2 + 3.25^2) / 2 and so on.
  const std::vector<double> expected{(18.0625 + 10.5625) / 2, (1.5625 + 0.0625) / 2, (6.25 + 42.25) / 2};
  for (std::size_t i = 0; i < 3; ++i) CHECK(scores.at("loss")[i] == Approx(expected[i]).epsilon(1e-5));
  const double mean = (expected[0] + expected[1] + expected[2]) / 3;
  CHECK(scores.mean("loss") == Approx(mean).epsilon(1e-5));
  double squares = 0;
  for (double value : expected) squares += (value - mean) * (value - mean);
  CHECK(scores.sd("loss") == Approx(std::sqrt(squares / 2)).epsilon(1e-5));
  CHECK(scores.names() == std::vector<std::string>{"loss"});
  CHECK_THAT(scores.text(), Catch::Matchers::ContainsSubstring("loss") && Catch::Matchers::ContainsSubstring("13.1") &&
                                Catch::Matchers::ContainsSubstring("24.25"));
  CHECK_THROWS_WITH(scores.at("mae"), Catch::Matchers::ContainsSubstring("there are loss"));
  CHECK(std::isnan(FoldScores({{{"loss", 1}}}).sd("loss")));
}

TEST_CASE("sample weights go with their rows") {
  const Matrix x = Matrix::Zero(4, 1);
  Matrix y(4, 1);
  y << 1, 2, 30, 40;
  Vector weights(4);
  weights << 0, 0, 1, 1;
  const std::vector<Fold> folds{{.train = {.rows = {0, 2}}, .test = {.rows = {1, 3}}}};
  const auto make = [] { return mean_model(); };
  const FoldScores scores = cross_validate(make, x, y, folds, {.fit = {.verbose = 0, .sample_weight = weights}});
  // The weighted mean error is divided by the number of samples: the bias becomes 15.
  CHECK(scores.mean("loss") == Approx((13.0 * 13 + 25.0 * 25) / 2).epsilon(1e-5));
  CHECK_THROWS_AS(cross_validate(make, x, y, folds, {.fit = {.sample_weight = Vector(3)}}), ShapeError);
}

TEST_CASE("a pipeline learns from the training rows of each fold alone") {
  const Pipeline pipeline({.steps = {Standard{.columns = {"flow"}}, OneHot{.columns = {"kind"}}}, .targets = {"flow"}});
  const std::vector<Fold> folds = rolling_origin(24, {.n_splits = 3});
  const auto learned = [&](double last) {
    std::vector<Pipeline> fitted;
    cross_validate(
        [&](const Pipeline& of_fold) {
          fitted.push_back(of_fold);
          return mean_model(static_cast<Index>(of_fold.feature_names().size()));
        },
        pipeline, road(last), folds);
    return fitted;
  };
  const std::vector<Pipeline> plain = learned(3), planted = learned(1e6);
  REQUIRE(plain.size() == 3);
  CHECK(plain == planted);                              // the last row is always in a test
  CHECK_FALSE(plain[0].config() == plain[2].config());  // and each fold learns by itself
  CHECK(plain[0] == Pipeline(pipeline).fit(road(3).part(0, 6)));

  // A score in the units of the table.
  std::vector<Index> sizes;
  const FoldScores scores = cross_validate(
      [](const Pipeline& of_fold) { return mean_model(static_cast<Index>(of_fold.feature_names().size())); }, pipeline,
      road(3), folds, {.score = [&](Model& model, const Table& test) {
        sizes.push_back(test.rows());
        CHECK(test.is_held_out());
        const Matrix y = model.predict(test);
        return Logs{{"mean", static_cast<double>(y.mean())}};
      }});
  CHECK(sizes == std::vector<Index>(6, 6));  // of the model, and of the constant answer
  CHECK(scores.mean("mean") > 0.5);
  CHECK(scores.mean("mean") < 2.5);
}

TEST_CASE("cross-validation refuses what would leak or makes no sense") {
  const Matrix x = Matrix::Zero(6, 1), y = Matrix::Ones(6, 1);
  const auto make = [] { return mean_model(); };
  const auto run = [&](const Fold& fold) { cross_validate(make, x, y, std::vector<Fold>{fold}); };
  CHECK_THROWS_WITH(run({.train = {.rows = {3, 0, 1}}, .test = {.rows = {2, 3}}}),
                    "cross_validate: expected rows that train or test in fold 0, got row 3 in both");
  CHECK_THROWS_AS(run({.train = {.rows = {0}}, .test = {.rows = {6}}}), DataError);
  CHECK_THROWS_AS(run({.train = {.rows = {-1}}, .test = {.rows = {0}}}), DataError);
  CHECK_THROWS_AS(run({.train = {.rows = {0}}, .test = {}}), DataError);
  CHECK_THROWS_AS(cross_validate(make, x, y, std::vector<Fold>{}), DataError);
  CHECK_THROWS_AS(cross_validate(make, x, Matrix::Ones(5, 1), k_fold(6)), DataError);
  const Pipeline pipeline({.steps = {Drop{{"kind"}}, Lag{.columns = {"flow"}, .lags = {1}}}, .targets = {"flow"}});
  Pipeline knows = pipeline;
  knows.fit(road(0));
  const auto for_pipeline = [](const Pipeline&) { return mean_model(); };
  CHECK_THROWS_AS(cross_validate(for_pipeline, knows, road(0), k_fold(24)), StateError);
  CHECK_THROWS_AS(cross_validate(for_pipeline, pipeline, road(0), k_fold(25)), DataError);
}

// ---- What needs no model ----

TEST_CASE("each fold has the figures of the mean of its training targets beside it") {
  const Matrix x = Matrix::Zero(6, 1);
  Matrix y(6, 1);
  y << 1, 2, 3, 4, 5, 9;
  const auto make = [] {
    Model model = mean_model();
    model.compile({.optimizer = GradientDescent{.learning_rate = 0.1},
                   .loss = MeanSquaredError{},
                   .metrics = {MeanAbsoluteError{}}});
    return model;
  };
  const FoldScores scores = cross_validate(make, x, y, k_fold(6, {.n_splits = 3}), {.fit = {.verbose = 0}});
  REQUIRE(scores.baselines().size() == 3);
  // Means 5.25, 4.25 and 2.5, held against 1 and 2, 3 and 4, 5 and 9.
  const FoldScores constant(scores.baselines());
  const std::vector<double> losses{(18.0625 + 10.5625) / 2, (1.5625 + 0.0625) / 2, (6.25 + 42.25) / 2};
  const std::vector<double> errors{3.75, 0.75, 4.5};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(constant.at("loss")[i] == Approx(losses[i]).epsilon(1e-6));
    CHECK(constant.at("mean_absolute_error")[i] == Approx(errors[i]).epsilon(1e-6));
  }
  CHECK(constant.names() == scores.names());
  const std::string text = scores.text();
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("\n  constant") &&
                       Catch::Matchers::ContainsSubstring(" 3.75 0.75 4.5\n"));
  CHECK(FoldScores({{{"loss", 1}}}).text().find("constant") == std::string::npos);
  CHECK(FoldScores({{{"loss", 1}}}).baselines().empty());

  // A missing target does not count: the mean of 3, 5 and 9 for the first fold.
  y(3, 0) = std::numeric_limits<Scalar>::quiet_NaN();
  const std::vector<Fold> fold{{.train = {.rows = {2, 3, 4, 5}}, .test = {.rows = {0, 1}}}};
  const auto masked_model = [] {
    Model model = mean_model();
    model.compile({.loss = masked(MeanSquaredError{})});
    return model;
  };
  const double mean = 17.0 / 3;
  CHECK(*find_log(cross_validate(masked_model, x, y, fold, {.fit = {.verbose = 0}}).baselines()[0], "loss") ==
        Approx(((mean - 1) * (mean - 1) + (mean - 2) * (mean - 2)) / 2).epsilon(1e-6));
}

TEST_CASE("classifiers have the frequencies of the training classes beside them") {
  const Matrix x = Matrix::Zero(10, 1);
  Matrix y(10, 1), one_hot = Matrix::Zero(10, 3);
  y << 0, 0, 0, 0, 1, 1, 2, 2, 0, 1;
  for (Index row = 0; row < 10; ++row) one_hot(row, static_cast<Index>(y(row, 0))) = 1;
  // 4, 2 and 2 of 8; the test rows are of class 0 and 1.
  const std::vector<Fold> fold{{.train = {.rows = {0, 1, 2, 3, 4, 5, 6, 7}}, .test = {.rows = {8, 9}}}};
  const double expected = -(std::log(0.5) + std::log(0.25)) / 2;
  const auto loss_of = [&](const Loss& loss, MatrixArg targets, Activation last, std::vector<Metric> metrics) {
    const auto make = [&] {
      Sequential model{input(1), dense(targets.cols() == 1 ? 3 : targets.cols(), last)};
      model.compile({.loss = loss, .metrics = metrics});
      return Model(model);
    };
    return cross_validate(make, x, targets, fold, {.fit = {.verbose = 0}}).baselines().at(0);
  };
  const Logs sparse = loss_of(SparseCategoricalCrossentropy{}, y, softmax, {SparseCategoricalAccuracy{}});
  CHECK(*find_log(sparse, "loss") == Approx(expected).epsilon(1e-5));
  CHECK(*find_log(sparse, "sparse_categorical_accuracy") == Approx(0.5));
  CHECK(*find_log(loss_of(CategoricalCrossentropy{}, one_hot, softmax, {}), "loss") == Approx(expected).epsilon(1e-5));
  CHECK(*find_log(loss_of(SparseCategoricalCrossentropy{.from_logits = true}, y, linear, {}), "loss") ==
        Approx(expected).epsilon(1e-5));
  CHECK(*find_log(loss_of(CategoricalCrossentropy{.from_logits = true}, one_hot, linear, {}), "loss") ==
        Approx(expected).epsilon(1e-5));
  // Three bits at once: shares 0.5, 0.25 and 0.25; the first test row is 100, the second 010.
  const double bits = -(std::log(0.5) + 2 * std::log(0.75) + std::log(0.5) + std::log(0.25) + std::log(0.75)) / 6;
  CHECK(*find_log(loss_of(BinaryCrossentropy{}, one_hot, sigmoid, {}), "loss") == Approx(bits).epsilon(1e-5));
  CHECK(*find_log(loss_of(BinaryCrossentropy{.from_logits = true}, one_hot, linear, {}), "loss") ==
        Approx(bits).epsilon(1e-5));
}

TEST_CASE("of a table the constant answer is judged by the same score, or by one that is given") {
  const Pipeline pipeline({.steps = {Standard{.columns = {"flow"}}, OneHot{.columns = {"kind"}}}, .targets = {"flow"}});
  const std::vector<Fold> folds = rolling_origin(24, {.n_splits = 3});
  const auto make = [](const Pipeline& of_fold) {
    return mean_model(static_cast<Index>(of_fold.feature_names().size()));
  };
  const auto mean_of = [](const Table& table) {
    double sum = 0;
    for (double number : table.numbers("flow")) sum += number;
    return sum / static_cast<double>(table.rows());
  };
  // In the units of the table the constant answer is the mean of the training rows.
  CrossValidateOptions options{.score = [](Model& model, const Table& test) {
    return Logs{{"first", static_cast<double>(model.predict(test)(0, 0))}};
  }};
  const FoldScores scores = cross_validate(make, pipeline, road(3), folds, options);
  REQUIRE(scores.baselines().size() == 3);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(*find_log(scores.baselines()[i], "first") == Approx(mean_of(folds[i].train.of(road(3)))).epsilon(1e-5));
  // Without a score the compiled loss: that of standardized targets about their own mean.
  const FoldScores compiled = cross_validate(make, pipeline, road(3), folds);
  for (std::size_t i = 0; i < 3; ++i) {
    Pipeline learned = pipeline;
    learned.fit(folds[i].train.of(road(3)));
    const Matrix y = learned.samples(folds[i].test.of(road(3))).y;
    CHECK(*find_log(compiled.baselines()[i], "loss") ==
          Approx(static_cast<double>(y.squaredNorm() / y.size())).margin(1e-5));
  }
  options.baseline = [&](const Table& training, const Table& test) {
    CHECK_FALSE(training.is_held_out());
    CHECK(test.is_held_out());
    return Logs{{"first", mean_of(training) + 100}};
  };
  const FoldScores given = cross_validate(make, pipeline, road(3), folds, options);
  CHECK(*find_log(given.baselines()[0], "first") == mean_of(folds[0].train.of(road(3))) + 100);
  Table told = road(3);  // folds of all rows of a table that knows its test
  split_by_time(told, 0, 0.25);
  CHECK_NOTHROW(cross_validate(make, pipeline, told, folds, options));  // all of them learn from rows before it
  CHECK_THROWS_WITH(cross_validate(make, pipeline, told, k_fold(told.rows()), options),
                    Catch::Matchers::ContainsSubstring("are held out for validation or test, the first of them row "));
  CHECK_THROWS_AS(
      cross_validate([] { return mean_model(); }, Matrix::Zero(5, 1), Matrix::Zero(5, 1), k_fold(5), options),
      ConfigError);
}
