// Recipes for forecasts.
#include <cmath>
#include <filesystem>

#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

void write_waves(const std::string& path, int rows = 400) {
  std::string text = "time,north,south\n";
  for (int i = 0; i < rows; ++i)
    text += fmt::format("2024-01-{:02d} {:02d}:{:02d},{:.4f},{:.4f}\n", 1 + i / 288, i / 12 % 24, i % 12 * 5,
                        50 + 10 * std::sin(0.3 * i), 20 + 4 * std::sin(0.2 * i));
  write_text(path, text);
}

const std::string wave_recipe = R"({
  "data": {"files": "waves.csv"},
  "split": {"validation": 0.1, "test": 0.2},
  "forecast": {"time": "time", "windows": {"lags": 4, "horizons": [1, 3]}, "scale_each": true, "changes": true,
               "unit": "mph"},
  "network": {"layers": [{"class": "dense", "units": 16, "activation": "relu"}], "embedding": 2},
  "training": {"optimizer": {"class": "adam", "learning_rate": 0.01}, "loss": "mse", "epochs": 30,
               "callbacks": [{"class": "early_stopping", "patience": 10}]}
})";

Recipe waves(const std::vector<std::string>& changes = {}) { return parse_recipe(wave_recipe, "w.json", changes); }

}  // namespace

TEST_CASE("readings of a test far beyond those of training are refused, unless the recipe has another policy") {
  write_waves("waves.csv");
  write_text("far_waves.csv", text_of("waves.csv") + "2024-01-02 09:20,500,20\n");
  for (const std::string also : {"training.seed=0", "data.stream.block_rows=50"}) {
    const auto run = [&](const std::string& policy) {
      return run_recipe(waves({"data.files=far_waves.csv", "training.epochs=1", also, policy}), silent);
    };
    CHECK_THROWS_WITH(run("name=far"),
                      Catch::Matchers::StartsWith("w.json: pipeline: test rows: Pipeline: expected \"north\" from ") &&
                          Catch::Matchers::ContainsSubstring("out_of_range \"pass\""));
    CHECK_THROWS_WITH(run("pipeline.range_margin=2"), Catch::Matchers::ContainsSubstring("a margin of 2 of that"));
    CHECK(run("pipeline.range_margin=100").scores->at("network", 3).scores.missed == 0);
    const RecipeResult result = run("pipeline.out_of_range=pass");
    REQUIRE(result.scores);
    CHECK(result.scores->at("network", 3).scores.missed == 0);
    CHECK(run("pipeline.out_of_range=clip").scores->at("network", 3).scores.mae <
          result.scores->at("network", 3).scores.mae - 1);
  }
}

TEST_CASE("a recipe for forecasts runs: scored beside baselines on the test readings, saved as a forecaster") {
  write_waves("waves.csv");
  const RecipeResult result = run_recipe(
      waves({"output.model=waves.h5", "output.report=waves.html", "output.predictions=waves_test.csv"}), silent);
  CHECK(result.rows.all == 400);
  CHECK(result.rows.test == 80);
  CHECK(result.rows.validation == 40);
  CHECK(result.history.contains("val_loss"));
  REQUIRE(result.scores);
  CHECK(result.scores->at("network", 3).scores.mae < 0.2 * result.scores->at("persistence", 3).scores.mae);
  CHECK(result.scores->at("ridge VAR", 1).scores.count == result.scores->at("network", 1).scores.count);
  const Forecaster loaded = load_forecaster("waves.h5");
  CHECK(loaded.sensors() == std::vector<std::string>{"north", "south"});
  const Readings readings = readings_of(read_csv("waves.csv"), "time");
  CHECK(loaded.predict(readings) == result.forecaster->predict(readings));
  // The file keeps the baselines: whoever scores it has the same table.
  const Table table = read_csv("waves.csv");
  const Readings test = loaded.readings(table.part(320, 400));
  CHECK(loaded.compare(loaded.baselines().baselines, test).text() == result.scores->text());
  CHECK(loaded.baselines().left_out.empty());
  CHECK(loaded.reference()->inputs[1].name == "south");
  const RecipeResult untested =
      run_recipe(waves({"split.test=0", "output.model=waves.h5", "training.epochs=1"}), silent);
  CHECK(load_forecaster("waves.h5").baselines().baselines.size() == 4);
  const std::string page = text_of("waves.html");
  for (const char* part :
       {"north, 5 minutes", "north, 15 minutes", "persistence", "all sensors, 15 minutes", "in mph"}) {
    INFO(part);
    CHECK(page.find(part) != std::string::npos);
  }
  const Table written = read_csv("waves_test.csv");
  CHECK(written.names() == std::vector<std::string>{"origin", "horizon", "sensor", "true", "forecast"});
  CHECK(written.rows() == result.forecasts->windows() * 4);
  CHECK(written.numbers("true")[0] == Approx(double(result.forecasts->truth(0, 0))));
  CHECK(written.numbers("forecast")[1] == Approx(double(result.forecasts->values(0, 1))));
}

