#include "maas/recipe/recipe.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "maas/io/hdf5.hpp"
#include "maas/model/load.hpp"
#include "maas/recipe/table_file.hpp"
#include "maas/training/backup.hpp"
#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

std::string line_problem(const std::vector<std::string>& changes) { return tests::problem_of(line, changes); }

struct StopAfter {
  int epochs;
  Signal epoch_end(TrainingView& view) const {
    if (view.epoch + 1 >= epochs) throw StateError("killed");
    return Signal::go_on;
  }
};

}  // namespace

TEST_CASE("a recipe is read to a value: parts by name, with settings, and as Keras writes them") {
  const Recipe recipe = line({R"(network.layers=["batch_normalization", {"class": "Dense", "units": 4, "name": "h"},
      {"class_name": "Dense", "config": {"units": 1, "activation": "linear", "dtype": "float32"}}])",
                              "training.epochs=7", "data.separator=;", "training.class_weight=balanced",
                              R"(training.callbacks=[{"class": "early_stopping", "patience": 3, "mode": "min"}])",
                              R"(data.types={"kind": "text"})"});
  CHECK(recipe.name == "A line");
  CHECK(recipe.data.files == std::vector<std::string>{"line.csv"});
  CHECK(recipe.data.csv.separator == ';');
  CHECK(recipe.data.csv.types.at("kind") == ColumnType::text);
  CHECK(recipe.split.validation == 0.2);
  CHECK(recipe.pipeline.steps.at(0).class_name() == "Standard");
  REQUIRE(recipe.network.layers.size() == 3);
  CHECK(recipe.network.layers[0].class_name() == "BatchNormalization");
  CHECK(recipe.network.layers[1].name() == "h");
  CHECK(recipe.network.layers[1].as<Dense>()->units == 4);
  CHECK(recipe.training.epochs == 7);
  CHECK(recipe.training.compile.optimizer.learning_rate().at(0) == 0.1);
  CHECK(recipe.training.compile.metrics.at(0).name() == "mae");
  CHECK(recipe.training.class_weight.balanced);
  CHECK(recipe.training.callbacks.at(0)().as<EarlyStopping>()->patience == 3);
  CHECK(recipe.training.callbacks.at(0)().as<EarlyStopping>()->mode == Better::min);
}

