// What a recipe refuses before it trains, and what it says of rows that are out of order.
#include <filesystem>

#include "maas/recipe/recipe.hpp"
#include "maas/recipe/table_file.hpp"
#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

RecipeResult run(std::vector<std::string> changes, const RunOptions& options = silent) {
  changes.insert(changes.begin(), "training.epochs=1");
  return run_recipe(line(changes), options);
}

std::string read_problem(const std::vector<std::string>& changes) { return tests::problem_of(line, changes); }

std::string run_problem(const std::vector<std::string>& changes) {
  return tests::problem_of([](const std::vector<std::string>& each) { run(each); }, changes);
}

struct CountTrainings {
  int* count;
  void train_begin(TrainingView&) { ++*count; }
};

std::string steps(const std::string& last) {
  return R"(pipeline.steps=["drop_missing_rows", {"class": "valid_range", "columns": ["x"], "low": 0, "high": 99}, )" +
         last + "]";
}

const std::string by_hour = R"(pipeline={"steps": [{"class": "time_features", "columns": ["time"]}],
                                          "features": ["time", "x"], "targets": ["y"]})";

// The last hour first.
void write_backwards(const std::string& path) {
  std::string text = "time,x,y\n";
  for (int i = 59; i >= 0; --i) text += fmt::format("2024-01-0{} {:02d}:00,{},{}\n", 1 + i / 24, i % 24, i % 7, i % 7);
  write_text(path, text);
}

}  // namespace

TEST_CASE("names of a pipeline that contradict each other are refused when the recipe is read") {
  CHECK(read_problem({R"(pipeline.features=["y"])"}) ==
        "r.json: pipeline: Pipeline: expected \"y\" to be a feature or a target, got both");
  CHECK_THAT(read_problem({R"(pipeline.features=["x", "x"])"}), StartsWith("r.json: pipeline: Pipeline: expected "));
}

TEST_CASE("what steps, layers and types of columns refuse in rows is said with the path of the key") {
  write_line_csv("line.csv");
  for (const bool streamed : {false, true}) {
    CAPTURE(streamed);
    const auto problem = [&](const std::string& change) {
      return run_problem(streamed ? std::vector<std::string>{change, "data.stream={}"} : std::vector{change});
    };
    CHECK_THAT(problem(steps(R"({"class": "impute", "columns": ["q"]})")),
               StartsWith("r.json: pipeline.steps[2]: Impute: expected a column \"q\", got columns "));
    CHECK_THAT(problem(R"(data.types={"zz": "number"})"),
               StartsWith("r.json: data.types.zz: line.csv: expected a column \"zz\", got "));
    CHECK_THAT(problem(R"(network.layers=[{"class": "reshape", "target_shape": [3]}])"),
               StartsWith("r.json: network.layers[0]: Reshape: "));
  }
}

TEST_CASE("a step that looks at other rows needs all of them in their order") {
  const std::string lag = R"({"class": "lag", "columns": ["x"]})";
  const std::string difference = R"({"class": "difference", "columns": ["x"]})";
  const std::string forward = R"({"class": "impute", "columns": ["x"], "fill": "forward_fill"})";
  const std::string between = R"({"class": "impute", "columns": ["x"], "fill": "linear_interpolation"})";
  const std::string mean = R"({"class": "impute", "columns": ["x"], "fill": "mean"})";
  CHECK(read_problem({steps(lag), "split.by=random"}) ==
        "r.json: pipeline.steps[2]: lag looks at the rows before, which a split by random takes away; expected "
        "split.by time");
  CHECK(read_problem({steps(difference), "split.by=stratified", "split.column=kind"}) ==
        "r.json: pipeline.steps[2]: difference looks at the rows before, which a split by stratified takes away; "
        "expected split.by time");
  CHECK(read_problem({steps(forward), R"(split={"by": "group", "column": "kind", "test_groups": "big"})"}) ==
        "r.json: pipeline.steps[2]: impute with forward_fill looks at the rows before, which a split by group takes "
        "away; expected split.by time");
  CHECK(read_problem({steps(between), R"(cross_validation={"n_splits": 3})"}) ==
        "r.json: pipeline.steps[2]: impute with linear_interpolation looks at the rows before and behind, which folds "
        "by k_fold take away; expected cross_validation.by rolling_origin");
  for (const char* folds : {R"({"by": "k_fold", "shuffle": true})", R"({"by": "stratified", "column": "kind"})",
                            R"({"by": "group", "column": "kind"})"})
    CHECK_THAT(read_problem({steps(lag), "cross_validation=" + std::string(folds)}),
               StartsWith("r.json: pipeline.steps[2]: lag looks at the rows before, which folds by "));
  for (const std::string& step : {lag, difference, forward, between}) {
    CHECK(read_problem({steps(step)}).empty());
    CHECK(read_problem({steps(step), R"(cross_validation={"by": "rolling_origin"})"}).empty());
    CHECK(read_problem({steps(step), "split={\"by\": \"random\"}"}).empty());  // which takes none away
  }
  CHECK(read_problem({steps(mean), "split.by=random", R"(cross_validation={"shuffle": true})"}).empty());
}