TEST_CASE("files without times are given them, and what needs times is as with a column of them") {
  write_waves("waves.csv");
  const Table with_times = read_csv("waves.csv");
  write_csv("timeless.csv", with_times.matrix({"north", "south"}), {"north", "south"});
  const std::vector<std::string> common = {"forecast.time_of_day=true", "training.epochs=2"};
  std::vector<std::string> counted = common;
  counted.insert(counted.end(), {"data.files=timeless.csv", "output.model=counted.h5",
                                 R"(data.times={"start": "2024-01-01 00:00", "seconds": 300})"});
  const RecipeResult expected = run_recipe(waves(common), silent), found = run_recipe(waves(counted), silent);
  CHECK(found.forecasts->times == expected.forecasts->times);
  CHECK(found.forecasts->values == expected.forecasts->values);
  CHECK(found.scores->text() == expected.scores->text());
  CHECK(found.scores->at("historical average", 3).scores.count > 0);
  // They are of these files alone.
  const Forecaster loaded = load_forecaster("counted.h5");
  CHECK_THROWS_AS(loaded.readings(read_csv("timeless.csv"), "time"), DataError);
  CHECK(loaded.predict(loaded.readings(with_times, "time")) ==
        found.forecaster->predict(readings_of(with_times, "time")));
  // Of two files they go on from the first.
  const Matrix all = with_times.matrix({"north", "south"});
  write_csv("first.csv", all.topRows(150), {"north", "south"});
  write_csv("second.csv", all.bottomRows(250), {"north", "south"});
  counted[2] = R"(data.files=["first.csv", "second.csv"])";
  CHECK(run_recipe(waves(counted), silent).forecasts->values == expected.forecasts->values);
}

TEST_CASE("a recipe may fill missing readings, and tell the network where") {
  write_waves("waves.csv");
  std::string text = text_of("waves.csv");
  const auto lose = [&](int row) {  // north
    std::size_t place = 0;
    for (int i = 0; i <= row; ++i) place = text.find('\n', place) + 1;
    const std::size_t begin = text.find(',', place) + 1;
    text.replace(begin, text.find(',', begin) - begin, "");
  };
  for (int row = 9; row < 400; row += 9) lose(row);
  lose(399);  // the last
  write_text("holes.csv", text);
  const std::vector<std::string> changes = {"data.files=holes.csv", "output.model=holes.h5", "training.epochs=3"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), changes.begin(), changes.end());
    return waves(more);
  };
  const auto readings = [](const Forecaster& forecaster) { return forecaster.readings(read_csv("holes.csv")); };
  const RecipeResult plain = run_recipe(with({}), silent);
  CHECK(plain.scores->at("network", 1).scores.missed > 0);
  CHECK(std::isnan(plain.forecaster->predict(readings(*plain.forecaster))(0, 0)));

  const RecipeResult filled = run_recipe(with({"forecast.windows.fill_missing=true", "forecast.masks=true"}), silent);
  const Forecaster loaded = load_forecaster("holes.h5");
  CHECK(loaded.options().windows.fill_missing);
  CHECK(loaded.options().masks);
  CHECK(loaded.model().network().graph().input_shape(0).size() == 8);
  const Matrix next = loaded.predict(readings(loaded));
  CHECK(next.allFinite());
  CHECK(next == filled.forecaster->predict(readings(*filled.forecaster)));
  for (const ScoreTable::Row& row : filled.scores->rows()) {
    CAPTURE(row.model);
    CHECK(row.scores.missed == 0);
    CHECK(row.scores.count == plain.scores->at("network", row.horizon).scores.count +
                                  plain.scores->at("network", row.horizon).scores.missed);
  }
}