TEST_CASE("what is wrong with a recipe is said with the path of its key") {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"training.optimizer.learning_rate=\"fast\""},
       "r.json: training.optimizer.learning_rate: expected a number above 0, or a schedule, got \"fast\""},
      {{"training.optimizer.learning_rate=-1"}, "training.optimizer.learning_rate: expected a number above 0, got -1"},
      {{"training.epochs=many"}, "r.json: training.epochs: expected a whole number, got string \"many\""},
      {{"training.epochs=0"}, "r.json: training.epochs: expected a number of at least 1, got 0"},
      {{"training.epoch=3"}, "r.json: training: expected keys of optimizer, loss,"},
      {{"training.epoch=3"}, "got \"epoch\", the nearest is \"epochs\""},
      {{"trainin={}"}, "got \"trainin\", the nearest is \"training\""},
      {{"network.layers[0].unit=3"}, "r.json: network.layers[0]: expected keys of class, units,"},
      {{"network.layers[0].unit=3"}, "the nearest is \"units\""},
      {{"network.layers[0].class=dens"}, "r.json: network.layers[0].class: expected a layer of"},
      {{"network.layers[0].class=dens"}, "got \"dens\", the nearest is \"dense\""},
      {{"network.layers[0].units=\"x\""}, "r.json: network.layers[0].units: expected a whole number"},
      {{"network.layers[0].units=0"}, "r.json: network.layers[0]: Dense: expected at least 1 unit, got 0"},
      {{R"(network.layers=[{"class": "dense", "units": 4}, {"class": "dense", "units": -1}])"},
       "r.json: network.layers[1]: Dense: expected at least 1 unit, got -1"},
      {{"network.layers[0]=3"}, "r.json: network.layers[0]: expected a layer, as a name, or as an object"},
      {{"network.layers=[\"InputLayer\"]"}, "expected no input"},
      {{"pipeline.steps[0].class=standart"}, "the nearest is \"standard\""},
      {{"pipeline.steps[0].mean=[3]"}, "r.json: pipeline.steps[0]: expected keys of class, columns; got \"mean\""},
      {{"pipeline.steps[0].columns=3"}, "r.json: pipeline.steps[0].columns: expected a list"},
      {{R"(pipeline.steps=[{"class_name": "Impute", "config": {"fill": "mode"}}])"},
       "r.json: pipeline.steps[0].config.fill: expected one of mean, median"},
      {{"training.loss=msee"}, "r.json: training.loss: expected a loss of"},
      {{"training.metrics=[\"accurac\"]"}, "r.json: training.metrics[0]: expected a metric of"},
      {{R"(training.callbacks=[{"class": "early_stopping", "patience": "x"}])"},
       "r.json: training.callbacks[0].patience: expected a whole number"},
      {{R"(training.callbacks=[{"class": "early_stopping", "mode": "low"}])"},
       "r.json: training.callbacks[0].mode: expected auto, min or max, got \"low\""},
      {{"split.by=hour"}, "r.json: split.by: expected one of time, random, stratified, group; got \"hour\""},
      {{"split.test=1"}, "r.json: split.test: expected a share from 0 to below 1, got 1"},
      {{"split.test=0.9"}, "expected shares that leave rows for training"},
      {{"split.by=group", "split.validation=0", "split.test=0"}, "r.json: split: expected a key \"column\", got none"},
      {{"data.separator=ab"}, "r.json: data.separator: expected one character"},
      {{R"(data.types={"x": "real"})"}, "r.json: data.types.x: expected one of number, time, text; got \"real\""},
      {{"data.files=[1]"}, "r.json: data.files[0]: expected a string"},
      {{"data.files="}, "r.json: data.files[0]: expected the name of a file, got an empty one"},
      {{R"(data.files=["line.csv", ""])"}, "r.json: data.files[1]: expected the name of a file, got an empty one"},
      {{"pipeline.range_margin=-1"}, "r.json: pipeline.range_margin: expected a finite number of at least 0, got -1"},
      {{"data.files=[]"}, "r.json: data: expected a key \"files\", got none"},
      {{"pipeline.targets=[]"}, "r.json: pipeline: expected a key \"targets\""},
      {{"network={}"}, "r.json: network: expected a key \"layers\""},
      {{"network=3"}, "r.json: network: expected an object, got 3"},
      {{"network.keras={}"}, "r.json: network.keras: "},
      {{"training.optimizer=adm"},
       "r.json: training.optimizer: expected an optimizer of gradient_descent, sgd, rmsprop, adam, adamw, "},
      {{R"(training.callbacks=["terminate_on_man"])"}, "the nearest is \"terminate_on_nan\""},
      {{"training.seed=-1"}, "r.json: training.seed: expected a number of at least 0"},
      {{"training.epochs=1e300"}, "r.json: training.epochs: expected"},
      {{"output.predictions=p.csv", "split.test=0"}, "r.json: output.predictions: expected test rows"},
      {{"training.class_weight=even"}, "r.json: training.class_weight: expected \"balanced\" or an object"},
      {{R"(training.class_weight={"a": -1})"}, "r.json: training.class_weight.a: expected a number of at least 0"},
  };
  for (const auto& [changes, expected] : cases) {
    const std::string problem = line_problem(changes);
    INFO(changes[0] << "\n" << problem);
    CHECK(problem.find(expected) != std::string::npos);
  }
  CHECK_THROWS_WITH(parse_recipe("{", "r.json"), Catch::Matchers::StartsWith("r.json: not valid JSON"));
  CHECK_THROWS_WITH(parse_recipe("{\n  \"a\": 1,}", "r.json"),
                    Catch::Matchers::StartsWith("r.json: not valid JSON at line 2, column 10: syntax error"));
  CHECK_THROWS_AS(parse_recipe("[]", "r.json"), ConfigError);
  CHECK_THROWS_WITH(read_recipe("no/recipe.json"), "no/recipe.json: cannot be read: No such file or directory");
}

