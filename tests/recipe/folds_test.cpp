// Cross-validation in a recipe.
#include "maas/recipe/folds.hpp"

#include <cmath>

#include "maas/forecast/cross_validate.hpp"
#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

std::string fold_problem(const std::vector<std::string>& changes) { return tests::problem_of(line, changes); }

void write_fold_waves(const std::string& path, int planted_from = 400) {
  std::string text = "time,north,south\n";
  for (int i = 0; i < 400; ++i)
    text += fmt::format("2024-01-{:02d} {:02d}:{:02d},{:.4f},{:.4f}\n", 1 + i / 288, i / 12 % 24, i % 12 * 5,
                        i < planted_from ? 50 + 10 * std::sin(0.3 * i) : 1e6, 20 + 4 * std::sin(0.2 * i));
  write_text(path, text);
}

Recipe fold_waves(const std::vector<std::string>& changes) {
  return parse_recipe(R"({
    "data": {"files": "fold_waves.csv"},
    "split": {"validation": 0.1, "test": 0.2},
    "forecast": {"time": "time", "windows": {"lags": 4, "horizons": [1, 3]}, "changes": true},
    "network": {"layers": [{"class": "dense", "units": 8, "activation": "relu"}], "embedding": 2},
    "training": {"optimizer": {"class": "adam", "learning_rate": 0.01}, "loss": "mse", "epochs": 4},
    "cross_validation": {"by": "rolling_origin", "n_splits": 3, "gap": 5}
  })",
                      "w.json", changes);
}

}  // namespace

TEST_CASE("the folds of a recipe have the scores that can be reckoned by hand") {
  write_text("six.csv", "x,y\n0,0\n0,1\n0,2\n0,3\n0,4\n0,5\n");
  const RecipeResult result =
      run_recipe(line({"data.files=six.csv", "split={}", "pipeline.steps=[]", "training.epochs=1",
                       R"(cross_validation={"n_splits": 2})", "output.report=six.html"}),
                 silent);
  REQUIRE(result.cross_validation);
  const CrossValidation& found = *result.cross_validation;
  REQUIRE(found.folds.size() == 2);
  CHECK(found.folds[1].training == 3);
  CHECK(found.folds[1].validation == 0);
  CHECK(found.folds[1].test == 3);
  // Learned from 3, 4, 5: their mean is 4, and is off 0, 1, 2 by 4, 3, 2. The other fold is its mirror.
  const FoldScores& mean = found.at("y", "mean");
  CHECK(mean.at("mae") == std::vector<double>{3, 3});
  CHECK(mean.mean("rmse") == Approx(std::sqrt(29.0 / 3)));
  CHECK(mean.sd("mae") == 0);
  CHECK_THROWS_WITH(found.at("y", "median"),
                    Catch::Matchers::ContainsSubstring("there are \"model\" of \"y\", \"mean\" of \"y\""));
  const std::string text = found.text();
  INFO(text);
  CHECK(text.starts_with("cross-validation: 2 folds\n"));
  CHECK(text.find("mean            3           0  3 3\n") != std::string::npos);
  CHECK(text_of("six.html").find("<h2>Cross-validation</h2>") != std::string::npos);
  CHECK(text_of("six.html").find("<th>mae</th><th>model</th>") != std::string::npos);
}

TEST_CASE("a cross-validation of a recipe has the figures of cross_validate, bit for bit") {
  write_line_csv("line.csv");
  const Recipe recipe = line({"split.validation=0", "training.epochs=20", "training.batch_size=8",
                              R"(cross_validation={"n_splits": 3, "shuffle": true, "seed": 4})"});
  const RecipeResult result = run_recipe(recipe, silent);
  const Table rows = read_csv("line.csv").part(0, 48);  // the others are the test
  const auto make = [&](const Pipeline&) {
    Model model(Network(Graph(std::vector<Layer>{InputLayer{Shape{1}}, recipe.network.layers.at(0)})), "sequential");
    model.initialize(0);
    model.compile(recipe.training.compile);
    return model;
  };
  const CrossValidateOptions options{.fit = {.epochs = 20, .batch_size = 8, .verbose = 0},
                                     .score = [](Model& model, const Table& test) {
                                       return evaluate_table(model, test).targets.at(0).answers.at(0).scores;
                                     }};
  const FoldScores expected = cross_validate(make, Pipeline(recipe.pipeline), rows,
                                             k_fold(48, {.n_splits = 3, .shuffle = true, .seed = 4}), options);
  CHECK(result.cross_validation->at("y", "model").folds() == expected.folds());
  // And the final training is what it is without folds.
  Recipe plain = recipe;
  plain.cross_validation.reset();
  CHECK(run_recipe(plain, silent).model.get_weights() == result.model.get_weights());
}