TEST_CASE("an ensemble's file has mean and spread of its networks, and large baselines where they are asked for") {
  write_waves("waves.csv");
  // 30 more sensors: ridge VAR has learned 32 * 12 + 1 by 32 * 12 numbers.
  Table table = read_csv("waves.csv");
  for (int sensor = 0; sensor < 30; ++sensor) {
    std::vector<double> numbers;
    for (int row = 0; row < 400; ++row) numbers.push_back(30 + sensor + 5 * std::sin(0.1 * row + sensor));
    table.add({.name = fmt::format("s{}", sensor), .numbers = std::move(numbers)});
  }
  write_csv("many.csv", table);
  const std::vector<std::string> changes = {"data.files=many.csv",
                                            "output.model=many.h5",
                                            "training.epochs=1",
                                            "forecast.windows.lags=12",
                                            "forecast.networks=2",
                                            "network.layers=[]",
                                            "forecast.windows.horizons=[1,2,3,4,5,6,7,8,9,10,11,12]"};
  std::vector<std::string> large = changes;
  large.push_back("forecast.large_baselines=true");
  for (const std::string path : {"many.h5", "many.keras"}) {
    large.push_back("output.model=" + path);
    const RecipeResult result = run_recipe(waves(large), silent);
    CHECK(result.forecaster->baselines().left_out.empty());
    const Forecaster loaded = load_forecaster(path);
    const Readings test = loaded.readings(table.part(320, 400));
    CHECK(loaded.networks() == 2);
    CHECK(loaded.compare(loaded.baselines().baselines, test).text() == result.scores->text());
    CHECK(loaded.compare(loaded.baselines().baselines, test).at("mean of 2 networks", 3).spread->mae > 0);
    CHECK(loaded.baselines().large_numbers().size() == 385 * 384);
    loaded.save("again.h5");
    CHECK(load_forecaster("again.h5").baselines().large_numbers() == loaded.baselines().large_numbers());
  }
  const auto large_size = std::filesystem::file_size("many.h5");
  const RecipeResult small = run_recipe(waves(changes), silent);
  CHECK(small.forecaster->baselines().left_out ==
        std::vector<std::string>{"ridge VAR: it has learned 147840 numbers, more than 131072"});
  CHECK(large_size - std::filesystem::file_size("many.h5") > 147840 * 8 - 1000);
  CHECK(large_size - std::filesystem::file_size("many.h5") < 147840 * 8 + 1000);
  std::vector<std::string> untested = large;
  untested.push_back("split.test=0");
  CHECK(run_recipe(waves(untested), silent).forecaster->baselines().baselines.size() == 4);
}

TEST_CASE("intervals are calibrated on what was held back, and judged on the test") {
  write_waves("waves.csv");
  const RecipeResult result = run_recipe(
      waves({R"(forecast.intervals={"coverage": 0.8, "rate": 0.02, "window": 60})", "output.report=waves.html"}),
      silent);
  REQUIRE(result.coverage.size() == 6);  // two horizons and all, for each kind
  CHECK(result.coverage[0].name == "split, 5 minutes");
  CHECK(result.coverage[5].name == "adaptive, all horizons");
  for (const IntervalCoverage& each : result.coverage) {
    CAPTURE(each.name);
    CHECK(each.nominal == 0.8);
    CHECK(each.covered > 0.5);
    CHECK(each.covered <= 1);
    CHECK(each.width > 0);
  }
  const std::string page = text_of("waves.html");
  CHECK(page.find("adaptive, all horizons") != std::string::npos);
  CHECK(page.find("<path class=\"band\"") != std::string::npos);
  CHECK(page.find("<summary>south: mean absolute error ") != std::string::npos);
  const ConformalIntervals& intervals = *result.forecaster->intervals();
  ConformalIntervals follows = intervals;
  CHECK(intervals_around(intervals, *result.forecasts).lower == follows.follow(*result.forecasts).lower);
  CHECK(run_recipe(waves({"forecast.intervals={}", "training.epochs=1"}), silent).coverage.size() == 3);
}