TEST_CASE("changes from outside are paths of keys") {
  CHECK(line({"training.optimizer=sgd"}).training.compile.optimizer.class_name() == "SGD");
  for (const char* name : {"rmsprop", "rm_sprop", "RMSprop"})
    CHECK(line({std::string("training.optimizer=") + name}).training.compile.optimizer.class_name() == "RMSprop");
  CHECK(line({"split.seed=5", "split.by=random"}).split.seed == 5);
  CHECK(line({"network.layers[0].units=12"}).network.layers[0].as<Dense>()->units == 12);
  for (const char* change : {"training", "", "=3", "training..epochs=3", "network.layers[x]=3", "network.layers[5]=3",
                             "network.layers[99999999999999999999]=3", "name.x=3", "training.epochs.x=3", "a[=1"}) {
    INFO(change);
    CHECK_THROWS_AS(line({change}), ConfigError);
  }
}

TEST_CASE("a recipe runs: the model has learned, is measured beside baselines, and saved with its pipeline") {
  write_line_csv("line.csv");
  Recipe recipe = line({"output.model=line.h5", "output.report=line.html", "output.predictions=line_test.csv"});
  const RecipeResult result = run_recipe(recipe, silent);
  CHECK(result.rows.all == 60);
  CHECK(result.rows.training == 36);
  CHECK(result.rows.validation == 12);
  CHECK(result.rows.test == 12);
  CHECK(result.history["val_loss"].size() == 200);
  REQUIRE(result.evaluations.size() == 2);
  const TargetEvaluation& test = result.evaluations[1].targets.at(0);
  REQUIRE(test.answers.size() == 2);
  CHECK(test.answers[0].scores[0].second < 0.05);
  CHECK(test.answers[1].name == "mean");
  // Training: 36 values of i % 7; their mean of 2 x + 1 is 6.8333; the test rows are i % 7 of 48 to 59.
  double expected = 0;
  for (int i = 48; i < 60; ++i) expected += std::abs(2 * (i % 7) + 1 - (2.0 * (5 * 21) / 36 + 1)) / 12;
  CHECK(test.answers[1].scores[0].second == Approx(expected));
  const Model loaded = load_model("line.h5");
  const Matrix y = loaded.predict(read_csv("line.csv"));
  CHECK(double(y(3, 0)) == Approx(7).margin(0.1));
  CHECK(text_of("line.html").find("A line") != std::string::npos);
  const Table written = read_csv("line_test.csv");
  CHECK(written.names() == std::vector<std::string>{"row", "y", "y predicted"});
  CHECK(written.numbers("row")[0] == 48);
  CHECK(written.numbers("y")[0] == 2 * (48 % 7) + 1);
  CHECK(written.numbers("y predicted")[0] == Approx(2 * (48 % 7) + 1).margin(0.1));

  const RecipeResult again = run_recipe(recipe, silent);
  CHECK(again.model.get_weights()[0] == result.model.get_weights()[0]);
}

TEST_CASE("data may come from HDF5, with times as seconds") {
  write_line_csv("line.csv");
  const Table lines = read_csv("line.csv");
  write_hdf5("line.h5", {{"x", lines.matrix({"x"})}, {"y", lines.matrix({"y"})}});
  const RecipeResult from_csv = run_recipe(line(), {.verbose = 0});
  const RecipeResult from_hdf5 = run_recipe(line({"data.files=line.h5"}), {.verbose = 0});
  CHECK(from_hdf5.rows.all == 60);
  CHECK(from_hdf5.history["loss"] == from_csv.history["loss"]);
  const Table timed = read_table("line.h5", {.types = {{"x", ColumnType::time}}});
  CHECK(timed.times("x")[1] == 1);
  CHECK(timed.numbers("y")[1] == 3);
  CHECK(read_table("line.csv").names() == lines.names());
  CHECK_THROWS_AS(read_table("line.h5", {.types = {{"x", ColumnType::text}}}), FormatError);
  CHECK_THROWS_AS(read_table("nowhere.h5"), FormatError);
}

