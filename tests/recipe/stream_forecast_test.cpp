// Recipes for forecasts of files that are larger than memory.
#include <cmath>
#include <filesystem>
#include <limits>

#include "maas/data/times.hpp"
#include "recipe/judged_alarms.hpp"
#include "recipe/judged_stream.hpp"
#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

/// Every five minutes, but for a jump of time before row `jump`; from row `planted` on of another world. Rows begin
/// with that of number `begin`.
void write_waves(const std::string& path, int begin, int end, int planted = 1000000, int jump = 213) {
  std::string text = "time,north,south\n";
  for (int i = begin; i < end; ++i)
    text += fmt::format("{},{},{:.4f}\n", format_time(1704067200.0 + 300.0 * (i < jump ? i : i + 50)),
                        i % 37 == 11 ? "" : fmt::format("{:.4f}", i < planted ? 50 + 10 * std::sin(0.3 * i) : 1e4 + i),
                        20 + 4 * std::sin(0.2 * i) + i % 3);
  write_text(path, text);
}

const std::string streamed_wave_recipe = R"({
  "data": {"files": ["waves_a.csv", "waves_b.csv"]},
  "split": {"validation": 0.1, "test": 0.2},
  "pipeline": {"steps": [{"class": "valid_range", "columns": ["north"], "low": 0, "high": 200}]},
  "forecast": {"time": "time", "windows": {"lags": 4, "horizons": [1, 3]}, "time_of_day": true, "weekends": true,
               "unit": "mph", "intervals": {"coverage": 0.8, "rate": 0.02, "window": 60},
               "alarm": {"value": 46, "probability": 0.3, "values": {"south": 18}}},
  "network": {"layers": [{"class": "dense", "units": 8, "activation": "relu"}], "embedding": 2},
  "training": {"optimizer": {"class": "adam", "learning_rate": 0.01}, "loss": "mse", "epochs": 3, "shuffle": false}
})";

Recipe streamed_waves(const std::vector<std::string>& changes = {}) {
  return parse_recipe(streamed_wave_recipe, "w.json", changes);
}

const std::string wave_blocks = R"(data.stream={"block_rows": 29, "mixed_blocks": 2})";

std::vector<std::string> streamed(std::vector<std::string> changes) {
  changes.insert(changes.begin(), wave_blocks);
  return changes;
}

std::string wave_problem(const std::vector<std::string>& changes) {
  return tests::problem_of(
      [](const std::vector<std::string>& all) { run_recipe(streamed_waves(streamed(all)), silent); }, changes);
}

void write_both(int planted = 1000000) {
  write_waves("waves_a.csv", 0, 160, planted);
  write_waves("waves_b.csv", 160, 500, planted);
}

void check_same(const ScoreTable& found, const ScoreTable& expected) {
  REQUIRE(found.rows().size() == expected.rows().size());
  for (std::size_t i = 0; i < found.rows().size(); ++i) {
    const ScoreTable::Row &a = found.rows()[i], &b = expected.rows()[i];
    CAPTURE(a.model, a.horizon);
    CHECK(a.model == b.model);
    CHECK(a.scores.count == b.scores.count);
    CHECK(a.scores.mae == Approx(b.scores.mae));
    CHECK(a.scores.rmse == Approx(b.scores.rmse));
  }
}

void check_same(const AlarmReport& found, const AlarmReport& expected) {
  CHECK(found.events == expected.events);
  CHECK(found.warned == expected.warned);
  CHECK(found.alarms == expected.alarms);
  CHECK(found.right == expected.right);
  CHECK(found.days == expected.days);
  CHECK(found.false_alarms_a_day == expected.false_alarms_a_day);
  if (expected.warned > 0) CHECK(found.mean_lead_minutes == Approx(expected.mean_lead_minutes));
}

/// The rows of both files.
Table both_files() {
  std::string text = text_of("waves_a.csv"), more = text_of("waves_b.csv");
  write_text("waves_both.csv", text + more.substr(more.find('\n') + 1));
  return read_csv("waves_both.csv");
}

}  // namespace

