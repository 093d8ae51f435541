// Trials of a forecast are judged on the same targets with the same truth, whatever they make of the rows.
#include <cmath>

#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

/// Two waves; of the 240 rows before the test the last 60 are for validation. Some of north's readings are missing.
void write_holes() {
  std::string text = "north,south\n";
  for (int i = 0; i < 300; ++i) {
    const bool hole = i % 40 == 7 || i == 210;
    text += hole ? "" : fmt::format("{:.4f}", 50 + 10 * std::sin(0.3 * i));
    text += fmt::format(",{:.4f}\n", 20 + 4 * std::sin(0.2 * i));
  }
  write_text("tuned_holes.csv", text);
}

Recipe holes(const std::string& space, const std::vector<std::string>& changes = {}) {
  std::vector<std::string> all{"tuner.space=" + space};
  all.insert(all.end(), changes.begin(), changes.end());
  return parse_recipe(R"({
    "data": {"files": "tuned_holes.csv"},
    "split": {"validation": 0.2, "test": 0.2},
    "forecast": {"windows": {"lags": 4, "horizons": [1, 3]}, "changes": true},
    "network": {"layers": [{"class": "dense", "units": 8, "activation": "relu"}], "embedding": 2},
    "training": {"optimizer": {"class": "adam", "learning_rate": 0.01}, "loss": "mse", "epochs": 3},
    "tuner": {"trials": 20}
  })",
                      "w.json", all);
}

/// The mean absolute error on targets from reading 180 on of windows of so many whole lags, by loops.
double judged_error(const Forecaster& forecaster, Index lags) {
  const Readings readings = readings_of(read_csv("tuned_holes.csv")).part({0, 240});
  ForecastWindowOptions each = forecaster.options().windows;
  each.stride = 1;
  const Forecasts forecasts = forecaster.forecast(ForecastWindows(readings, each));
  double error = 0, count = 0;
  for (Index window = 0; window < forecasts.windows(); ++window) {
    const Index origin = forecasts.origins[static_cast<std::size_t>(window)];
    if (origin + 1 < 180) continue;
    for (Index sensor = 0; sensor < 2; ++sensor) {
      if (readings.values.block(origin - lags + 1, sensor, lags, 1).hasNaN()) continue;
      for (Index step = 0; step < 2; ++step) {
        const Index column = forecasts.column(step, sensor);
        const double off = std::abs(double(forecasts.truth(window, column)) - double(forecasts.values(window, column)));
        if (std::isnan(double(forecasts.truth(window, column)))) continue;
        error += off;
        ++count;
      }
    }
  }
  return error / count;
}

std::string error_of(const RecipeResult& result, const std::string& path, const std::string& value) {
  for (const TrialResult& each : result.tuning->report.results())
    if (each.trial.text(path) == value) return each.error;
  return "no such trial";
}

}  // namespace

TEST_CASE("lags, filling and masks may be tuned: all trials are judged on the windows that the strictest answers on") {
  write_holes();
  const RecipeResult result =
      run_recipe(holes(R"({"forecast.windows.lags": [2, 4, 8], "forecast.windows.fill_missing": [true, false],
                "forecast.windows.stride": [1, 2]})"),
                 silent);
  CHECK(result.tuning->report.results().size() == 12);
  for (const TrialResult& each : result.tuning->report.results()) {
    CAPTURE(each.error);
    CHECK(each.error.empty());
    const auto lags = Index(each.trial.real("forecast.windows.lags"));
    const std::string fills = each.trial.text("forecast.windows.fill_missing");
    CAPTURE(lags, fills);
    Recipe alone = holes("{\"training.epochs\": [3]}",
                         {fmt::format("forecast.windows.lags={}", lags), "forecast.windows.fill_missing=" + fills,
                          fmt::format("forecast.windows.stride={}", each.trial.real("forecast.windows.stride"))});
    alone.tuner.reset();
    CHECK(each.score == Approx(judged_error(*run_recipe(alone, silent).forecaster, 8)).epsilon(1e-5));
  }
  const TrialResult& best = result.tuning->report.best();
  CHECK(result.forecaster->options().windows.lags == Index(best.trial.real("forecast.windows.lags")));
  CHECK(best.score == Approx(judged_error(*result.forecaster, 8)).epsilon(1e-5));
  for (const auto& [name, value] : result.tuning->baselines) CHECK(std::isfinite(value));
  CHECK(result.tuning->baselines.size() == 3);

  const RecipeResult masked = run_recipe(
      holes(R"({"forecast.masks": [true, false], "forecast.windows.lags": {"low": 2, "high": 6, "integer": true}})",
            {"forecast.windows.fill_missing=true", "tuner.trials=4"}),
      silent);
  for (const TrialResult& each : masked.tuning->report.results()) CHECK(each.error.empty());
}

TEST_CASE("the truth of trials is that of the recipe's own readings, whatever their steps make of them") {
  write_holes();
  const RecipeResult scaled =
      run_recipe(holes(R"({"pipeline.steps": [[], [{"class": "min_max"}]]})", {"training.epochs=10"}), silent);
  REQUIRE(scaled.tuning->report.results().size() == 2);
  for (const TrialResult& each : scaled.tuning->report.results()) {
    CHECK(each.error.empty());
    const bool is_scaled = each.trial.text("pipeline.steps") != "[]";
    CHECK((each.score > 15) == is_scaled);  // forecasts from 0 to 1 of speeds about 50 and 20
  }
  CHECK(scaled.forecaster->frame().table->pipeline().steps().empty());
}

TEST_CASE("a trial that cannot answer on a window of all fails, with the reason") {
  write_holes();
  const std::string dropping =
      R"({"pipeline.steps": [["drop_missing_rows"], [], [{"class": "valid_range", "high": 30}]]})";
  const RecipeResult timed = run_recipe(
      holes(dropping,
            {R"(data.times={"column": "time", "start": "2024-01-01 00:00", "seconds": 300})", "forecast.time=time"}),
      silent);
  CHECK(error_of(timed, "pipeline.steps", "[]").empty());
  CHECK(error_of(timed, "pipeline.steps", "[\"drop_missing_rows\"]").find("got steps that leave out row ") !=
        std::string::npos);
  const RecipeResult left_out = run_recipe(holes(dropping), silent);
  CHECK(error_of(left_out, "pipeline.steps", "[]").empty());
  CHECK(error_of(left_out, "pipeline.steps", "[\"drop_missing_rows\"]").find("expected a column of times") !=
        std::string::npos);
  const std::string none = error_of(left_out, "pipeline.steps", R"([{"class": "valid_range", "high": 30}])");
  INFO(none);
  CHECK_FALSE(none.empty());

  const RecipeResult some = run_recipe(
      holes(R"({"pipeline.steps[0].high": [59, 100]})", {R"(pipeline.steps=[{"class": "valid_range", "high": 100}])"}),
      silent);
  for (const TrialResult& each : some.tuning->report.results())
    CHECK((each.error.find("expected a forecast for all that trials are judged on, got none of \"north\"") !=
           std::string::npos) == (each.trial.real("pipeline.steps[0].high") == 59));

  // Of a recipe whose every window has a missing reading no trial can be judged.
  CHECK_THROWS_WITH(run_recipe(holes(R"({"forecast.windows.lags": [4, 44]})", {"forecast.mode=joint"}), silent),
                    Catch::Matchers::StartsWith(
                        "w.json: tuner: expected targets of the validation share that trials can be judged on"));
}
