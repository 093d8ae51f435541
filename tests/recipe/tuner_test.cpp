// The tuner of a recipe.
#include <cmath>
#include <filesystem>
#include <set>

#include "maas/recipe/tuning.hpp"
#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

const std::string space = R"(tuner.space={"training.optimizer.learning_rate": {"low": 1e-4, "high": 0.3, "log": true},
                                          "network.layers[0].units": [2, 4, 8]})";

Recipe tuned_line(const std::vector<std::string>& changes = {}) {
  std::vector<std::string> all{R"(network.layers=[{"class": "dense", "units": 4, "activation": "relu"},
                                                  {"class": "dense", "units": 1}])",
                               "training.epochs=5", "training.batch_size=8", "tuner.trials=6", space};
  all.insert(all.end(), changes.begin(), changes.end());
  return parse_recipe(line_recipe, "r.json", all);
}

std::string tuned_problem(const std::vector<std::string>& changes) { return tests::problem_of(tuned_line, changes); }

std::vector<double> scores_of(const Tuning& tuning) {
  std::vector<double> scores;
  for (const TrialResult& each : tuning.report.results()) scores.push_back(each.score);
  return scores;
}

}  // namespace

TEST_CASE("the tuner of a recipe finds what random_search finds, bit for bit, and trains with it") {
  write_line_csv("line.csv");
  const Recipe recipe = tuned_line({"tuner.seed=3", "output.report=tuned.html"});
  const RecipeResult result = run_recipe(recipe, silent);
  REQUIRE(result.tuning);
  CHECK(result.tuning->objective == "mae");

  const Table rows = read_csv("line.csv");
  const TimeSplit split = split_by_time(rows.rows(), 0.2, 0.2);
  const Table training = split.train.of(rows), validation = split.validation.of(rows);
  Pipeline pipeline(recipe.pipeline);
  pipeline.fit(training);
  const PreparedSamples samples = pipeline.samples(training), held_out = pipeline.samples(validation);
  const SearchSpace expected_space = SearchSpace().log_uniform("rate", 1e-4, 0.3).values("units", {2, 4, 8});
  const auto fitted = [&](const Trial& trial) {
    Model model(Network(Graph(
        std::vector<Layer>{InputLayer{Shape{1}}, dense(static_cast<Index>(trial.real("units")), relu), dense(1)})));
    model.initialize(0);
    model.compile({.optimizer = Adam{.learning_rate = trial.real("rate")}, .loss = mean_squared_error});
    model.info().pipeline = pipeline;
    model.fit(samples.x, samples.y,
              {.epochs = 5,
               .batch_size = 8,
               .verbose = 0,
               .validation_data = ValidationData{.x = held_out.x, .y = held_out.y}});
    return model;
  };
  const TunerReport expected =
      random_search(expected_space,
                    [&](const Trial& trial) {
                      return evaluate_table(fitted(trial), validation).targets[0].answers[0].scores[0].second;
                    },
                    {.trials = 6, .seed = 3});
  std::vector<double> scores;
  for (const TrialResult& each : expected.results()) scores.push_back(each.score);
  CHECK(scores_of(*result.tuning) == scores);
  CHECK(result.tuning->report.best().trial.number() == expected.best().trial.number());
  CHECK(result.model.get_weights() == fitted(expected.best().trial).get_weights());
  CHECK(result.evaluations.at(0).targets[0].answers[0].scores[0].second == expected.best().score);
  CHECK(text_of("tuned.html").find("<h2>Search for settings</h2>") != std::string::npos);
  CHECK(text_of("tuned.html").find("network.layers[0].units") != std::string::npos);
  CHECK(result.tuning->text().find("best: trial " + std::to_string(expected.best().trial.number())) !=
        std::string::npos);
}