TEST_CASE(
    "intervals and an alarm are judged on the test, and saved with the model; without a test they are only saved") {
  write_waves("waves.csv");
  const std::vector<std::string> changes = {R"(forecast.intervals={"coverage": 0.8, "rate": 0.02, "window": 20})",
                                            R"(forecast.alarm={"value": 45, "probability": 0.4, "horizon": 3})",
                                            "output.model=warned.h5", "training.epochs=3"};
  const RecipeResult result = run_recipe(waves(changes), silent);
  REQUIRE(result.alarms);
  CHECK(result.alarms->events > 0);
  const Forecaster loaded = load_forecaster("warned.h5");
  REQUIRE(loaded.intervals());
  REQUIRE(loaded.alarm());
  CHECK(loaded.alarm()->value == 45);
  CHECK(loaded.intervals()->options().rate == 0.02);
  CHECK(loaded.intervals()->errors().rows() == 20);
  ConformalIntervals follows = *loaded.intervals();
  Matrix chances;
  follows.follow(*result.forecasts, 45, chances);
  const AlarmReport report =
      judge_alarms(*result.forecasts, raise_alarms(*result.forecasts, chances, *loaded.alarm()), *loaded.alarm());
  CHECK(report.alarms == result.alarms->alarms);
  CHECK(report.right == result.alarms->right);
  CHECK(judge_alarms(*loaded.intervals(), *result.forecasts, *loaded.alarm()).warned == result.alarms->warned);

  // Persistence stands beside it: on the windows of the same rows, its errors kept in the file, too.
  REQUIRE(result.naive_alarms);
  REQUIRE(loaded.naive_intervals());
  CHECK(loaded.naive_intervals()->errors().rows() == 20);
  const Table table = read_csv("waves.csv");
  const Index test = table.rows() - result.rows.test;
  const ForecastWindows held_back =
      loaded.windows(loaded.readings(table.part(0, test))).targets_from(test - result.rows.validation);
  const Baseline persistence = Baseline(Persistence{}).fit(held_back);
  const ForecastWindows judged = loaded.windows(loaded.readings(table.part(test, table.rows())));
  const AlarmReport naive =
      judge_alarms(ConformalIntervals(loaded.intervals()->options()).calibrate(persistence.forecast(held_back)),
                   persistence.forecast(judged), *loaded.alarm());
  CHECK(naive.alarms > 0);
  CHECK(naive.alarms != report.alarms);
  CHECK(result.naive_alarms->events == result.alarms->events);
  CHECK(result.naive_alarms->events == naive.events);
  CHECK(result.naive_alarms->alarms == naive.alarms);
  CHECK(result.naive_alarms->right == naive.right);
  CHECK(result.naive_alarms->warned == naive.warned);
  CHECK(judge_naive_alarms(*loaded.naive_intervals(), judged, *loaded.alarm()).right == naive.right);
  std::vector<std::string> untested = changes;
  untested.push_back("split.test=0");
  const RecipeResult other = run_recipe(waves(untested), silent);
  CHECK(other.coverage.empty());
  CHECK_FALSE(other.alarms);
  CHECK_FALSE(other.naive_alarms);
  CHECK(load_forecaster("warned.h5").naive_intervals());
  CHECK(load_forecaster("warned.h5").intervals());
}

TEST_CASE("an alarm may have values of sensors; an unknown one is refused before the training") {
  write_waves("waves.csv");
  const std::string alarm = R"(forecast.alarm={"value": 45, "probability": 0.4, "values": {"south": 18}})";
  const RecipeResult result =
      run_recipe(waves({"forecast.intervals={}", alarm, "output.model=warned.h5", "training.epochs=3"}), silent);
  const Forecaster loaded = load_forecaster("warned.h5");
  CHECK(loaded.alarm()->values == std::map<std::string, double>{{"south", 18}});
  AlarmOptions plain = *loaded.alarm();
  plain.values.clear();
  CHECK(judge_alarms(*loaded.intervals(), *result.forecasts, plain).events <
        result.alarms->events);  // south is below 45
  CHECK(judge_alarms(*loaded.intervals(), *result.forecasts, *loaded.alarm()).events == result.alarms->events);

  RunOptions never = silent;
  never.fold_end = [](const CrossValidation&) { FAIL("trained"); };
  CHECK_THROWS_WITH(run_recipe(waves({"forecast.intervals={}", alarm, "forecast.sensors=north",
                                      R"(cross_validation={"by": "rolling_origin"})"}),
                               never),
                    "w.json: forecast.alarm: alarms: unknown sensor \"south\" in values: expected one of north");
  CHECK_THROWS_WITH(waves({"forecast.intervals={}", R"(forecast.alarm={"values": {"south": "low"}})"}),
                    Catch::Matchers::StartsWith("w.json: forecast.alarm.values.south: "));
}