TEST_CASE("a recipe for forecasts in a stream has the bits of one in memory where nothing is shuffled") {
  write_both();
  const RecipeResult whole = run_recipe(
      streamed_waves({"output.model=whole.h5", "output.report=whole.html", "output.predictions=whole_test.csv"}),
      silent);
  const RecipeResult found = run_recipe(streamed_waves(streamed({"output.model=parted.h5", "output.report=parted.html",
                                                                 "output.predictions=parted_test.csv"})),
                                        silent);
  CHECK(found.rows.all == 500);
  CHECK(found.rows.test == 100);
  CHECK(found.rows.validation == whole.rows.validation);
  CHECK(found.rows.training == whole.rows.training);
  CHECK(found.model.get_weights() == whole.model.get_weights());
  CHECK(found.history["val_loss"] == whole.history["val_loss"]);
  CHECK(found.forecaster->baselines().config() == whole.forecaster->baselines().config());
  check_same(*found.scores, *whole.scores);
  REQUIRE(found.coverage.size() == whole.coverage.size());
  for (std::size_t i = 0; i < found.coverage.size(); ++i) {
    CAPTURE(whole.coverage[i].name);
    CHECK(found.coverage[i].name == whole.coverage[i].name);
    CHECK(found.coverage[i].covered == Approx(whole.coverage[i].covered));
    CHECK(found.coverage[i].width == Approx(whole.coverage[i].width));
  }
  const Matrix errors = found.forecaster->intervals()->errors(), expected = whole.forecaster->intervals()->errors();
  REQUIRE(errors.rows() == expected.rows());
  for (Index i = 0; i < errors.size(); ++i) {
    CHECK(std::isnan(errors.data()[i]) == std::isnan(expected.data()[i]));
    if (!std::isnan(expected.data()[i])) CHECK(std::abs(errors.data()[i] - expected.data()[i]) < Scalar(1e-3));
  }
  CHECK(found.forecasts->origins == whole.forecasts->origins);
  REQUIRE(found.alarms.has_value());
  CHECK(whole.alarms->warned > 0);
  CHECK(whole.alarms->alarms > whole.alarms->right);
  check_same(*found.alarms, *whole.alarms);
  REQUIRE(found.naive_alarms.has_value());
  CHECK(whole.naive_alarms->warned > 0);
  check_same(*found.naive_alarms, *whole.naive_alarms);
  CHECK(found.forecaster->naive_intervals()->errors().rows() == whole.forecaster->naive_intervals()->errors().rows());
  // Predictions to the digits that float has.
  const Table of_stream = read_csv("parted_test.csv"), of_memory = read_csv("whole_test.csv");
  REQUIRE(of_stream.rows() == of_memory.rows());
  CHECK(of_stream.texts("sensor") == of_memory.texts("sensor"));
  CHECK(of_stream.times("origin") == of_memory.times("origin"));
  for (std::size_t row = 0; row < of_stream.numbers("forecast").size(); ++row) {
    const double a = of_stream.numbers("forecast")[row], b = of_memory.numbers("forecast")[row];
    if (!std::isnan(b)) CHECK(a == Approx(b));
  }
  const std::string page = text_of("parted.html");
  for (const char* part : {"persistence", "ridge VAR", "adaptive, 15 minutes", "north", "<svg"})
    CHECK(page.find(part) != std::string::npos);
  CHECK(page.find("Drawings and the errors") == std::string::npos);  // they show all
  const Forecaster loaded = load_forecaster("parted.h5");
  CHECK(loaded.baselines().baselines.size() == 5);
  CHECK(loaded.intervals()->options().window == 60);
  CHECK(loaded.reading().has_value());
}

TEST_CASE("alarms in a stream are those in memory, at each reading whatever the stride, with holes between horizons") {
  write_waves("waves_a.csv", 0, 160, 1000000, 440);  // time jumps within the test
  write_waves("waves_b.csv", 160, 500, 1000000, 440);
  Index right = 0;
  for (const std::string horizons : {"[1, 3]", "[3]", "[2, 5, 7]"}) {
    std::optional<AlarmReport> at_each;
    for (const Index stride : {1, 2, 3}) {
      CAPTURE(horizons, stride);
      const std::vector<std::string> changes{"forecast.windows.horizons=" + horizons,
                                             fmt::format("forecast.windows.stride={}", stride),
                                             "output.model=strided.h5"};
      const RecipeResult whole = run_recipe(streamed_waves(changes), silent);
      const RecipeResult found = run_recipe(streamed_waves(streamed(changes)), silent);
      REQUIRE((found.alarms && found.naive_alarms && whole.alarms && whole.naive_alarms));
      check_same(*found.alarms, *whole.alarms);
      check_same(*found.naive_alarms, *whole.naive_alarms);
      right += whole.alarms->right;
      CHECK(whole.forecasts->origins[1] - whole.forecasts->origins[0] == stride);  // all else goes by the stride
      CHECK(found.forecasts->origins == whole.forecasts->origins);
      if (!at_each) at_each = whole.alarms;
      CHECK(whole.alarms->events == at_each->events);
      CHECK(whole.alarms->days == at_each->days);
      CHECK(whole.naive_alarms->events == at_each->events);
      // The file's, too.
      const Forecaster loaded = load_forecaster("strided.h5");
      const Readings test = loaded.readings(both_files().part(400, 500));
      const recipe::JudgedAlarms of_file = recipe::judge_alarms_of(loaded, test, loaded.forecast(test));
      REQUIRE((of_file.alarms && of_file.naive));
      CHECK(of_file.alarms->events == at_each->events);
      CHECK(of_file.alarms->days == at_each->days);
      CHECK(of_file.naive->events == at_each->events);
      if (stride > 1)
        CHECK_THROWS_WITH(judge_alarms(*loaded.intervals(), *whole.forecasts, *loaded.alarm()),
                          Catch::Matchers::Contains("expected windows at each reading"));
    }
    CHECK(at_each->events > 0);
  }
  CHECK(right > 0);
}