TEST_CASE("folds are parted by class, by group and by time; each gives its validation share away") {
  write_line_csv("line.csv");
  const auto rows_of = [](const std::string& folds, const std::vector<std::string>& more = {}) {
    std::vector<std::string> changes{"cross_validation=" + folds, "training.epochs=1", "pipeline.out_of_range=pass"};
    changes.insert(changes.end(), more.begin(), more.end());
    return run_recipe(line(changes), silent).cross_validation->folds;
  };
  // 48 rows are not for the test; a quarter of what a fold learns from is for validation, as 0.2 of 0.8 are.
  const auto classes = rows_of(R"({"by": "stratified", "column": "kind", "n_splits": 4})");
  REQUIRE(classes.size() == 4);
  CHECK(classes[0].training == 27);
  CHECK(classes[0].validation == 9);
  CHECK(classes[0].test == 12);
  const auto groups = rows_of(R"({"by": "group", "column": "kind", "n_splits": 2})", {"split.validation=0"});
  CHECK(groups[0].test == 28);  // "small" has 4 of 7 rows
  CHECK(groups[1].test == 20);
  const auto origins =
      rows_of(R"({"by": "rolling_origin", "n_splits": 2, "test_size": 10, "gap": 3, "max_train_size": 20})",
              {"split.validation=0"});
  CHECK(origins[0].training == 20);
  CHECK(origins[1].test == 10);
  // A named group is for validation, but in the fold that has it for the test.
  const auto named = rows_of(
      R"({"by": "group", "column": "x", "n_splits": 7})",
      {R"(split={"by": "group", "column": "x", "validation_groups": "4"})", R"(data.types={"x": "text"})",
       R"(pipeline.steps=[{"class": "ordinal", "columns": ["x"], "order": ["0", "1", "2", "3", "4", "5", "6"]}])"});
  Index without = 0;
  for (const FoldRows& each : named) {
    CHECK(each.training + each.validation + each.test == 60);
    CHECK((each.validation == 8 || each.validation == 0));
    without += each.validation == 0;
  }
  CHECK(without == 1);
}

TEST_CASE("folds of classes are judged beside the majority class") {
  write_line_csv("line.csv", 70);
  const RecipeResult result =
      run_recipe(line({"split={}", R"(pipeline={"steps": ["ordinal"], "features": ["x"], "targets": ["kind"]})",
                       R"(network.layers=[{"class": "dense", "units": 2, "activation": "softmax"}])",
                       "training.loss=sparse_categorical_crossentropy", "training.metrics=[]", "training.epochs=2",
                       R"(cross_validation={"by": "stratified", "column": "kind", "n_splits": 5})"}),
                 silent);
  const FoldScores& majority = result.cross_validation->at("kind", "majority class");
  for (double value : majority.at("accuracy")) CHECK(value == Approx(8.0 / 14));
  CHECK(majority.mean("balanced_accuracy") == 0.5);
}

TEST_CASE("folds of a forecast are learned from what lies before them, and judged beside the baselines") {
  write_fold_waves("fold_waves.csv");
  std::vector<std::size_t> told;
  RunOptions options = silent;
  options.fold_end = [&](const CrossValidation& found) { told.push_back(found.folds.size()); };
  const RecipeResult result = run_recipe(fold_waves({}), options);
  CHECK(told == std::vector<std::size_t>{1, 2, 3});
  const CrossValidation& found = *result.cross_validation;
  REQUIRE(found.folds.size() == 3);  // of 320 rows: tests of 80 rows
  CHECK(found.folds[0].training + found.folds[0].validation == 75);
  CHECK(found.folds[0].validation == 9);  // 0.1 of 0.8 of 75
  CHECK(found.folds[2].training + found.folds[2].validation == 235);
  CHECK(found.folds[2].test == 80);

  // The second fold by hand: persistence on windows whose targets all lie in the test.
  const Readings readings = readings_of(read_csv("fold_waves.csv"), "time");
  const Forecaster& forecaster = *result.forecaster;
  const Readings test = readings.part({160 - 4, 240, true});
  Persistence persistence;
  persistence.fit(forecaster.windows(readings.part({0, 155})));
  const Scores scores = score(persistence.forecast(forecaster.windows(test)), 3);
  CHECK(found.at("15 minutes", "persistence").at("mae").at(1) == scores.mae);
  CHECK(found.at("15 minutes", "network").at("mae").at(1) > 0);
  CHECK(found.at("5 minutes", "ridge VAR").names() == std::vector<std::string>{"mae", "rmse", "mape", "smape", "r2"});
}