TEST_CASE("from a messy file to a forecaster that cleans what it forecasts from, and back") {
  write_waves("waves.csv");
  const std::string clean = text_of("waves.csv");
  std::string messy = clean;
  const auto line = [&](int row) {  // its beginning
    std::size_t place = 0;
    for (int i = 0; i <= row; ++i) place = messy.find('\n', place) + 1;
    return place;
  };
  const auto put = [&](int row, const std::string& north) {
    const std::size_t begin = messy.find(',', line(row)) + 1;
    messy.replace(begin, messy.find(',', begin) - begin, north);
  };
  put(20, "");       // a gap of one reading
  put(40, "-9999");  // an absurd one
  put(350, "");      // in the test
  put(390, "7000");
  messy.insert(line(60), messy.substr(line(60), line(61) - line(60)));  // a doubled row
  write_text("messy.csv", messy);
  const std::vector<std::string> changes = {
      "data.files=messy.csv", "output.model=messy.h5",
      R"(pipeline={"steps": ["drop_duplicate_rows", {"class": "valid_range", "low": 0, "high": 120},
                             {"class": "impute", "fill": "mean"}]})"};
  std::vector<std::string> without = changes;
  without.pop_back();
  CHECK_THROWS_WITH(run_recipe(waves(without), silent), Catch::Matchers::Contains("got 7000 in row 70"));
  without.emplace_back("pipeline.out_of_range=pass");
  CHECK_THROWS_WITH(run_recipe(waves(without), silent), Catch::Matchers::Contains("expected times that grow"));

  const RecipeResult result = run_recipe(waves(changes), silent);
  CHECK(result.rows.all == 401);
  CHECK(result.rows.test == 80);
  CHECK(result.rows.validation == 40);
  CHECK(result.rows.training == 281);
  CHECK(result.rows.left_out == 1);
  CHECK(result.forecaster->learned_readings() == 280);
  CHECK(result.scores->at("network", 3).scores.mae < result.scores->at("persistence", 3).scores.mae);

  const Forecaster loaded = load_forecaster("messy.h5");
  REQUIRE(loaded.frame().has_steps());
  CHECK(loaded.frame().config() == result.forecaster->frame().config());
  const Readings readings = loaded.readings(read_csv("messy.csv")), raw = readings_of(read_csv("waves.csv"), "time");
  REQUIRE(readings.rows() == 400);
  CHECK(readings.times == raw.times);
  double mean = 0;  // of the readings that the steps learned from: rows 0 to 280 of the file, two of them not there
  for (Index row = 0; row < 280; ++row)
    if (row != 20 && row != 40) mean += static_cast<double>(raw.values(row, 0)) / 278;
  for (Index row : {20, 40, 350, 390})
    CHECK(static_cast<double>(readings.values(row, 0)) == Approx(mean).epsilon(1e-5));
  CHECK(readings.values.col(1) == raw.values.col(1));
  CHECK(loaded.predict(readings) == result.forecaster->predict(readings));
  CHECK(loaded.predict(readings).allFinite());
}

TEST_CASE("the baselines of a recipe learn from the windows that the network learned from") {
  write_waves("waves.csv");
  const RecipeResult result = run_recipe(waves({"training.epochs=1"}), silent);
  const Readings all = readings_of(read_csv("waves.csv"), "time");
  const ForecastWindows learned = result.forecaster->windows(all.part({0, 320})).targets_before(280);
  const ScoreTable expected = result.forecaster->compare(fit_baselines(learned), all.part({320, 400}));
  CHECK(result.scores->config() == expected.config());
  CHECK(result.forecaster->learned_readings() == 280);
}