TEST_CASE("no number of threads changes what a tuner finds; trials are told of one by one, and write nothing") {
  write_line_csv("line.csv");
  const std::string callbacks =
      R"(training.callbacks=[{"class": "csv_logger", "filename": "trials.log"}, "early_stopping"])";
  const std::vector<double> alone = scores_of(*run_recipe(tuned_line({"tuner.threads=1", callbacks}), silent).tuning);
  std::filesystem::remove("trials.log");
  std::vector<Index> told;
  bool wrote = false;
  RunOptions options = silent;
  options.trial_end = [&](const TrialResult& each) {
    told.push_back(each.trial.number());
    wrote = wrote || std::filesystem::exists("trials.log");
  };
  const RecipeResult beside = run_recipe(tuned_line({"tuner.threads=4", callbacks}), options);
  CHECK(scores_of(*beside.tuning) == alone);
  std::sort(told.begin(), told.end());
  CHECK(told == std::vector<Index>{0, 1, 2, 3, 4, 5});
  CHECK_FALSE(wrote);
  CHECK(std::filesystem::exists("trials.log"));  // of the final training
}

TEST_CASE("successive halving spends epochs, and the final training has those of the recipe") {
  write_line_csv("line.csv");
  const RecipeResult result = run_recipe(
      tuned_line({"tuner.method=successive_halving", "tuner.trials=9", "training.epochs=9", "tuner.objective=rmse"}),
      silent);
  std::vector<Index> resources;
  for (const TrialResult& each : result.tuning->report.results()) resources.push_back(each.trial.resource());
  CHECK(resources == std::vector<Index>{1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 9});
  CHECK(result.history.epochs().size() == 9);
  CHECK(result.evaluations.at(0).targets[0].answers[0].scores[1].second == result.tuning->report.best().score);
}

TEST_CASE("no setting of short lists is tried twice in a recipe") {
  write_line_csv("line.csv");
  for (const std::string method : {"random_search", "successive_halving"}) {
    CAPTURE(method);
    const std::vector<std::string> changes{
        "tuner.method=" + method, "tuner.trials=9", "training.epochs=3",
        R"(tuner.space={"training.optimizer": ["adam", "rmsprop"], "network.layers[0].units": [2, 4]})"};
    const RecipeResult result = run_recipe(tuned_line(changes), silent);
    std::set<std::vector<std::pair<std::string, TrialValue>>> tried;
    Index first_round = 0;
    for (const TrialResult& each : result.tuning->report.results())
      if (each.trial.resource() <= 1) tried.insert(each.trial.values()), ++first_round;
    CHECK(first_round == 4);
    CHECK(tried.size() == 4);
    CHECK(scores_of(*run_recipe(tuned_line(changes), silent).tuning) == scores_of(*result.tuning));
  }
}

TEST_CASE("trials stand beside the baselines of the same rows, learned of the training rows") {
  write_line_csv("line.csv");
  const RecipeResult result = run_recipe(tuned_line({"output.report=baselines.html"}), silent);
  // Of 60 rows 36 are learned from and 12 are judged on; the mean by hand.
  double mean = 0, error = 0;
  for (int i = 0; i < 36; ++i) mean += (2 * (i % 7) + 1) / 36.0;
  for (int i = 36; i < 48; ++i) error += std::abs(2 * (i % 7) + 1 - mean) / 12;
  REQUIRE(result.tuning->baselines.size() == 1);
  CHECK(result.tuning->baselines[0].first == "mean");
  CHECK(result.tuning->baselines[0].second == Approx(error));
  const std::vector<AnswerScores>& answers = result.evaluations.at(0).targets[0].answers;  // of the validation rows
  CHECK(result.tuning->baselines[0].second == answers.at(1).scores[0].second);
  const std::string line = fmt::format("{:>12.6g}  baseline: mean\n", error);
  CHECK(result.tuning->text().find(line) != std::string::npos);
  CHECK(result.tuning->text().find(line) < result.tuning->text().find("best: trial"));
  CHECK(text_of("baselines.html").find(fmt::format("<tr><th>baseline: mean</th><td>{:.6g}</td>", error)) !=
        std::string::npos);

  // By the loss: that of one answer for all rows, in what the network is trained on.
  const RecipeResult by_loss = run_recipe(
      tuned_line({"tuner.objective=loss", "tuner.method=successive_halving", "output.report=loss.html"}), silent);
  double squares = 0;
  for (int i = 36; i < 48; ++i) squares += std::pow(2 * (i % 7) + 1 - mean, 2) / 12;
  REQUIRE(by_loss.tuning->baselines.size() == 1);
  CHECK(by_loss.tuning->baselines[0].first == "constant");
  CHECK(by_loss.tuning->baselines[0].second == Approx(squares).epsilon(1e-5));
  CHECK(text_of("loss.html").find("<tr><th>baseline: constant</th><td></td><td>") != std::string::npos);

  // Times that the features need are one more; of several targets each is the mean.
  const RecipeResult several =
      run_recipe(tuned_line({R"(pipeline={"steps": ["time_features"], "features": ["time"], "targets": ["x", "y"]})",
                             R"(network.layers=[{"class": "dense", "units": 4}, {"class": "dense", "units": 2}])"}),
                 silent);
  REQUIRE(several.tuning->baselines.size() == 2);
  CHECK(several.tuning->baselines[1].first == "mean at that hour of the week");
  const auto& targets = several.evaluations.at(0).targets;
  CHECK(several.tuning->baselines[0].second ==
        Approx((targets[0].answers[1].scores[0].second + targets[1].answers[1].scores[0].second) / 2));
}