TEST_CASE("folds of a recipe for forecasts have the figures of cross_validate, bit for bit") {
  write_fold_waves("fold_waves.csv");
  const Recipe recipe = fold_waves({"network.layers=[]", "forecast.weekends=true"});
  const CrossValidation found = *run_recipe(recipe, silent).cross_validation;
  const auto make = [&] { return Forecaster(recipe.forecast->options, ForecastNetwork{.hidden = {}, .embedding = 2}); };
  ForecastFoldOptions options{.weekends = true};
  options.fit.compile = recipe.training.compile;
  options.fit.fit = {.epochs = 4, .batch_size = recipe.training.batch_size, .verbose = 0};
  options.fit.validation_share = 0.1 / (1 - 0.2);
  const Table rows = read_csv("fold_waves.csv").part(0, 320);
  const ForecastFoldScores expected =
      cross_validate(make, rows, {.time = "time"}, rolling_origin(320, {.n_splits = 3, .gap = 5}), options);
  CHECK(found.answers.size() == expected.rows().size());
  for (const ForecastFoldScores::Row& row : expected.rows()) {
    CAPTURE(row.model, row.horizon);
    CHECK(found.at(fmt::format("{} minutes", 5 * row.horizon), row.model).folds() ==
          expected.figures(row.model, row.horizon).folds());
  }
}

TEST_CASE("what stands in the test rows changes no fold") {
  write_fold_waves("fold_waves.csv");
  const CrossValidation before = *run_recipe(fold_waves({"pipeline.out_of_range=pass"}), silent).cross_validation;
  write_fold_waves("fold_waves.csv", 320);
  const CrossValidation after = *run_recipe(fold_waves({"pipeline.out_of_range=pass"}), silent).cross_validation;
  CHECK(before.text() == after.text());
  CHECK(before.at("5 minutes", "network").folds() == after.at("5 minutes", "network").folds());
  // Nor does what comes after a fold's test change that fold.
  write_fold_waves("fold_waves.csv", 240);
  const CrossValidation planted = *run_recipe(fold_waves({"pipeline.out_of_range=pass"}), silent).cross_validation;
  CHECK(before.at("5 minutes", "network").at("mae").at(1) == planted.at("5 minutes", "network").at("mae").at(1));
  CHECK(before.at("5 minutes", "network").at("mae").at(2) != planted.at("5 minutes", "network").at("mae").at(2));
}

TEST_CASE("what is wrong with folds is said with the path of its key") {
  const std::pair<std::string, std::string> cases[] = {
      {"{\"n_splits\": 1}", "r.json: cross_validation.n_splits: expected a number of at least 2, got 1"},
      {"{\"by\": \"kfold\"}", "r.json: cross_validation.by: expected one of k_fold, stratified, group, rolling_origin"},
      {"{\"by\": \"kfold\"}", "the nearest is \"k_fold\""},
      {"{\"splits\": 3}", "the nearest is \"n_splits\""},
      {"{\"gap\": 3}", "r.json: cross_validation: expected \"by\": \"rolling_origin\" beside test_size"},
      {"{\"by\": \"rolling_origin\", \"shuffle\": true}", "r.json: cross_validation.shuffle: expected false"},
      {"{\"by\": \"rolling_origin\", \"test_size\": 0}", "r.json: cross_validation.test_size: expected a number of at"},
      {"{\"by\": \"group\"}", "r.json: cross_validation: expected a key \"column\", got none"},
      {"{\"column\": \"kind\"}", "beside a column"},
  };
  for (const auto& [folds, expected] : cases) {
    const std::string problem = fold_problem({"cross_validation=" + folds});
    INFO(folds << "\n" << problem);
    CHECK(problem.find(expected) != std::string::npos);
  }
  CHECK_THROWS_WITH(
      fold_waves({"cross_validation.by=k_fold", "cross_validation.gap=0"}),
      Catch::Matchers::StartsWith("w.json: cross_validation.by: expected \"rolling_origin\" for a forecast"));
  write_line_csv("line.csv");
  CHECK_THROWS_WITH(run_recipe(line({"cross_validation.n_splits=60"}), silent),
                    Catch::Matchers::StartsWith("r.json: cross_validation: "));
  CHECK_THROWS_WITH(run_recipe(line({R"(cross_validation={"by": "group", "column": "sort"})"}), silent),
                    "r.json: cross_validation.column: expected a column of the rows, got \"sort\"");
  CHECK_THROWS_WITH(
      run_recipe(line({"cross_validation={}", "pipeline.steps=[]", "training.optimizer.learning_rate=1e200"}), silent),
      Catch::Matchers::ContainsSubstring("cross_validation: fold 0 (counted from 0): the loss is no number"));
}