TEST_CASE("the steps of a base are held against the split, too") {
  write_line_csv("line.csv");
  run({steps(R"({"class": "difference", "columns": ["x"]}, "drop_missing_rows")"), "output.model=refusal_base.h5"});
  const auto more = [](const std::string& split, const std::string& data) {
    run_recipe(parse_recipe(R"({"base": "refusal_base.h5"})", "r.json", {"data=" + data, "split=" + split}), silent);
  };
  const std::string lines = R"({"files": "line.csv"})";
  CHECK_NOTHROW(more(R"({"test": 0.2})", lines));
  CHECK_THROWS_WITH(more(R"({"by": "random", "test": 0.2})", lines),
                    "r.json: base: difference looks at the rows before, which a split by random takes away; expected "
                    "split.by time");
  CHECK_THROWS_WITH(more(R"({"test": 0.2})", R"({"files": "line.csv", "stream": {}})"),
                    "r.json: base: difference looks at the rows before, which the blocks of data.stream take away; "
                    "expected no stream");
}

TEST_CASE("a split by time says so where rows are not in the order of their times") {
  write_backwards("backwards.csv");
  write_line_csv("line.csv");
  const std::string expected =
      "split.by time takes the rows as they stand, and they are not in the order of \"time\": row 36 (counted from 0), "
      "which is for validation, is of 2024-01-01 23:00, before row 0, which is learned from, of 2024-01-03 11:00";
  const auto warnings = [](const std::string& file, const std::vector<std::string>& more = {}) {
    std::vector<std::string> changes{by_hour, "data.files=" + file};
    changes.insert(changes.end(), more.begin(), more.end());
    return run(changes).warnings;
  };
  CHECK(warnings("backwards.csv", {"output.report=backwards.html"}) == std::vector<std::string>{expected});
  CHECK_THAT(text_of("backwards.html"), ContainsSubstring("split.by time takes the rows as they stand"));
  CHECK(warnings("backwards.csv", {"data.stream.block_rows=7"}) == std::vector<std::string>{expected});
  CHECK(warnings("line.csv").empty());
  CHECK(warnings("line.csv", {"data.stream.block_rows=7"}).empty());
  CHECK(warnings("backwards.csv", {"split.by=random"}).empty());
  CHECK(run({"data.files=backwards.csv"}).warnings.empty());  // no feature needs the time
}

