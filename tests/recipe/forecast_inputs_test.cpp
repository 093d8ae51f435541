// Recipes for forecasts of several series, and with inputs that are known ahead.
#include <cmath>
#include <filesystem>

#include "maas/core/random.hpp"
#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

using Names = std::vector<std::string>;

/// A drive: so many minutes from the same time on. Where there are works, speeds are 20 lower; they are drawn.
void write_drive(const std::string& path, int rows, double level) {
  std::string text = "time,speed,works\n";
  const Random random(static_cast<std::uint64_t>(level));
  for (int i = 0; i < rows; ++i) {
    const int works = random.uniform(static_cast<std::uint64_t>(i)) < 0.3 ? 1 : 0;
    text += fmt::format("2024-01-01 {:02d}:{:02d},{:.3f},{}\n", i / 60, i % 60, level + std::sin(0.5 * i) - 20 * works,
                        works);
  }
  write_text(path, text);
}

void write_drives() {
  write_drive("drive_a.csv", 120, 50);
  write_drive("drive_b.csv", 100, 80);
  write_drive("drive_c.csv", 80, 60);
}

Recipe driven(const std::vector<std::string>& changes = {}) {
  return parse_recipe(R"({
    "data": {"files": ["drive_a.csv", "drive_b.csv", "drive_c.csv"], "file_column": "drive"},
    "split": {"validation": 0.1, "test": 0.25},
    "forecast": {"time": "time", "series": "drive", "known": ["works"], "windows": {"lags": 3, "horizons": [1, 2]},
                 "changes": true},
    "training": {"optimizer": {"class": "adam", "learning_rate": 0.02}, "loss": "mse", "epochs": 40}
  })",
                      "d.json", changes);
}

}  // namespace

TEST_CASE("files of a recipe are series of their own, and known inputs are columns that are no sensors") {
  write_drives();
  const RecipeResult result = run_recipe(driven({"output.model=driven.h5", "output.predictions=driven.csv"}), silent);
  CHECK(result.forecaster->sensors() == Names{"speed"});
  // The test is 75 rows of the last drive; without series its first file would end in time's running backwards.
  REQUIRE(result.forecasts);
  CHECK(result.forecasts->windows() == 75 - 4);
  CHECK(result.forecasts->series == Names(71, "drive_c"));
  const RecipeResult blind = run_recipe(driven({"forecast.known=[]", "forecast.sensors=[\"speed\"]"}), silent);
  CHECK(result.scores->at("network", 1).scores.mae < 0.7 * blind.scores->at("network", 1).scores.mae);
  CHECK(result.scores->at("persistence", 1).scores.mae == blind.scores->at("persistence", 1).scores.mae);
  const Table lines = read_csv("driven.csv");
  CHECK(lines.names() == Names{"series", "origin", "horizon", "sensor", "true", "forecast"});
  CHECK(lines.texts("series").back() == "drive_c");

  const Forecaster loaded = load_forecaster("driven.h5");
  CHECK(loaded.frame().table->series() == "drive");
  CHECK(loaded.frame().table->known() == Names{"works"});
  CHECK(loaded.options().known == Names{"works"});
  // A single file is a series, though none of its columns says so.
  const Readings one = loaded.readings(read_csv("drive_b.csv"));
  CHECK(loaded.forecast(one).windows() == 100 - 4);
  CHECK(loaded.baselines().baselines.size() == 4);

  CHECK_THROWS_AS(run_recipe(driven({"forecast.series="}), silent), DataError);  // times that do not grow
  CHECK_THROWS_WITH(run_recipe(driven({"forecast.series=day"}), silent), Catch::Matchers::StartsWith("d.json: "));
  CHECK_THROWS_WITH(run_recipe(driven({"forecast.known=[\"weather\"]"}), silent),
                    Catch::Matchers::StartsWith("d.json: "));
  CHECK_THROWS_WITH(driven({"forecast.known_masks=true", "forecast.known=[]"}),
                    Catch::Matchers::StartsWith("d.json: forecast: forecaster: expected known inputs"));
}

TEST_CASE("folds of a recipe keep series apart, and a step of it makes what is known") {
  write_drives();
  const RecipeResult folds = run_recipe(
      driven({"training.epochs=2", "pipeline.out_of_range=pass",  // drives differ more than the first one within itself
              R"(cross_validation={"by": "rolling_origin", "n_splits": 2, "test_size": 60})"}),
      silent);
  REQUIRE(folds.cross_validation);
  CHECK(folds.cross_validation->folds.size() == 2);

  const RecipeResult made =
      run_recipe(driven({"training.epochs=2", "forecast.known=[\"works\", \"time_holiday\"]",
                         R"(pipeline={"steps": [{"class": "time_features", "columns": ["time"], "time_of_day": false,
                                      "day_of_week": false, "holidays": ["2024-01-01"]}]})"}),
                 silent);
  CHECK(made.forecaster->sensors() == Names{"speed"});
  CHECK(made.forecaster->frame().known_center[1] == 1);
  CHECK(made.forecaster->frame().known_scale[1] == 1);
}

TEST_CASE("a recipe goes on from a forecaster of series with known inputs") {
  write_drives();
  run_recipe(driven({"output.model=driven_first.h5"}), silent);
  Recipe onward = parse_recipe(R"({"base": "driven_first.h5",
      "data": {"files": ["drive_b.csv", "drive_c.csv"], "file_column": "drive"}, "split": {"test": 0.3},
      "training": {"epochs": 2}})",
                               "o.json");
  const RecipeResult result = run_recipe(onward, silent);
  CHECK(result.forecasts->windows() == 54 - 4);
  // Its file is read once, before all else: what was read is what is gone on from.
  onward.base_model = std::make_shared<const Model>(load_model("driven_first.h5"));
  std::filesystem::remove("driven_first.h5");
  CHECK(run_recipe(onward, silent).model.get_weights() == result.model.get_weights());
  onward.base_model = nullptr;
  CHECK_THROWS_WITH(run_recipe(onward, silent), Catch::Matchers::Contains("driven_first.h5"));
}

TEST_CASE("a base is read once: trials and the training go on from the same bytes") {
  write_line_csv("line.csv");
  run_recipe(line({"output.model=once.h5", "training.epochs=3"}), silent);
  const auto onward = [] {
    return parse_recipe(R"({"base": "once.h5", "data": {"files": "line.csv"}, "split": {"validation": 0.2, "test": 0.2},
                            "training": {"epochs": 3, "loss": "mse"},
                            "tuner": {"trials": 3, "threads": 1, "space": {"training.batch_size": [4, 8, 16]}}})",
                        "r.json");
  };
  const RecipeResult whole = run_recipe(onward(), silent);
  const RecipeResult replaced = run_recipe(
      onward(), {.verbose = 0, .trial_end = [](const TrialResult&) { write_text("once.h5", "no model any more"); }});
  CHECK(text_of("once.h5") == "no model any more");
  for (const TrialResult& each : replaced.tuning->report.results()) CHECK(each.error.empty());
  CHECK(replaced.model.get_weights() == whole.model.get_weights());
}