TEST_CASE("any key of pipeline, network and training may be tuned: parts by name, lists and whole objects") {
  write_line_csv("line.csv");
  const Recipe recipe =
      tuned_line({R"(tuner.space={"training.optimizer": ["sgd", {"class": "adam", "learning_rate": 0.01}],
      "pipeline.steps[0].class": ["standard", "min_max"], "training.batch_size": {"low": 4, "high": 16, "integer": true},
      "network.layers[0].activation": ["relu", "tanh"], "training.shuffle": [true, false]})"});
  Recipe changed = recipe;
  changed.training.backup = "kept";  // what is tuned is read anew as a section
  recipe.tuner->apply(changed, Trial(0, 0,
                                     {{"training.optimizer", R"({"class": "adam", "learning_rate": 0.01})"},
                                      {"pipeline.steps[0].class", "min_max"},
                                      {"training.batch_size", Index{7}},
                                      {"network.layers[0].activation", "tanh"},
                                      {"training.shuffle", "false"}}));
  CHECK(changed.training.compile.optimizer.class_name() == "Adam");
  CHECK(changed.training.compile.optimizer.learning_rate().at(0) == 0.01);
  CHECK(changed.pipeline.steps.at(0).class_name() == "MinMax");
  CHECK(changed.training.batch_size == 7);
  CHECK_FALSE(changed.training.shuffle);
  CHECK(changed.network.layers.at(0).as<Dense>()->activation.class_name() == "tanh");
  CHECK(run_recipe(recipe, silent).tuning->report.results().size() == 6);
}

TEST_CASE("classes are judged by accuracy unless told otherwise; trials that fail are noted") {
  write_line_csv("line.csv", 70);
  const std::vector<std::string> classes{
      R"(pipeline={"steps": ["ordinal"], "features": ["x"], "targets": ["kind"]})",
      R"(network.layers=[{"class": "dense", "units": 4, "activation": "relu"}, {"class": "dense", "units": 2, "activation": "softmax"}])",
      "training.loss=sparse_categorical_crossentropy", "training.metrics=[]",
      // An output for two classes with any other width does not fit.
      R"(tuner.space={"network.layers[1].units": [2, 3], "training.optimizer.learning_rate": [0.01, 0.02, 0.03]})"};
  const RecipeResult result = run_recipe(tuned_line(classes), silent);
  CHECK(result.tuning->objective == "accuracy");
  REQUIRE(result.tuning->baselines.size() == 1);
  CHECK(result.tuning->baselines[0].first == "majority class");
  CHECK(result.tuning->baselines[0].second == result.evaluations.at(0).targets[0].answers.at(1).scores[0].second);
  bool failed = false;
  for (const TrialResult& each : result.tuning->report.results())
    if (each.trial.real("network.layers[1].units") == 3) {
      failed = true;
      CHECK(each.error.find("r.json: network: expected an output") != std::string::npos);
      CHECK(std::isnan(each.score));
    } else {
      CHECK(each.error.empty());
      CHECK(each.score <= result.tuning->report.best().score);
    }
  CHECK(failed);
  std::vector<std::string> wrong = classes;
  wrong.emplace_back(R"(tuner.space={"network.layers[1].units": [3]})");
  CHECK_THROWS_WITH(run_recipe(tuned_line(wrong), silent),
                    Catch::Matchers::StartsWith("r.json: tuner: TunerReport: all trials failed"));
  wrong.back() = "tuner.objective=mae";
  CHECK_THROWS_WITH(run_recipe(tuned_line(wrong), silent),
                    Catch::Matchers::ContainsSubstring("\"mae\" of the target \"kind\", which is one of classes"));
}