TEST_CASE("an error of a part has the place of its key, and stays of its type") {
  write_line_csv("line.csv");
  write_line_csv("three.csv", 3);
  CHECK_THROWS_AS(run({R"(pipeline.targets=["z"])"}), DataError);
  CHECK_THAT(run_problem({R"(pipeline.targets=["z"])"}), StartsWith("r.json: pipeline: Pipeline: "));
  CHECK_THAT(run_problem({R"(pipeline.targets=["z"])", "data.stream={}"}), StartsWith("r.json: pipeline: "));
  CHECK_THROWS_AS(run({"data.files=three.csv"}), DataError);
  for (const char* also : {"training.seed=0", "data.stream={}"})
    CHECK(run_problem({"data.files=three.csv", also}) ==
          "r.json: split: split_by_time: expected rows for every part, got 3 rows in all");
  CHECK_THAT(run_problem({"training.loss=sparse_categorical_crossentropy", "training.metrics=[]"}),
             StartsWith("r.json: training: "));
  // The name of the recipe stands once.
  CHECK_THAT(run_problem({"split={}", R"(pipeline.targets=["z"])", "cross_validation={}"}),
             StartsWith("r.json: cross_validation: fold 0 (counted from 0): pipeline: Pipeline: "));
}

TEST_CASE("rows that a policy refuses are found before anything is trained") {
  write_line_csv("line.csv");
  const std::string lines = text_of("line.csv");
  write_text("far.csv", lines + "2024-01-09 00:00,100,small,201\n");
  const std::size_t row = lines.find("2024-01-02 16:00");  // of validation
  write_text("odd_kind.csv",
             lines.substr(0, row) + "2024-01-02 16:00,1,other,3\n" + lines.substr(lines.find('\n', row) + 1));
  int trainings = 0;
  const auto problem = [&](const std::vector<std::string>& changes) -> std::string {
    try {
      run(changes, {.verbose = 0, .callbacks = {CountTrainings{&trainings}}});
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  for (const std::string also : {"training.seed=0", "data.stream.block_rows=7"}) {
    CHECK_THAT(problem({"data.files=far.csv", "pipeline.out_of_range=error", also}),
               StartsWith("r.json: pipeline: test rows: "));
    CHECK_THAT(
        problem({"data.files=far.csv", also}),
        StartsWith(
            "r.json: pipeline: test rows: Pipeline: expected \"x\" from -1.5 to 7.5 (0 to 6 in the training rows, and "
            "a margin of 0.25 of that width), got 100"));
    CHECK_THAT(
        problem(
            {"data.files=odd_kind.csv", also,
             R"(pipeline={"steps": [{"class": "one_hot", "columns": ["kind"]}], "features": ["kind"], "targets": ["y"]})"}),
        StartsWith("r.json: pipeline: validation rows: "));
  }
  CHECK(trainings == 0);
  CHECK(problem({"data.files=far.csv", "pipeline.out_of_range=clip"}).empty());
  CHECK(trainings == 1);
  // Nor before a search, whose trials do not look at the test.
  int trials = 0;
  RunOptions options = silent;
  options.trial_end = [&](const TrialResult&) { ++trials; };
  const std::vector<std::string> search{"data.files=far.csv", "pipeline.out_of_range=error",
                                        R"(tuner={"trials": 2, "space": {"training.batch_size": [4, 8]}})"};
  CHECK_THROWS_WITH(run(search, options), StartsWith("r.json: pipeline: test rows: "));
  CHECK(trials == 0);
}

TEST_CASE("where the output goes is looked at before the training") {
  write_line_csv("line.csv");
  std::filesystem::create_directory("a_folder");
  run({"output.model=refusal_first.h5"});
  const std::string lines = text_of("line.csv");
  const std::string long_name = std::string(300, 'm') + ".h5";
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"output.model=nowhere/m.h5"},
       "r.json: output.model: expected a file in a folder that is there, got \"nowhere/m.h5\""},
      {{"output.report=nowhere/r.html"}, "r.json: output.report: expected a file in a folder that is there"},
      {{"output.predictions=line.csv/p.csv"}, "r.json: output.predictions: expected a file in a folder"},
      {{"output.model=a_folder"}, "r.json: output.model: expected a file, got a folder, \"a_folder\""},
      {{"output.model=" + long_name}, "r.json: output.model: " + long_name + ": cannot be written: "},
      {{"output.predictions=line.csv"},
       "r.json: output.predictions: expected a file of its own, got \"line.csv\", which data.files[0] names"},
      {{"output.report=a_folder/../line.csv"}, "which data.files[0] names"},
      {{R"(training.callbacks=[{"class": "csv_logger", "filename": "line.csv"}])"},
       "r.json: training.callbacks[0]: expected a file of its own, got \"line.csv\", which data.files[0] names"},
      {{R"(training.callbacks=["terminate_on_nan", {"class": "model_checkpoint", "filepath": "./line.csv"}])"},
       "r.json: training.callbacks[1]: expected a file of its own, got \"line.csv\", which data.files[0] names"},
      {{"output.model=same.out", "output.report=./same.out"},
       "r.json: output.report: expected a file of its own, got \"./same.out\", which output.model names"},
      {{"output.report=p.csv", "output.predictions=p.csv"}, "r.json: output.predictions: expected a file of its own"},
  };
  for (const auto& [changes, expected] : cases) {
    const std::string problem = run_problem(changes);
    INFO(changes[0] << "\n" << problem);
    CHECK(problem.find(expected) != std::string::npos);
  }
  CHECK_THROWS_WITH(run_recipe(parse_recipe(R"({"base": "refusal_first.h5", "data": {"files": "line.csv"},
                                  "output": {"model": "./refusal_first.h5"}})",
                                            "r.json"),
                               silent),
                    "r.json: output.model: expected a file of its own, got \"./refusal_first.h5\", which base names");
  CHECK(run_problem({R"(tuner={"trials": 1, "space": {"training.callbacks": [[{"class": "csv_logger",
                                                                                "filename": "line.csv"}]]}})"})
            .find("training.callbacks[0]: expected a file of its own, got \"line.csv\", which data.files[0] names") !=
        std::string::npos);
  CHECK(text_of("line.csv") == lines);
  CHECK_FALSE(std::filesystem::exists("same.out"));
  CHECK_FALSE(std::filesystem::exists("p.csv"));
  CHECK_NOTHROW(run({"output.model=refusal_first.h5"}));  // an older model is replaced
}