TEST_CASE("alarms of blocks are those of all windows together, wherever blocks end") {
  Forecasts all{.model = "made", .horizons = {2, 5}, .sensors = {"a", "b"}, .seconds_a_reading = 300};
  const auto reading = [](Index row, Index sensor) {
    if (row % 29 == 3) return std::numeric_limits<Scalar>::quiet_NaN();
    return Scalar((row * (sensor + 3) + row / 7) % 13 < 2 ? 30 : 50);
  };
  for (Index row = 0; row < 200; ++row)
    if (row < 90 || row >= 110) all.origins.push_back(row);
  const auto windows = static_cast<Index>(all.origins.size());
  all.truth.resize(windows, 4);
  all.last.resize(windows, 2);
  Matrix chances = Matrix::Zero(windows, 4);
  for (Index window = 0; window < windows; ++window)
    for (Index sensor = 0; sensor < 2; ++sensor) {
      const Index row = all.origins[static_cast<std::size_t>(window)];
      all.last(window, sensor) = reading(row, sensor);
      all.truth(window, sensor) = reading(row + 2, sensor);
      all.truth(window, 2 + sensor) = reading(row + 5, sensor);
      chances(window, 2 + sensor) = (row * 5 + sensor) % 7 < 3 ? Scalar(0.9) : Scalar(0.1);
    }
  all.values = all.truth;
  const AlarmOptions options{.value = 40};
  const AlarmReport expected = judge_alarms(all, raise_alarms(all, chances, options), options);
  CHECK(expected.right > 10);
  CHECK(expected.warned > 10);
  for (const Index size : {1, 2, 7, 50, 1000}) {
    CAPTURE(size);
    recipe::RunningAlarms alarms(options);
    for (Index begin = 0; begin < windows; begin += size) {
      const Index end = std::min(begin + size, windows);
      alarms.add(all.part({begin, end}), chances.middleRows(begin, end - begin));
      if (begin == 0) alarms.report();  // tells of what came, and goes on
    }
    check_same(alarms.report(), expected);
  }
}

TEST_CASE("shuffled forecasts in a stream end with the same bits, read ahead or not, networks one by one") {
  write_both();
  const auto weights = [](const std::vector<std::string>& changes) {
    return run_recipe(streamed_waves(streamed(changes)), silent).model.get_weights();
  };
  const auto once = weights({"training.shuffle=true"});
  CHECK(weights({"training.shuffle=true"}) == once);
  CHECK(weights({"training.shuffle=true", "data.stream.prefetch=false"}) == once);
  const auto ensemble = weights({"training.shuffle=true", "forecast.networks=2"});
  CHECK(ensemble == weights({"training.shuffle=true", "forecast.networks=2", "data.stream.prefetch=false"}));
  CHECK(ensemble.size() == 2 * once.size());
}