TEST_CASE("what stands in the test rows changes neither what is learned nor what a tuner chooses") {
  write_line_csv("line.csv");
  const std::vector<std::string> passing{"pipeline.out_of_range=pass"};
  const RecipeResult before = run_recipe(tuned_line(passing), silent);
  std::string text = text_of("line.csv");
  std::size_t line_begin = 0;
  for (int i = 0; i < 49; ++i) line_begin = text.find('\n', line_begin) + 1;  // 48 rows, the others are the test
  std::string planted = text.substr(0, line_begin);
  for (int i = 48; i < 60; ++i) planted += fmt::format("2024-01-03 {:02d}:00,1e6,big,-1e6\n", i % 24);
  write_text("line.csv", planted);
  const RecipeResult after = run_recipe(tuned_line(passing), silent);
  CHECK(after.rows.test == 12);
  CHECK(scores_of(*before.tuning) == scores_of(*after.tuning));
  CHECK(before.model.get_weights() == after.model.get_weights());
  CHECK(*before.model.info().pipeline == *after.model.info().pipeline);
  CHECK(before.evaluations.at(1).targets[0].answers[0].scores != after.evaluations.at(1).targets[0].answers[0].scores);
}

TEST_CASE("forecasts are tuned on the readings that are held back, whatever comes in the test") {
  const auto write_waves = [](double test_value) {
    std::string text = "north,south\n";
    for (int i = 0; i < 300; ++i)
      text += fmt::format("{:.4f},{:.4f}\n", i < 240 ? 50 + 10 * std::sin(0.3 * i) : test_value,
                          20 + 4 * std::sin(0.2 * i));
    write_text("tuned_waves.csv", text);
  };
  const Recipe recipe = parse_recipe(R"({
    "data": {"files": "tuned_waves.csv"},
    "split": {"validation": 0.2, "test": 0.2},
    "pipeline": {"out_of_range": "pass"},
    "forecast": {"windows": {"lags": 4, "horizons": [1, 3]}, "changes": true},
    "network": {"layers": [{"class": "dense", "units": 8, "activation": "relu"}], "embedding": 2},
    "training": {"optimizer": {"class": "adam", "learning_rate": 0.01}, "loss": "mse", "epochs": 3},
    "tuner": {"trials": 4, "space": {"forecast.windows.lags": {"low": 2, "high": 8, "integer": true},
                                     "network.layers[0].units": [4, 16]}}
  })",
                                     "w.json");
  write_waves(50);
  const RecipeResult result = run_recipe(recipe, silent);
  const Trial& best = result.tuning->report.best().trial;
  CHECK(result.forecaster->options().windows.lags == best.integer("forecast.windows.lags"));
  // The score again: the mean absolute error over all steps of the windows whose targets were held back.
  const Readings readings = readings_of(read_csv("tuned_waves.csv")).part({0, 240});
  const Forecasts forecasts = result.forecaster->forecast(result.forecaster->windows(readings).targets_from(180));
  CHECK(score(forecasts, 3, {.averaging = Averaging::up_to_horizon}).mae == result.tuning->report.best().score);
  // And its baselines, which learn from the windows before.
  const ForecastWindows learned = result.forecaster->windows(readings).targets_before(180);
  Logs expected;
  for (const Baseline& each : fit_baselines(learned))
    expected.emplace_back(each.name(), score(each.forecast(result.forecaster->windows(readings).targets_from(180)), 3,
                                             {.averaging = Averaging::up_to_horizon})
                                           .mae);
  CHECK(expected.size() == 3);
  CHECK(result.tuning->baselines == expected);
  CHECK(result.tuning->text().find("  baseline: persistence\n") != std::string::npos);
  write_waves(1e6);
  CHECK(scores_of(*run_recipe(recipe, silent).tuning) == scores_of(*result.tuning));
  CHECK(run_recipe(recipe, silent).tuning->baselines == result.tuning->baselines);
}