TEST_CASE("balanced weights need classes") {
  write_line_csv("line.csv");
  const std::string balanced = "training.class_weight=balanced";
  // y is 1, 3, ..., 13: whole numbers, and yet no classes.
  CHECK_THROWS_AS(run({balanced}), ConfigError);
  CHECK(run_problem({balanced}) ==
        "r.json: training.class_weight: expected a target of classes for \"balanced\", got numbers in \"y\"");
  CHECK_THAT(run_problem({balanced, R"(pipeline.steps=[{"class": "standard", "columns": ["y"]}])",
                          "training.loss=binary_crossentropy"}),
             StartsWith("r.json: training.class_weight: expected a target of classes for \"balanced\": "
                        "balanced_class_weight: expected a class in row 0 (from 0), got "));
  CHECK_NOTHROW(run({balanced, R"(pipeline={"steps": ["ordinal"], "features": ["x"], "targets": ["kind"]})",
                     R"(network.layers=[{"class": "dense", "units": 2, "activation": "softmax"}])",
                     "training.loss=sparse_categorical_crossentropy", "training.metrics=[]"}));
}

TEST_CASE("predictions name the rows of the files, those that came twice included") {
  write_line_csv("line.csv");
  write_line_csv("other.csv", 24);
  const RecipeResult result = run(
      {R"(data={"files": ["other.csv", "line.csv"], "drop_duplicates": true})", "output.predictions=refusal_rows.csv"});
  CHECK(result.rows.duplicates == 24);
  // The first 24 rows of line.csv, rows 24 to 47 of all 84, are left out; the last 12 are the test.
  const Table written = read_csv("refusal_rows.csv");
  REQUIRE(written.rows() == 12);
  for (Index i = 0; i < 12; ++i) {
    CHECK(written.numbers("row")[static_cast<std::size_t>(i)] == 72 + i);
    CHECK(written.numbers("y")[static_cast<std::size_t>(i)] == 2 * ((48 + i) % 7) + 1);
  }
}