TEST_CASE("an ensemble has networks of its own, and is the mean of them") {
  write_waves("waves.csv");
  const std::vector<std::string> changes = {"forecast.networks=2", "training.epochs=3",
                                            "network.layers[0].name=hidden"};
  std::vector<std::string> shown = changes;
  shown.push_back("output.report=waves_of_two.html");
  const RecipeResult a = run_recipe(waves(changes), silent), b = run_recipe(waves(shown), silent);
  REQUIRE(a.forecaster->networks() == 2);
  const Readings readings = readings_of(read_csv("waves.csv"), "time");
  const Matrix first = a.forecaster->network(0).predict(readings), second = a.forecaster->network(1).predict(readings);
  CHECK(first != second);
  CHECK((a.forecaster->predict(readings) - (first + second) / 2).cwiseAbs().maxCoeff() < Scalar(1e-4));
  CHECK(a.forecaster->predict(readings) == b.forecaster->predict(readings));
  const std::string page = text_of("waves_of_two.html");
  for (const char* part : {"Network 1 of 2", "Network 2 of 2", "<th>epochs</th><td>3, 3</td>", "mean of 2 networks",
                           "in brackets the largest less the smallest"}) {
    INFO(part);
    CHECK(page.find(part) != std::string::npos);
  }
}

TEST_CASE("a run for forecasts is resumed; an ensemble is not") {
  write_waves("waves.csv");
  struct Stop {
    void epoch_end(TrainingView& view) const {
      if (view.epoch == 2) throw StateError("killed");
    }
  };
  const std::vector<std::string> changes = {"training.epochs=5", "output.model=wave.h5"};
  const RecipeResult whole = run_recipe(waves(changes), silent);
  std::filesystem::remove("wave.h5.backup");
  CHECK_THROWS_WITH(run_recipe(waves(changes), {.resume = true, .verbose = 0, .callbacks = {Stop{}}}), "killed");
  const RecipeResult resumed = run_recipe(waves(changes), {.resume = true, .verbose = 0});
  CHECK(resumed.history["loss"] == whole.history["loss"]);
  CHECK(resumed.model.get_weights()[1] == whole.model.get_weights()[1]);
  CHECK_THROWS_WITH(run_recipe(waves({"output.model=wave.h5", "forecast.networks=2"}), {.resume = true, .verbose = 0}),
                    Catch::Matchers::StartsWith("w.json: training.backup: expected none for an ensemble"));
}

TEST_CASE("a recipe goes on from a forecaster: its windows, steps and scaling, with intervals calibrated anew") {
  write_waves("waves.csv");
  const RecipeResult first = run_recipe(
      waves(
          {"output.model=wave_first.h5", "training.epochs=3", R"(forecast.intervals={"coverage": 0.8, "window": 20})",
           R"(forecast.alarm={"value": 45, "horizon": 3})", R"(forecast.scores={"averaging": "up_to_horizon"})",
           R"(pipeline={"steps": [{"class": "valid_range", "low": 0, "high": 120}, {"class": "impute", "fill": "mean"}]})"}),
      silent);
  const auto onward = [](const std::vector<std::string>& changes = {}) {
    return parse_recipe(R"({"base": "wave_first.h5", "data": {"files": "waves.csv"},
                            "split": {"validation": 0.1, "test": 0.2}, "output": {"model": "wave_more.h5"},
                            "training": {"epochs": 20}})",
                        "w.json", changes);
  };
  const auto weights = [](const RecipeResult& result) { return result.forecaster->model().get_weights(); };
  // Rates of next to nothing leave the weights as they were.
  const RecipeResult same = run_recipe(
      onward({R"(training={"loss": "mse", "optimizer": {"class": "sgd", "learning_rate": 1e-30}})"}), silent);
  CHECK(weights(same) == weights(first));
  CHECK(same.scores->config() == first.scores->config());
  CHECK(same.coverage.size() == first.coverage.size());

  const RecipeResult result = run_recipe(onward(), silent);
  CHECK(result.history["loss"].size() == 20);
  CHECK(result.history["loss"].front() < first.history["loss"].front());
  CHECK(result.scores->at("network", 3).scores.mae < first.scores->at("network", 3).scores.mae);
  REQUIRE(result.alarms);
  const Forecaster loaded = load_forecaster("wave_more.h5"), before = load_forecaster("wave_first.h5");
  CHECK(loaded.frame().config() == before.frame().config());
  CHECK(loaded.intervals()->errors() != before.intervals()->errors());
  CHECK(loaded.baselines().baselines.size() == 4);
  CHECK(loaded.model().info().training.size() == 2);
  const Readings readings = loaded.readings(read_csv("waves.csv"));
  CHECK(loaded.predict(readings) == result.forecaster->predict(readings));

  struct Stop {
    void epoch_end(TrainingView& view) const {
      if (view.epoch == 7) throw StateError("killed");
    }
  };
  std::filesystem::remove("wave_more.h5.backup");
  CHECK_THROWS_WITH(run_recipe(onward(), {.resume = true, .verbose = 0, .callbacks = {Stop{}}}), "killed");
  CHECK(weights(run_recipe(onward(), {.resume = true, .verbose = 0})) == weights(result));

  run_recipe(waves({"output.model=wave_mean.h5", "training.epochs=1", "forecast.networks=2"}), silent);
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"forecast={}"}, "w.json: base: expected no forecast beside it"},
      {{R"(network={"layers": [{"class": "dense", "units": 1}]})"}, "w.json: base: expected no network"},
      {{"split.by=random"}, "w.json: split.by: expected \"time\""},
      {{"split.validation=0"}, "w.json: forecast.intervals: expected a share in split for validation"},
      {{R"(tuner={"space": {"training.epochs": [1, 2]}})"}, "w.json: tuner: expected none beside a base"},
      {{"data.stream={}"}, "w.json: data.stream: expected none beside a base"},
      {{"base=wave_mean.h5"}, "w.json: base: expected a model that was compiled, or a loss"},
  };
  for (const auto& [changes, expected] : cases) {
    std::string problem;
    try {
      run_recipe(onward(changes), silent);
    } catch (const Error& error) {
      problem = error.what();
    }
    INFO(changes[0] << "\n" << problem);
    CHECK(problem.find(expected) == 0);
  }
  const RecipeResult mean = run_recipe(onward({"base=wave_mean.h5", "training.loss=mse"}), silent);
  CHECK(mean.forecaster->networks() == 2);
}