TEST_CASE("a recipe for classes: weights by name, majority beside it") {
  write_line_csv("line.csv");
  const RecipeResult result = run_recipe(
      line({R"(pipeline={"steps": [{"class": "standard", "columns": ["x"]}, {"class": "ordinal", "columns": ["kind"]}],
               "features": ["x"], "targets": ["kind"]})",
            R"(network.layers=[{"class": "dense", "units": 2, "activation": "softmax"}])",
            "training.loss=sparse_categorical_crossentropy", "training.metrics=[\"accuracy\"]",
            R"(training.class_weight={"big": 1.5})"}),
      silent);
  const TargetEvaluation& test = result.evaluations[1].targets.at(0);
  CHECK(test.is_class);
  CHECK(test.classes == std::vector<std::string>{"big", "small"});
  CHECK(test.answers[0].scores[0].second == 1);
  CHECK(test.answers[1].name == "majority class");
  CHECK(test.answers[1].scores[0].second == Approx(8.0 / 12));  // 48 to 59 modulo 7: 3 and less in 8 rows
  CHECK_THROWS_WITH(run_recipe(line({R"(training.class_weight={"huge": 2})"}), silent),
                    "r.json: training.class_weight: expected classes of none; got \"huge\"");
}

TEST_CASE("what does not fit together is said before training") {
  write_line_csv("line.csv");
  const auto problem = [](const std::vector<std::string>& changes) -> std::string {
    try {
      run_recipe(line(changes), silent);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"network.layers[0].units=3"}, "r.json: network: expected an output for each of the 1 targets (\"y\")"},
      {{"data.files=nothing.csv"}, "nothing.csv: cannot be read"},
      {{R"(pipeline.steps=[{"class": "lag", "columns": ["x"]}])", R"(pipeline.features=["x_lag_1"])"},
       "r.json: pipeline.steps: expected numbers in the feature \"x_lag_1\", got 1 of 36 training rows"},
      {{"split.by=group", "split.column=kind", "split.test=0", "split.validation=0", "split.test_groups=tiny"},
       "r.json: split.test_groups: expected groups that \"kind\" has, got \"tiny\""},
      {{"split.by=group", "split.column=x", "split.test=0", "split.validation=0", "split.test_groups=[\"3\"]"},
       "expected a column of texts"},
      {{R"(pipeline.targets=["z"])"}, "\"z\""},
  };
  for (const auto& [changes, expected] : cases) {
    const std::string found = problem(changes);
    INFO(changes[0] << "\n" << found);
    CHECK(found.find(expected) != std::string::npos);
  }
}

