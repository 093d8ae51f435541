// Whatever stands under a key of a recipe, it runs or throws an Error: nothing else, and nothing worse.
#include "io/json.hpp"
#include "maas/recipe/recipe.hpp"
#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

const std::string rich_recipe = R"({
  "name": "n", "description": "d",
  "data": {"files": ["line.csv"], "file_column": "file", "drop_duplicates": true, "separator": ",", "decimal": ".",
           "header": "first_line", "comment": "#", "missing": ["NA"], "types": {"kind": "text"}, "dates": "automatic"},
  "split": {"by": "time", "validation": 0.2, "test": 0.2, "seed": 1},
  "pipeline": {
    "steps": [
      {"class": "drop", "columns": ["file"]}, {"class": "valid_range", "columns": ["x"], "low": 0, "high": 9},
      {"class": "replace_texts", "columns": ["kind"], "from": ["big"], "to": ["large"]},
      {"class": "impute", "columns": ["x"], "fill": "constant", "constant": 1, "limit": 3},
      {"class": "one_hot", "columns": ["kind"], "unseen": "ignore"},
      {"class": "lag", "columns": ["x"], "lags": [1, 2]}, {"class": "difference", "columns": ["x"], "period": 1},
      {"class": "time_features", "columns": ["time"], "holidays": ["2024-01-02"]},
      {"class": "drop_missing_rows"}, {"class": "clip_outliers", "columns": ["x"], "factor": 3},
      {"class": "min_max", "columns": ["x"], "range_min": 0, "range_max": 1}
    ],
    "features": ["x", "kind", "time", "x_lag_1"], "targets": ["y"], "missing_column": "error", "out_of_range": "clip"
  },
  "network": {"seed": 2, "layers": [
      {"class": "dense", "units": 3, "activation": "relu", "name": "a", "trainable": true}, {"class": "dropout", "rate": 0.1},
      {"class": "reshape", "target_shape": [3]}, {"class": "batch_normalization", "momentum": 0.9}, {"class": "dense", "units": 1}]},
  "training": {
    "optimizer": {"class": "adam", "learning_rate": 0.1, "clipnorm": 1.0}, "loss": {"class": "huber", "delta": 2},
    "metrics": ["mae", {"class": "root_mean_squared_error", "name": "r"}], "weighted_metrics": [], "epochs": 2,
    "batch_size": 8, "shuffle": true, "seed": 3, "validation_freq": 1, "class_weight": {"1": 2},
    "callbacks": [{"class": "early_stopping", "monitor": "val_loss", "patience": 1, "min_delta": 0, "mode": "min"},
                  {"class": "reduce_lr_on_plateau", "factor": 0.5, "patience": 1}]},
  "output": {}
})";

void list_paths(const Config& config, const std::string& path, std::vector<std::string>& paths) {
  if (!path.empty()) paths.push_back(path);
  if (config.is_object())
    for (const auto& [key, value] : config.as_object()) list_paths(value, path.empty() ? key : path + "." + key, paths);
  if (config.is_list())
    for (std::size_t i = 0; i < config.as_list().size(); ++i)
      list_paths(config.as_list()[i], path + "[" + std::to_string(i) + "]", paths);
}

const char* const values[] = {"null",
                              "true",
                              "-1",
                              "0",
                              "1",
                              "7",
                              "0.5",
                              "1e300",
                              "-1e300",
                              "NaN",
                              "9e18",
                              "9223372036854775807",
                              "-9223372036854775808",
                              "\"\"",
                              "\"x\"",
                              "[]",
                              "{}",
                              "[[]]",
                              "[3, 3]"};

struct Counts {
  std::size_t paths = 0, ran = 0, refused = 0;
};

Counts try_all(const std::string& recipe) {
  std::vector<std::string> paths;
  list_paths(io::parse_json(recipe, "recipe"), "", paths);
  Counts counts{.paths = paths.size()};
  for (const std::string& path : paths)
    for (const char* value : values) {
      CAPTURE(path, value);
      try {
        run_recipe(parse_recipe(recipe, "r", {path + "=" + value}), {.verbose = 0});
        ++counts.ran;
      } catch (const Error&) {
        ++counts.refused;
      } catch (const std::exception& other) {
        FAIL_CHECK("not an Error: " << other.what());
      }
    }
  return counts;
}

