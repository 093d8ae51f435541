// The tuner and folds of recipes for files that are larger than memory.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "recipe/flow.hpp"
#include "recipe/stream_rows.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

const std::string search = R"(tuner={"trials": 5, "objective": "rmse", "space": {
    "training.optimizer.learning_rate": {"low": 1e-3, "high": 0.1, "log": true}, "network.layers[0].units": [4, 8]}})";

std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

void check_same_trials(const Tuning& a, const Tuning& b, double epsilon) {
  CHECK(a.objective == b.objective);
  REQUIRE(a.report.results().size() == b.report.results().size());
  for (std::size_t i = 0; i < a.report.results().size(); ++i) {
    const TrialResult &one = a.report.results()[i], &other = b.report.results()[i];
    CHECK(one.trial.values() == other.trial.values());
    CHECK(one.trial.resource() == other.trial.resource());
    CHECK(one.error == other.error);
    CHECK(one.score == Approx(other.score).epsilon(epsilon));
  }
}

void check_same_baselines(const Tuning& a, const Tuning& b, double epsilon) {
  REQUIRE(a.baselines.size() == b.baselines.size());
  for (std::size_t i = 0; i < a.baselines.size(); ++i) {
    CHECK(a.baselines[i].first == b.baselines[i].first);
    CHECK(a.baselines[i].second == Approx(b.baselines[i].second).epsilon(epsilon));
  }
}

/// The figures of all answers, of which `baseline` is one.
void check_same_folds(const CrossValidation& a, const CrossValidation& b, const std::string& target,
                      const std::string& baseline, double epsilon) {
  REQUIRE(a.folds.size() == b.folds.size());
  for (std::size_t i = 0; i < a.folds.size(); ++i) {
    CHECK(a.folds[i].training == b.folds[i].training);
    CHECK(a.folds[i].validation == b.folds[i].validation);
    CHECK(a.folds[i].test == b.folds[i].test);
  }
  CHECK_NOTHROW(a.at(target, baseline));
  REQUIRE(a.answers.size() == b.answers.size());
  for (std::size_t answer = 0; answer < a.answers.size(); ++answer) {
    const std::string& name = a.answers[answer].name;
    CHECK(name == b.answers[answer].name);
    const FoldScores &one = a.answers[answer].scores, &other = b.answers[answer].scores;
    REQUIRE(one.names() == other.names());
    for (const std::string& figure : one.names())
      for (std::size_t i = 0; i < a.folds.size(); ++i) {
        CAPTURE(name, figure, i);
        CHECK(one.at(figure)[i] == Approx(other.at(figure)[i]).epsilon(epsilon));
      }
  }
}

const CrossValidation& folds_of(const RecipeResult& result) { return result.cross_validation.value(); }

}  // namespace

TEST_CASE("a tuner in a stream finds what it finds in memory where nothing is shuffled, and trains with it") {
  write_rows("flow.csv");
  const RecipeResult whole = run_recipe(flow({search}), silent);
  const RecipeResult parts = run_recipe(flow(with_stream({search, "output.report=stream_tuned.html"})), silent);
  check_same_trials(*parts.tuning, *whole.tuning, 1e-9);
  CHECK(parts.model.get_weights() == whole.model.get_weights());
  REQUIRE(parts.tuning->baselines.size() == 2);  // the mean, and that at the same hour of the week
  check_same_baselines(*parts.tuning, *whole.tuning, 1e-9);
  CHECK(text_of("stream_tuned.html").find("<h2>Search for settings</h2>") != std::string::npos);
  // The validation rows are judged again behind the final training, with the same bits.
  CHECK(parts.evaluations.at(0).targets[0].answers[0].scores[1].second == parts.tuning->report.best().score);
}

TEST_CASE("steps that are tuned learn anew in each trial of a stream, and what a trial leaves out is left out") {
  write_rows("flow.csv");
  const std::string steps = R"(tuner={"trials": 9, "space": {
      "pipeline.steps[1]": [{"class": "impute", "columns": ["speed"]},
                            {"class": "drop_missing_rows", "columns": ["speed"]},
                            {"class": "impute", "columns": ["speed"], "fill": "median"}],
      "pipeline.steps[5].class": ["min_max", "standard"]}})";
  const RecipeResult whole = run_recipe(flow({steps}), silent), parts = run_recipe(flow(with_stream({steps})), silent);
  REQUIRE(parts.tuning->report.results().size() == 6);
  Index failed = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    const TrialResult &there = whole.tuning->report.results()[i], &here = parts.tuning->report.results()[i];
    CHECK(here.trial.values() == there.trial.values());
    if (here.trial.text("pipeline.steps[1]").find("median") == std::string::npos) {
      CHECK(here.score == Approx(there.score).epsilon(1e-9));
    } else {
      CHECK(here.error.find("f.json: pipeline.steps[1].fill: median cannot learn in a stream") != std::string::npos);
      ++failed;
    }
  }
  CHECK(failed == 2);
}