TEST_CASE("splits: at random by seed, or by groups of a column, which may be the files") {
  write_line_csv("line.csv");
  write_line_csv("other.csv", 24);
  const auto rows_of = [](const std::vector<std::string>& changes) {
    return run_recipe(line(changes), silent).evaluations.back().targets[0];
  };
  const TargetEvaluation a = rows_of({"split.by=random", "training.epochs=1"}),
                         b = rows_of({"split.by=random", "training.epochs=1"}),
                         c = rows_of({"split.by=random", "split.seed=1", "training.epochs=1"});
  CHECK(a.truth == b.truth);
  CHECK(a.truth != c.truth);
  CHECK(a.truth.size() == 12);
  // 24 of 60 rows are big: of 12 test rows 5, of 12 validation rows 5.
  const RecipeResult stratified =
      run_recipe(line({"split.by=stratified", "split.column=kind", "training.epochs=1"}), silent);
  CHECK(stratified.rows.test == 12);
  CHECK(stratified.rows.validation == 12);
  for (const Evaluation& each : stratified.evaluations)
    CHECK(std::ranges::count_if(each.targets[0].truth, [](double y) { return y > 8; }) == 5);
  const RecipeResult drawn = run_recipe(line({"split.by=group", "split.column=x", "split.test=0.3",
                                              "split.validation=0", "training.epochs=1", "pipeline.out_of_range=pass"}),
                                        silent);
  const std::set<double> groups(drawn.evaluations[0].targets[0].truth.begin(),
                                drawn.evaluations[0].targets[0].truth.end());
  CHECK(groups.size() == 3);  // of 7, rounded up
  const RecipeResult grouped =
      run_recipe(line({R"(data={"files": ["line.csv", "other.csv"], "file_column": "file", "drop_duplicates": false})",
                       R"(split={"by": "group", "column": "file", "test_groups": ["other"]})", "training.epochs=1"}),
                 silent);
  CHECK(grouped.rows.all == 84);
  CHECK(grouped.rows.training == 60);
  CHECK(grouped.rows.test == 24);
  CHECK(grouped.evaluations.at(0).targets[0].truth[9] == 2 * (9 % 7) + 1);
  const RecipeResult once = run_recipe(
      line({R"(data={"files": ["line.csv", "other.csv"], "drop_duplicates": true})", "training.epochs=1"}), silent);
  CHECK(once.rows.duplicates == 24);
  CHECK(once.rows.all == 60);
  write_text("odd.csv", "time,x,kind\n2024-01-01 00:00,1,small\n");
  CHECK_THROWS_WITH(run_recipe(line({R"(data.files=["line.csv", "odd.csv"])"}), silent),
                    "odd.csv: expected 4 columns, as in line.csv, got 3");
}

TEST_CASE("a run that was killed is resumed to the same bits; a backup is not passed over") {
  write_line_csv("line.csv");
  const Recipe recipe = line({"training.epochs=9", "output.model=resumed.h5", "network.seed=3"});
  const RecipeResult whole = run_recipe(recipe, silent);
  std::filesystem::remove("resumed.h5.backup");
  CHECK_THROWS_WITH(run_recipe(recipe, {.resume = true, .verbose = 0, .callbacks = {StopAfter{4}}}), "killed");
  REQUIRE(std::filesystem::exists("resumed.h5.backup"));
  CHECK_THROWS_WITH(
      run_recipe(line({"training.epochs=9", "training.backup=resumed.h5.backup"}), silent),
      Catch::Matchers::StartsWith("r.json: training.backup: there is a backup of a run that was stopped"));
  CHECK_THROWS_WITH(run_recipe(recipe, silent),
                    "r.json: output.model: there is a backup of a run that was stopped, resumed.h5.backup; go on from "
                    "it (--resume), or remove it");
  const RecipeResult resumed = run_recipe(recipe, {.resume = true, .verbose = 0});
  CHECK(resumed.history["loss"] == whole.history["loss"]);
  CHECK(resumed.model.get_weights()[0] == whole.model.get_weights()[0]);
  CHECK_FALSE(std::filesystem::exists("resumed.h5.backup"));
  const Recipe seldom = line({"training.epochs=9", "output.model=resumed.h5", "training.backup_seconds=3600"});
  CHECK_THROWS_WITH(run_recipe(seldom, {.resume = true, .verbose = 0, .callbacks = {StopAfter{4}}}), "killed");
  CHECK_FALSE(std::filesystem::exists("resumed.h5.backup"));
  CHECK_THROWS_WITH(line({"training.backup_seconds=-1"}),
                    "r.json: training.backup_seconds: expected a finite number of at least 0, got -1");
  CHECK_THROWS_WITH(line({"training.backup_seconds=Infinity"}),
                    "r.json: training.backup_seconds: expected a finite number of at least 0, got inf");
}