TEST_CASE("what columns hold, and a column of the files' names, may be tuned: trials read the rows so") {
  write_line_csv("line.csv");
  const std::string types = R"(tuner.space={"data.types.x": ["number", "text"]})",
                    steps = "pipeline.steps=[\"one_hot\"]";
  const RecipeResult result = run_recipe(tuned_line({types, steps, "training.epochs=40"}), silent);
  REQUIRE(result.tuning->report.results().size() == 2);
  for (const TrialResult& each : result.tuning->report.results()) {
    CAPTURE(each.trial.text("data.types.x"));
    Recipe plain = tuned_line({steps, "training.epochs=40", "data.types.x=" + each.trial.text("data.types.x")});
    plain.tuner.reset();
    const RecipeResult alone = run_recipe(plain, silent);
    CHECK(each.score == alone.evaluations.at(0).targets[0].answers[0].scores[0].second);
    if (&each == &result.tuning->report.best()) {
      CHECK(result.model.get_weights() == alone.model.get_weights());
      CHECK(*result.model.info().pipeline == *alone.model.info().pipeline);
      CHECK(result.evaluations.at(1).targets[0].answers[0].scores ==
            alone.evaluations.at(1).targets[0].answers[0].scores);
    }
  }
  // A column of each number; 2 x + 1 is one number of it.
  CHECK(result.tuning->report.results()[0].score != result.tuning->report.results()[1].score);

  write_line_csv("line2.csv");
  const RecipeResult files = run_recipe(
      tuned_line({R"(data.files=["line.csv", "line2.csv"])", R"(split={"by": "random", "validation": 0.2})",
                  R"(pipeline={"steps": [{"class": "one_hot", "columns": ["file"]}], "features": ["x", "file"],
                               "targets": ["y"]})",
                  R"(tuner.space={"data.file_column": ["", "file"]})"}),
      silent);
  for (const TrialResult& each : files.tuning->report.results())
    CHECK(each.error.empty() == (each.trial.text("data.file_column") == "file"));
  CHECK(files.model.info().pipeline->feature_names() == std::vector<std::string>{"x", "file_line", "file_line2"});
}

TEST_CASE("a tuner of forecasts leaves what is judged, and by what, as it is") {
  const std::pair<std::string, std::string> cases[] = {
      {"forecast.sensors", "makes the readings that forecasts are judged by"},
      {"forecast.series", "makes the readings that forecasts are judged by"},
      {"forecast.windows.horizons", "says what is forecast"},
      {"forecast.scores.averaging", "; forecast.scores says how forecasts are judged"},
      {"pipeline.targets", "; pipeline.targets says what is predicted"},
      {"data.file_column", "; data makes the readings that forecasts are judged by"},
  };
  for (const auto& [path, expected] : cases) {
    const auto recipe = [](const std::vector<std::string>& changes) {
      return parse_recipe(R"({"data": {"files": "w.csv"}, "split": {"validation": 0.2},
                              "forecast": {"windows": {"lags": 4, "horizons": [1, 3]}},
                              "training": {"loss": "mse"}})",
                          "w.json", changes);
    };
    const std::string problem = tests::problem_of(recipe, {R"(tuner={"space": {")" + path + R"(": ["x"]}})"});
    INFO(path << "\n" << problem);
    CHECK(problem.find("w.json: tuner.space." + path + ": expected a key that leaves what is judged as it is; ") == 0);
    CHECK(problem.find(expected) != std::string::npos);
  }
}