TEST_CASE("successive halving of shuffled streams has the same bits at any number of threads, read ahead or not") {
  write_rows("flow.csv");
  const std::vector<std::string> halving = with_stream(
      {search, "tuner.method=successive_halving", "tuner.trials=6", "training.shuffle=true", "training.epochs=6"});
  const RecipeResult alone = run_recipe(flow(joined(halving, {"tuner.threads=1"})), silent);
  const RecipeResult beside =
      run_recipe(flow(joined(halving, {"tuner.threads=3", "data.stream.prefetch=false"})), silent);
  check_same_trials(*alone.tuning, *beside.tuning, 0);
  CHECK(alone.model.get_weights() == beside.model.get_weights());
  CHECK(alone.tuning->report.results().back().trial.resource() > 1);
  // The same as the recipe with these settings and no tuner.
  const Trial& best = alone.tuning->report.best().trial;
  Recipe plain = flow(
      with_stream({"training.shuffle=true", "training.epochs=6",
                   fmt::format("network.layers[0].units={}", best.real("network.layers[0].units")),
                   fmt::format("training.optimizer.learning_rate={}", best.real("training.optimizer.learning_rate"))}));
  CHECK(run_recipe(plain, silent).model.get_weights() == alone.model.get_weights());
}

TEST_CASE("trials of a stream are judged by the loss, and by the accuracy of classes, as in memory") {
  write_rows("flow.csv");
  const std::vector<std::string> by_loss{search, "tuner.objective=loss"};
  const Tuning whole = *run_recipe(flow(by_loss), silent).tuning,
               parts = *run_recipe(flow(with_stream(by_loss)), silent).tuning;
  check_same_trials(parts, whole, 0);
  CHECK(whole.baselines.at(0).first == "constant");
  check_same_baselines(parts, whole, 1e-9);
  const std::vector<std::string> classes{
      R"(pipeline={"steps": ["impute", "ordinal"], "features": ["speed", "count"], "targets": ["kind"], "out_of_range": "pass"})",
      R"(network.layers=[{"class": "dense", "units": 4, "activation": "relu"}, {"class": "dense", "units": 2, "activation": "softmax"}])",
      "training.loss=sparse_categorical_crossentropy", search, "tuner.objective=automatic"};
  const RecipeResult kinds = run_recipe(flow(with_stream(classes)), silent);
  CHECK(kinds.tuning->objective == "accuracy");
  check_same_trials(*kinds.tuning, *run_recipe(flow(classes), silent).tuning, 0);
  CHECK(kinds.tuning->baselines.at(0).first == "majority class");
  // Of classes the shares are what is answered; pipelines that are tuned are learned anew for it.
  const std::string features = R"(tuner={"trials": 4, "objective": "loss", "space": {
      "pipeline.features": [["speed", "count"], ["count"]]}})";
  for (const std::string& of : {std::string("tuner.objective=loss"), features}) {
    const std::vector<std::string> shares = joined(classes, {of});
    const Tuning here = *run_recipe(flow(with_stream(shares)), silent).tuning;
    CHECK(here.baselines.at(0).first == "constant");
    check_same_baselines(here, *run_recipe(flow(shares), silent).tuning, 1e-9);
  }
}

TEST_CASE("how a stream is mixed, and what columns hold, may be tuned") {
  write_rows("flow.csv");
  const RecipeResult mixed =
      run_recipe(flow(with_stream({"training.shuffle=true", "training.callbacks=[]",
                                   R"(tuner={"space": {"data.stream.mixed_blocks": [1, 2, 4, 8]}, "threads": 2})"})),
                 silent);
  const TunerReport& report = mixed.tuning->report;
  REQUIRE(report.results().size() == 4);
  CHECK(report.results()[0].score != report.results()[1].score);
  const std::string found =
      fmt::format("data.stream.mixed_blocks={}", report.best().trial.real("data.stream.mixed_blocks"));
  CHECK(mixed.model.get_weights() ==
        run_recipe(flow(with_stream({"training.shuffle=true", "training.callbacks=[]", found})), silent)
            .model.get_weights());

  // "count" as a number, or as a category: each trial reads its columns so.
  const std::vector<std::string> types{
      R"(pipeline={"steps": [{"class": "impute", "columns": ["speed"]}, "one_hot"],
                   "features": ["speed", "count"], "targets": ["flow"], "out_of_range": "pass"})",
      R"(tuner={"space": {"data.types.count": ["number", "text"], "network.layers[0].units": [4, 8]}})"};
  const RecipeResult whole = run_recipe(flow(joined(types, {R"(split={"validation": 0.1})"})), silent);
  const RecipeResult parts = run_recipe(flow(with_stream(joined(types, {R"(split={"validation": 0.1})"}))), silent);
  // As a number some of its cells are missing, which is an error that trials note.
  Index failed = 0;
  for (const TrialResult& each : parts.tuning->report.results()) {
    const bool number = each.trial.text("data.types.count") == "number";
    CHECK(each.error.empty() != number);
    failed += number;
  }
  CHECK(failed == 2);
  CHECK(parts.model.get_weights() == whole.model.get_weights());
  CHECK(parts.model.info().pipeline->feature_names().size() > 5);
  const Config reading = parts.model.info().reading.value();
  CHECK(reading.at("types").at("count").as_string() == "text");
}

