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
  CHECK(sizes == std::vector<Index>{6, 6, 6});
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