TEST_CASE("what a stream of forecasts has learned does not know of the test") {
  write_both();
  const RecipeResult fair = run_recipe(streamed_waves(streamed({})), silent);
  write_both(400);  // the first row of the test
  const RecipeResult planted = run_recipe(streamed_waves(streamed({})), silent);
  CHECK(planted.model.get_weights() == fair.model.get_weights());
  CHECK(planted.forecaster->config() == fair.forecaster->config());
  CHECK(planted.forecaster->baselines().config() == fair.forecaster->baselines().config());
  CHECK(planted.scores->at("network", 3).scores.mae != fair.scores->at("network", 3).scores.mae);
  write_both(340);  // within the validation share: neither scaling nor weights know it, intervals do
  const RecipeResult later = run_recipe(streamed_waves(streamed({"pipeline.steps=[]"})), silent);
  write_both();
  const RecipeResult plain = run_recipe(streamed_waves(streamed({"pipeline.steps=[]"})), silent);
  CHECK(plain.rows.training == 350);
  CHECK(later.rows.training == 350);
  CHECK_FALSE(later.model.get_weights() == plain.model.get_weights());  // row 340 is learned from
  write_both(350);
  const std::vector<std::string> passing{"pipeline.steps=[]", "pipeline.out_of_range=pass"};
  CHECK(run_recipe(streamed_waves(streamed(passing)), silent).model.get_weights() == plain.model.get_weights());
}

TEST_CASE("streams of forecasts without a test, or without intervals, keep what there is") {
  write_both();
  const RecipeResult untested =
      run_recipe(streamed_waves(streamed({"split.test=0", "output.model=untested.h5"})), silent);
  CHECK_FALSE(untested.scores);
  CHECK(untested.coverage.empty());
  CHECK(load_forecaster("untested.h5").baselines().baselines.size() == 5);
  CHECK(load_forecaster("untested.h5").intervals().has_value());
  const RecipeResult plain = run_recipe(streamed_waves(streamed({"forecast.intervals={\"coverage\": 0.8}"})), silent);
  CHECK(plain.coverage.size() == 3);
  CHECK(plain.coverage[2].name == "split, all horizons");
}

TEST_CASE("what needs all readings in memory is refused beside a stream of forecasts") {
  write_both();
  const std::pair<std::vector<std::string>, std::string> problems[] = {
      {{R"(tuner={"space": {"training.batch_size": [16, 32]}, "trials": 2})"},
       "w.json: tuner: expected none beside data.stream and a forecast, as its trainings"},
      {{R"(cross_validation={"by": "rolling_origin"})"},
       "w.json: cross_validation: expected none beside data.stream and a forecast, as its trainings"},
      {{R"(pipeline.steps=["valid_range", {"class": "impute", "fill": "forward_fill"}])"},
       "w.json: pipeline.steps[1].fill: a fill along the rows cannot learn in a stream"},
      {{R"(forecast.series="road")"},
       "w.json: forecast.series: expected none beside data.stream, whose rows are one series"},
      {{R"(forecast.known=["works"])"},
       "w.json: forecast.known: expected none beside data.stream, whose rows are one series"},
      {{R"(pipeline.steps=["valid_range", {"class": "impute", "columns": ["q"]}])"},
       "w.json: pipeline.steps[1]: Impute: expected a column \"q\", got columns "},
      {{R"(data.types={"zz": "number"})"}, "w.json: data.types.zz: waves_a.csv: expected a column \"zz\", got "},
      {{"split.test=0.01"}, "w.json: split.test: expected none or at least 7 rows"}};
  for (const auto& [changes, expected] : problems) {
    CAPTURE(changes[0], wave_problem(changes));
    CHECK(wave_problem(changes).find(expected) == 0);
  }
}

TEST_CASE("drawings have the last windows of many, and say so") {
  Forecasts block{.model = "made", .horizons = {1}, .sensors = {"a"}, .seconds_a_reading = 300};
  recipe::JudgedStream judged;
  for (Index first = 0; first < 5000; first += 700) {
    block.origins.clear();
    block.times.clear();
    const Index count = std::min<Index>(700, 5000 - first);
    block.values.resize(count, 1);
    for (Index i = 0; i < count; ++i) {
      block.origins.push_back(first + i);
      block.times.push_back(300.0 * static_cast<double>(first + i));
      block.values(i, 0) = static_cast<Scalar>(first + i);
    }
    block.truth = block.values;
    block.last = block.values;
    judged.last.add(block, Intervals{block.values, block.values});
  }
  const Forecasts& last = *judged.last.forecasts();
  CHECK(last.windows() == 2016);
  CHECK(last.origins.front() == 5000 - 2016);
  CHECK(last.values(2015, 0) == 4999);
  CHECK(last.times.back() == 300 * 4999);
  CHECK(judged.last.intervals()->lower == last.values);
  CHECK(judged.note().find("the last 2016 of 5000 windows") != std::string::npos);
}