TEST_CASE("what comes in the test rows of a stream changes neither trials nor folds") {
  write_rows("flow.csv");
  const std::vector<std::string> changes =
      with_stream({search, R"(cross_validation={"by": "rolling_origin", "n_splits": 3})"});
  const RecipeResult before = run_recipe(flow(changes), silent);
  write_rows("flow.csv", 200, 160);
  const RecipeResult after = run_recipe(flow(changes), silent);
  check_same_trials(*before.tuning, *after.tuning, 0);
  CHECK(before.model.get_weights() == after.model.get_weights());
  CHECK(folds_of(before).at("flow", "model").folds() == folds_of(after).at("flow", "model").folds());
  // Nor does what comes behind a fold's test change that fold.
  write_rows("flow.csv", 200, 120);
  const RecipeResult planted =
      run_recipe(flow(with_stream({R"(cross_validation={"by": "rolling_origin", "n_splits": 3})"})), silent);
  const RecipeResult plain =
      (write_rows("flow.csv"),
       run_recipe(flow(with_stream({R"(cross_validation={"by": "rolling_origin", "n_splits": 3})"})), silent));
  const auto mae = [](const RecipeResult& result) { return folds_of(result).at("flow", "model").at("mae"); };
  CHECK(mae(planted)[1] == mae(plain)[1]);  // 160 rows: tests of 40
  CHECK(mae(planted)[2] != mae(plain)[2]);
}

TEST_CASE("folds of a stream have the scores that they have in memory where nothing is shuffled") {
  write_rows("flow.csv");
  const std::string dropping = R"(pipeline.steps=[
      {"class": "drop_missing_rows", "columns": ["speed", "count"]}, "one_hot", "time_features",
      {"class": "min_max", "columns": ["count"]}, {"class": "standard", "columns": ["speed", "flow"]}])";
  for (const std::string folds :
       {R"({"n_splits": 3})", R"({"n_splits": 7})", R"({"by": "rolling_origin", "n_splits": 3})",
        R"({"by": "rolling_origin", "n_splits": 2, "test_size": 31, "max_train_size": 50,
                                      "gap": 5})"})
    for (const bool drops : {false, true}) {
      CAPTURE(folds, drops);
      std::vector<std::string> changes{"cross_validation=" + folds};
      if (drops) changes.push_back(dropping);
      const RecipeResult whole = run_recipe(flow(changes), silent);
      const RecipeResult parts = run_recipe(flow(with_stream(changes)), silent);
      check_same_folds(folds_of(parts), folds_of(whole), "flow", "mean at that hour of the week", 1e-9);
      CHECK(parts.model.get_weights() == whole.model.get_weights());
    }
  // Of 160 rows the second of 7 tests has 23; a quarter of a half is for validation.
  const CrossValidation seven =
      folds_of(run_recipe(flow(with_stream({R"(cross_validation={"n_splits": 7})"})), silent));
  CHECK(seven.folds.at(1).test == 23);
  CHECK(seven.folds.at(1).validation == 17);
}