TEST_CASE("what is wrong with a recipe for forecasts is said") {
  write_waves("waves.csv");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{R"(pipeline={"targets": ["north"]})"}, "w.json: pipeline.targets: expected none beside a forecast"},
      {{R"(pipeline={"features": ["north"]})"}, "w.json: pipeline.features: expected none beside a forecast"},
      {{R"(pipeline={"steps": ["impute2"]})"}, "w.json: pipeline.steps[0]: "},
      {{R"(pipeline={"steps": [{"class": "valid_range", "lowest": 3}]})"}, "w.json: pipeline.steps[0]: "},
      {{"split.test=0.01"}, "w.json: split.test: expected none or at least "},
      {{"split.by=random"}, "w.json: split.by: expected \"time\""},
      {{"forecast.windows.lag=3"}, "w.json: forecast.windows: expected keys of lags, horizons,"},
      {{"forecast.windows.lags=0"}, "w.json: forecast.windows: "},
      {{"forecast.windows.horizons=[3, 1]"}, "w.json: forecast.windows: "},
      {{"forecast.windows.horizons=[]"}, "w.json: forecast.windows: "},
      {{"forecast.windows.horizons=3"}, "w.json: forecast.windows.horizons: expected a list"},
      {{"forecast.windows.lags=9000000000000000000"}, "w.json: forecast.windows: "},
      {{"forecast.mode=all"}, "w.json: forecast.mode: expected one of shared, joint; got \"all\""},
      {{"forecast.scores.averaging=x"}, "expected one of at_horizon, up_to_horizon"},
      {{"forecast.networks=0"}, "w.json: forecast.networks: expected from 1 to 1000 networks, got 0"},
      {{"forecast.time=clock"}, "\"clock\""},
      {{R"(data.times={"start": "2024-01-01", "seconds": 300})"},
       "waves.csv: expected no column \"time\", as data.times of the recipe adds one of that name, got one"},
      {{R"(data.times={"start": "soon", "seconds": 300})"},
       "w.json: data.times.start: expected a time such as 2012-03-01 00:00, got \"soon\""},
      {{R"(data.times={"seconds": 300})"}, "w.json: data.times.start: "},
      {{R"(data.times={"start": "2024-01-01"})"}, "w.json: data.times.seconds: expected a number above 0"},
      {{R"(data.times={"start": "2024-01-01", "seconds": 1e300})"}, "w.json: data.times.seconds: "},
      {{R"(data.times={"column": "", "start": "2024-01-01", "seconds": 1})"}, "w.json: data.times.column: "},
      {{R"(data.times={"every": 1})"}, "w.json: data.times: expected keys of column, start, seconds"},
      {{R"(forecast.sensors=["east"])"}, "\"east\""},
      {{"forecast.intervals={\"coverage\": 1}"}, "w.json: forecast.intervals: "},
      {{"forecast.intervals={}", "split.validation=0"},
       "w.json: forecast.intervals: expected a share in split for validation"},
      {{R"(forecast.alarm={"value": 40})"}, "w.json: forecast.alarm: expected intervals"},
      {{"forecast.intervals={}", R"(forecast.alarm={"horizon": 2})"}, "w.json: forecast.alarm: "},
      {{"forecast.intervals={}", R"(forecast.alarm={"probability": 2})"}, "w.json: forecast.alarm: alarms: expected a"},
      {{"forecast.intervals={}", R"(forecast.alarm={"limit": 2})"}, "w.json: forecast.alarm: expected keys of value,"},
      {{"network.keras={}"}, "w.json: network.keras: "},
      {{"network.embedding=0"}, "w.json: network.embedding: expected from 1 to 1000000 numbers"},
      {{"forecast.harmonics=101"}, "w.json: forecast: forecaster: expected from 1 to 100 harmonics, got 101"},
      {{"forecast.masks=true"},
       "w.json: forecast: forecaster: expected fill_missing of the windows beside masks, which say what was filled, "
       "got "
       "masks alone"},
      {{"network.layers[0].units=9e15"}, "w.json: network.layers[0]: expected at most"},
      {{"network.layers[0].units=2000000000"}, "w.json: network.layers[0]: expected at most"},
      {{R"(training.class_weight={"a": 1})"}, "w.json: training.class_weight: expected none for forecasts"},
      {{R"(network.layers=[{"class": "reshape", "target_shape": [7]}])"}, "w.json: network.layers[0]: "},
      {{R"(pipeline.steps=["valid_range", {"class": "impute", "columns": ["q"]}])"},
       "w.json: pipeline.steps[1]: Impute: expected a column \"q\", got columns "},
  };
  for (const auto& [changes, expected] : cases) {
    std::string problem;
    try {
      run_recipe(waves(changes), silent);
    } catch (const Error& error) {
      problem = error.what();
    }
    INFO(changes[0] << "\n" << problem);
    CHECK(problem.find(expected) != std::string::npos);
  }
}