TEST_CASE("a loss that is no number is told, and nothing is written") {
  write_line_csv("line.csv");
  std::filesystem::remove("blown.h5");
  const RecipeResult result = run_recipe(line({R"(training.optimizer={"class": "sgd", "learning_rate": 1e30})",
                                               "output.model=blown.h5", "training.epochs=20"}),
                                         silent);
  CHECK_FALSE(result.finite);
  CHECK(result.evaluations.empty());
  CHECK_FALSE(std::filesystem::exists("blown.h5"));
}

TEST_CASE("a network as Keras describes it") {
  write_line_csv("line.csv");
  const std::string keras = R"(network={"keras": {"class_name": "Sequential", "config": {"name": "s", "layers": [
      {"class_name": "InputLayer", "config": {"batch_shape": [null, 1], "name": "in"}},
      {"class_name": "Dense", "config": {"name": "d", "units": 1, "activation": "linear"}}]}}})";
  const RecipeResult result = run_recipe(line({keras}), silent);
  CHECK(result.evaluations.at(1).targets[0].answers[0].scores[0].second < 0.05);
  std::string wide = keras;
  wide.replace(wide.find("[null, 1]"), 9, "[null, 2]");
  CHECK_THROWS_WITH(run_recipe(line({wide}), silent),
                    "r.json: network: expected an input for the 1 features, got one for 2");
}

TEST_CASE("a recipe goes on from a model: its network, weights and pipeline, as it was compiled or anew") {
  write_line_csv("line.csv");
  const RecipeResult first =
      run_recipe(parse_recipe(line_recipe, "r.json", {"output.model=first.h5", "training.epochs=20"}), {.verbose = 0});
  const auto more = [](const std::vector<std::string>& changes) {
    return run_recipe(parse_recipe(R"({"base": "first.h5", "data": {"files": "line.csv"},
                                       "split": {"validation": 0.2, "test": 0.2}, "output": {"model": "more.h5"}})",
                                   "r.json", changes),
                      {.verbose = 0});
  };
  const auto same = [](const Model& a, const Model& b) { return a.get_weights()[0] == b.get_weights()[0]; };
  // Rates of next to nothing leave the weights as they were.
  CHECK(same(more({R"(training={"loss": "mse", "optimizer": {"class": "sgd", "learning_rate": 1e-30}})"}).model,
             first.model));
  const RecipeResult result = more({"training.epochs=40"});
  CHECK_FALSE(same(result.model, first.model));
  CHECK(result.history["loss"].front() < first.history["loss"].front() / 2);
  CHECK(result.history["loss"].back() < first.history["loss"].back());
  REQUIRE(result.evaluations.size() == 2);
  const Model saved = load_model("more.h5");
  CHECK(saved.info().pipeline->config() == first.model.info().pipeline->config());
  CHECK(saved.info().training.size() == 2);
  CHECK(same(more({"training.epochs=40"}).model, result.model));  // the same bits

  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"base=none.h5"}, "none.h5"},
      {{R"(network={"layers": []})", R"(pipeline={"targets": ["y"]})"},
       "r.json: base: expected no network and no pipe"},
      {{R"(network={"layers": [{"class": "dense", "units": 1}]})"}, "r.json: base: expected no network"},
      {{R"(forecast={})"}, "r.json: base: expected no forecast beside it"},
      {{"base=plain.h5"}, "r.json: base: expected a model that was saved with its pipeline, got plain.h5"},
      {{"base=3"}, "r.json: base: "}};
  Model plain = Sequential{input(1), dense(1)};
  plain.save("plain.h5");
  for (const auto& [changes, expected] : cases) {
    std::string problem;
    try {
      more(changes);
    } catch (const Error& error) {
      problem = error.what();
    }
    INFO(changes[0] << "\n" << problem);
    CHECK(problem.find(expected) != std::string::npos);
  }
}