TEST_CASE("folds of classes, of several files, and without a validation share are those of memory, too") {
  write_rows("flow.csv", 90);
  write_rows("flow2.csv", 70);
  const std::vector<std::string> classes{
      R"(data.files=["flow.csv", "flow2.csv"])",
      R"(cross_validation={"n_splits": 4})",
      R"(split={"test": 0.1})",
      R"(pipeline={"steps": ["impute", "ordinal"], "features": ["speed", "count"], "targets": ["kind"], "out_of_range": "pass"})",
      R"(network.layers=[{"class": "dense", "units": 2, "activation": "softmax"}])",
      "training.loss=sparse_categorical_crossentropy",
      "training.callbacks=[]"};
  std::vector<std::size_t> told;
  RunOptions options = silent;
  options.fold_end = [&](const CrossValidation& found) { told.push_back(found.folds.size()); };
  const RecipeResult parts = run_recipe(flow(with_stream(classes)), options);
  CHECK(told == std::vector<std::size_t>{1, 2, 3, 4});
  check_same_folds(folds_of(parts), folds_of(run_recipe(flow(classes), silent)), "kind", "majority class", 0);
  // Shuffled, they are the same in every run; and files that callbacks write are left to the final training.
  std::filesystem::remove("folds.log");
  const std::vector<std::string> shuffled = joined(
      classes, {"training.shuffle=true", R"(training.callbacks=[{"class": "csv_logger", "filename": "folds.log"}])"});
  bool wrote = false;
  options.fold_end = [&](const CrossValidation&) { wrote = wrote || std::filesystem::exists("folds.log"); };
  const RecipeResult first = run_recipe(flow(with_stream(shuffled)), options);
  CHECK_FALSE(wrote);
  CHECK(std::filesystem::exists("folds.log"));
  CHECK(folds_of(first).at("kind", "model").folds() ==
        folds_of(run_recipe(flow(with_stream(shuffled)), silent)).at("kind", "model").folds());
}

TEST_CASE("runs of rows of a stream are read as one table") {
  write_rows("flow.csv", 100);
  write_rows("flow2.csv", 50);
  namespace parts = maas::recipe;
  const parts::RowFiles files(flow({R"(data.files=["flow.csv", "flow2.csv"])"}));
  const Table all = files.read(0, 150);
  const parts::StreamRows rows{files, {{10, 20}, {95, 110}, {140, 150}}, 7};
  REQUIRE(rows.size() == 35);
  const auto row_of_files = [](Index row) { return row < 10 ? 10 + row : row < 25 ? 85 + row : 115 + row; };
  for (const auto& [first, count] : {std::pair<Index, Index>{0, 35}, {8, 20}, {9, 1}, {24, 2}, {34, 1}}) {
    const Table part = rows.read(first, count);
    REQUIRE(part.rows() == count);
    for (Index i = 0; i < count; ++i)
      CHECK(part.texts("kind")[static_cast<std::size_t>(i)] ==
            all.texts("kind")[static_cast<std::size_t>(row_of_files(first + i))]);
    for (Index i = 0; i < count; ++i)
      CHECK(part.numbers("flow")[static_cast<std::size_t>(i)] ==
            all.numbers("flow")[static_cast<std::size_t>(row_of_files(first + i))]);
  }
  CHECK(rows.of({5, 12}).runs == std::vector<RowRange>{{15, 20}, {95, 97}});
  const std::vector<RowRange> two{{0, 3}, {30, 35}};
  CHECK(rows.of(two).runs == std::vector<RowRange>{{10, 13}, {145, 150}});
  CHECK(rows.of({7, 7}).runs.empty());
  // What is held out in one of them stays so, and the files of others are as they were.
  parts::StreamRows training = rows.of({0, 20});
  training.hold_out(rows.of({18, 30}));
  CHECK(training.read(10, 10).held_out_rows().size() == 2);
  CHECK(training.read(10, 10).held_out_rows().front() == 8);
  CHECK_FALSE(rows.read(0, 35).is_held_out());
  CHECK_THROWS_WITH(training.learn_from_each([](const Table&) {}),
                    Catch::Matchers::StartsWith("stream: expected training"));
  CHECK_THROWS_AS(rows.read(35, 1), DataError);
}

TEST_CASE("what is wrong with folds and trials of a stream is said with the path of its key") {
  write_rows("flow.csv");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{R"(cross_validation={"n_splits": 161})"}, "f.json: cross_validation: k_fold: expected at least 161 rows"},
      {{R"(cross_validation={"by": "rolling_origin", "gap": 200})"},
       "f.json: cross_validation: rolling_origin: expected rows for training"},
      {{"cross_validation={}", R"(pipeline.steps[5]="robust")", "tuner={\"space\": {\"training.batch_size\": [4, 8]}}"},
       "f.json: pipeline.steps[5]: Robust cannot learn in a stream"},
      {{R"(tuner={"space": {"training.optimizer.learning_rate": [1e300]}})"},
       "f.json: tuner: TunerReport: all trials failed"},
      {{"cross_validation={}", "training.optimizer.learning_rate=1e300", "training.callbacks=[]"},
       "f.json: cross_validation: fold 0 (counted from 0): the loss is no number"},
      {{R"(forecast={"windows": {"lags": 4, "horizons": [1]}})", "pipeline={}",
        R"(cross_validation={"by": "rolling_origin"})"},
       "f.json: cross_validation: expected none beside data.stream and a forecast"},
  };
  for (const auto& [changes, expected] : cases) {
    const std::string problem = problem_of(with_stream(changes));
    INFO(changes[0] << "\n" << problem);
    CHECK(problem.find(expected) != std::string::npos);
  }
}