TEST_CASE("a baseline that can learn nothing is left out, and how forecasts are scored is kept with them") {
  // Weekly readings have no time of day.
  std::string text = "time,north\n";
  for (int i = 0; i < 200; ++i)
    text += fmt::format("{},{:.4f}\n", format_time(1.7e9 + i * seconds_a_week), 50 + 10 * std::sin(0.3 * i));
  write_text("weekly.csv", text);
  const RecipeResult weekly = run_recipe(waves({"data.files=weekly.csv", "training.epochs=2"}), silent);
  REQUIRE(weekly.scores);
  CHECK(weekly.scores->text().find("historical average") == std::string::npos);
  CHECK(weekly.scores->text().find("persistence") != std::string::npos);
  REQUIRE(weekly.forecaster->baselines().left_out.size() == 1);
  CHECK(weekly.forecaster->baselines().left_out[0].find("historical average") == 0);

  write_waves("waves.csv");
  const RecipeResult result = run_recipe(waves({"training.epochs=2", "output.model=scored.h5",
                                                R"(forecast.scores={"averaging": "up_to_horizon", "null_value": 0})"}),
                                         silent);
  const ScoreOptions kept = load_forecaster("scored.h5").frame().scores;
  CHECK(kept.averaging == Averaging::up_to_horizon);
  CHECK(kept.null_value == 0);
  CHECK(result.forecaster->frame().scores == kept);
}

TEST_CASE("a column that one bad cell makes a text of is no sensor, and the run says so") {
  write_waves("bad.csv");
  std::string text = text_of("bad.csv");
  text.replace(text.find("\n2024") + 1 + 17, 7, "12x");
  write_text("bad.csv", text);
  const RecipeResult result = run_recipe(waves({"data.files=bad.csv", "training.epochs=1"}), silent);
  CHECK(result.forecaster->sensors() == std::vector<std::string>{"south"});
  REQUIRE(result.warnings.size() == 1);
  CHECK(result.warnings[0].find("\"north\" is a column of texts and no sensor") == 0);
  CHECK(result.warnings[0].find("12x") != std::string::npos);
}