TEST_CASE("what is wrong with a tuner is said with the path of its key") {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"tuner.space={}"}, "r.json: tuner.space: expected paths of keys"},
      {{R"(tuner.space={"training.epochz": [1]})"},
       "r.json: tuner.space.training.epochz: 1 does not fit: r.json: training"},
      {{R"(tuner.space={"training.epochz": [1]})"}, "the nearest is \"epochs\""},
      {{R"(tuner.space={"network.layers[5].units": [1]})"}, "network.layers[5].units: there is no place [5]"},
      {{R"(tuner.space={"network.layers[0].units": [4, "x"]})"},
       "r.json: tuner.space.network.layers[0].units: \"x\" does not fit: r.json: network.layers[0].units: expected a "
       "whole"},
      {{R"(tuner.space={"network.layers[0].units": {"low": 4, "high": 16}})"},
       " does not fit: r.json: network.layers[0].units: expected a whole number"},
      {{R"(tuner.space={"trainings.epochs": [1]})"},
       "r.json: tuner.space.trainings.epochs: expected keys in of data, pipeline, forecast, network, training"},
      {{R"(tuner.space={"split.validation": [0.1]})"},
       "r.json: tuner.space.split.validation: expected a key that leaves what is judged as it is; split decides which "
       "rows trials are judged on"},
      {{R"(tuner.space={"split": [{"validation": 0.1}]})"}, "; split decides which rows"},
      {{R"(tuner.space={"pipeline.targets": ["x"]})"}, "; pipeline.targets says what is predicted"},
      {{R"(tuner.space={"pipeline": [{"targets": "x"}]})"}, "; pipeline.targets says what is predicted"},
      {{R"(tuner.space={"data": [{"files": "line.csv"}]})"}, "; data.files says which rows there are"},
      {{R"(tuner.space={"data.files[0]": ["line.csv"]})"}, "; data.files says which rows there are"},
      {{R"(tuner.space={"data.missing": [["0"], ["NA"]]})"}, "; data.missing says what the cells of the targets are"},
      {{R"(tuner.space={"data.types.y": ["text", "number"]})"}, "; data.types.y says what the targets are"},
      {{R"(tuner.space={"data.types": [{"x": "text"}]})"}, "; data.types.y says what the targets are"},
      {{R"(tuner.space={"data.types.kind": ["text"]})", "split.by=stratified", "split.column=kind"},
       "; data.types.kind says what the split goes by"},
      {{R"(tuner.space={"data.file_column": ["file", ""]})", "data.drop_duplicates=true"},
       "; data.file_column decides which rows are the same for data.drop_duplicates"},
      {{R"(tuner.space={"data.stream.mixed_blocks": [2, 4]})"},
       "; data.stream decides whether rows are held in memory"},
      {{R"(tuner.space={"base": ["a.h5"]})"}, "; base brings targets of its own"},
      {{R"(tuner.space={"tuner.trials": [1]})"}, "; tuner is no setting of the training"},
      {{R"(tuner.space={"training.loss": ["mse", "mae"]})", "tuner.objective=loss"},
       "; training.loss is what trials are judged by"},
      {{R"(tuner.space={"pipeline.steps[0].class": ["standard"]})", "tuner.objective=loss"},
       "; pipeline.steps may scale what the loss is reckoned in"},
      {{R"(tuner.space={"training.epochs": []})"}, "expected 1 to 1000 values, got 0"},
      {{R"(tuner.space={"training.epochs": 3})"}, "expected a list of values, or an object with low and high, got 3"},
      {{R"(tuner.space={"training.epochs": {"low": 1}})"},
       "r.json: tuner.space.training.epochs: expected a key \"high\""},
      {{R"(tuner.space={"training.epochs": {"low": 5, "high": 1, "integer": true}})"},
       "r.json: tuner.space.training.epochs: "},
      {{R"(tuner.space={"training.epochs": {"low": 1, "high": 9, "integr": true}})"}, "the nearest is \"integer\""},
      {{R"(tuner.space={"a..b": [1]})"}, "r.json: tuner.space.a..b: expected a path"},
      {{"tuner.trials=0"}, "r.json: tuner.trials: expected from 1 to 1000000, got 0"},
      {{"tuner.threads=5000"}, "r.json: tuner.threads: expected from 0 to 1024, got 5000"},
      {{"tuner.factor=1"}, "r.json: tuner.factor: expected a number of at least 2"},
      {{"tuner.objective=mean"}, "r.json: tuner.objective: expected one of automatic, loss, mae"},
      {{"tuner.method=grid"}, "r.json: tuner.method: expected one of random_search, successive_halving"},
      {{"split.validation=0"}, "r.json: tuner: expected rows in split for validation"},
      {{"tuner.method=successive_halving", "tuner.min_resources=9"},
       "r.json: tuner.max_resources: expected epochs of at"},
      {{"tuner.method=successive_halving", R"(tuner.space={"training.epochs": [1, 2]})"}, "which spends epochs"},
  };
  for (const auto& [changes, expected] : cases) {
    const std::string problem = tuned_problem(changes);
    INFO(changes[0] << "\n" << problem);
    CHECK(problem.find(expected) != std::string::npos);
  }
}