const std::string rich_forecast = R"({
  "data": {"files": "line.csv"},
  "split": {"by": "time", "validation": 0.2, "test": 0.2},
  "forecast": {
    "time": "time", "sensors": ["x", "y"],
    "windows": {"lags": 2, "horizons": [1, 2], "stride": 1, "across_gaps": false, "seconds_a_reading": 3600,
                "fill_missing": true},
    "mode": "shared", "sensor_id": true, "time_of_day": true, "harmonics": 2, "day_of_week": true,
    "scaling": "standard", "scale_each": true, "changes": true, "unit": "mph", "masks": true, "networks": 2,
    "weekends": true, "large_baselines": true,
    "intervals": {"coverage": 0.8, "rate": 0.01, "window": 10},
    "scores": {"averaging": "at_horizon", "null_value": 0}},
  "network": {"layers": [{"class": "dense", "units": 3, "activation": "relu"}], "embedding": 2},
  "training": {"optimizer": "adam", "loss": "mse", "epochs": 1, "batch_size": 8, "seed": 3,
               "callbacks": [{"class": "early_stopping", "patience": 1}]}
})";

const std::string rich_search = R"({
  "data": {"files": "line.csv"},
  "split": {"by": "group", "column": "kind", "validation_groups": "big"},
  "pipeline": {"features": ["x"], "targets": ["y"], "out_of_range": "pass"},
  "network": {"layers": [{"class": "dense", "units": 1}]},
  "training": {"optimizer": "adam", "loss": "mse", "epochs": 2, "batch_size": 8},
  "tuner": {
    "method": "successive_halving", "objective": "rmse", "trials": 3, "seed": 1, "factor": 3, "min_resources": 1,
    "max_resources": 3, "threads": 1,
    "space": {"training.batch_size": [4, 8], "training.loss": ["mse", {"class": "huber", "delta": 2}],
              "training.optimizer.learning_rate": {"low": 0.001, "high": 0.1, "log": true, "integer": false}}},
  "cross_validation": {"by": "rolling_origin", "n_splits": 2, "shuffle": false, "seed": 1, "test_size": 5,
                       "max_train_size": 9, "gap": 1},
  "output": {}
})";

const std::string rich_stream = R"({
  "data": {"files": ["line.csv", "more.csv"], "file_column": "file", "comment": "#", "types": {"kind": "text"},
           "times": {"column": "clock", "start": "2012-03-01", "seconds": 300},
           "stream": {"block_rows": 7, "mixed_blocks": 2, "prefetch": true}},
  "split": {"validation": 0.2, "test": 0.2},
  "pipeline": {
    "steps": [
      {"class": "drop", "columns": ["file"]}, {"class": "valid_range", "columns": ["x"], "low": 1, "high": 9},
      {"class": "drop_missing_rows", "columns": ["x"]}, {"class": "one_hot", "columns": ["kind"], "unseen": "ignore"},
      {"class": "impute", "columns": ["y"], "fill": "most_frequent"}, {"class": "log", "columns": ["x"], "offset": 1},
      {"class": "time_features", "columns": ["time"]}, {"class": "min_max", "columns": ["x"]},
      {"class": "standard", "columns": ["y"]}
    ],
    "features": ["x", "kind", "time"], "targets": ["y"], "out_of_range": "clip"
  },
  "network": {"layers": [{"class": "dense", "units": 1}]},
  "training": {"optimizer": "adam", "loss": "mse", "epochs": 2, "batch_size": 8, "class_weight": {"1": 2}}
})";

}  // namespace

TEST_CASE("no value of any key does worse than throw an Error") {
  write_line_csv("line.csv", 30);
  CHECK_NOTHROW(run_recipe(parse_recipe(rich_recipe, "r"), {.verbose = 0}));
  const Counts counts = try_all(rich_recipe);
  REQUIRE(counts.paths > 100);
  CHECK(counts.ran > 150);
  CHECK(counts.refused > 1000);
}

TEST_CASE("no value of any key of a forecast does worse than throw an Error") {
  write_line_csv("line.csv", 60);
  CHECK_NOTHROW(run_recipe(parse_recipe(rich_forecast, "r"), {.verbose = 0}));
  const Counts counts = try_all(rich_forecast);
  REQUIRE(counts.paths > 40);
  CHECK(counts.ran > 60);
  CHECK(counts.refused > 300);
}

TEST_CASE("no value of any key of a tuner, of folds and of a stream does worse than throw an Error") {
  write_line_csv("line.csv", 30);
  write_line_csv("more.csv", 30);  // rows of one file twice would be learned from and held out
  for (const std::string* recipe : {&rich_search, &rich_stream}) {
    CHECK_NOTHROW(run_recipe(parse_recipe(*recipe, "r"), {.verbose = 0}));
    const Counts counts = try_all(*recipe);
    REQUIRE(counts.paths > 40);
    CHECK(counts.ran > 30);
    CHECK(counts.refused > 300);
  }
}
