#include "maas/recipe/evaluation.hpp"

#include <algorithm>
#include <limits>

#include "maas/model/load.hpp"
#include "maas/model/sequential.hpp"
#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

Column numbers(const std::string& name, std::vector<double> values) { return {.name = name, .numbers = values}; }
Column texts(const std::string& name, std::vector<std::string> values) {
  return {.name = name, .type = ColumnType::text, .texts = values};
}

const double gap = std::numeric_limits<double>::quiet_NaN();

/// A model that answers y = x.
Model same(const Table& training, PipelineOptions options) {
  Model model = Sequential{input(1), dense(1)};
  model.weight("dense/kernel").setOnes();
  model.weight("dense/bias").setZero();
  model.info().pipeline = Pipeline(std::move(options)).fit(training);
  return model;
}

}  // namespace

TEST_CASE("scores of numbers, by hand, rows without truth or answer left aside") {
  Table training, rows;
  training.add(numbers("x", {0, 1}));
  training.add(numbers("y", {10, 20}));
  rows.add(numbers("x", {1, 2, 4, gap, 5}));
  rows.add(numbers("y", {2, 2, 2, 9, gap}));
  const Model model = same(training, {.features = {"x"}, .targets = {"y"}, .out_of_range = OutOfRange::pass});
  const Evaluation found = evaluate_table(model, rows, &training, "test");
  CHECK(found.rows == 5);
  CHECK(found.unanswered == 1);
  const TargetEvaluation& y = found.targets.at(0);
  CHECK_FALSE(y.is_class);
  CHECK(y.rows == std::vector<Index>{0, 1, 2});
  CHECK(*find_log(y.answers[0].scores, "mae") == Approx(1));
  CHECK(*find_log(y.answers[0].scores, "rmse") == Approx(std::sqrt(5.0 / 3)));
  CHECK(std::isnan(*find_log(y.answers[0].scores, "r2")));
  CHECK(y.answers[1].name == "mean");
  CHECK(*find_log(y.answers[1].scores, "mae") == Approx(13));
  CHECK(evaluate_table(model, rows).targets[0].answers[1].name == "best mean");
  CHECK(
      found.text().find(
          "test: 5 rows, 1 without an answer\ny, 3 rows, 2 left out without a truth and an answer that are finite\n") ==
      0);
}

namespace {

/// Readings of a target y by the hour, the training rows with a holiday among them, and a network of its feature.
struct Hours {
  Table training, rows;
  Model model = Sequential{input(1), dense(1)};

  Hours() {
    const double monday = 1704067200;  // 2024-01-01 00:00
    const auto at = [&](double hours) { return monday + hours * 3600; };
    training.add({.name = "t", .type = ColumnType::time, .numbers = {at(0), at(0.5), at(25), at(100)}});
    training.add(numbers("y", {1, 3, 10, 2}));
    rows.add({.name = "t", .type = ColumnType::time, .numbers = {at(168), at(168 + 25.9), at(-1), at(168 + 100)}});
    rows.add(numbers("y", {2, 12, 4, 2}));
    model.info().pipeline = Pipeline({.steps = {TimeFeatures{.time_of_day = false, .holidays = {"2024-01-01"}},
                                                Drop{.columns = {"t_week_sin", "t_week_cos"}}},
                                      .features = {"t_holiday"},
                                      .targets = {"y"}})
                                .fit(training);
  }
};

}  // namespace

TEST_CASE("the mean at the same hour of the week is a baseline where times are known") {
  Hours hours;
  auto& [training, rows, model] = hours;
  const TargetEvaluation y = evaluate_table(model, rows, &training).targets.at(0);
  REQUIRE(y.answers.size() == 3);
  CHECK(y.answers[2].name == "mean at that hour of the week");
  // 2 for 2, 10 for 12, the mean of all (4) for 4, 2 for 2.
  CHECK(*find_log(y.answers[2].scores, "mae") == Approx(0.5));
}

TEST_CASE("scores of classes, by hand") {
  Table training, rows;
  training.add(numbers("x", {0, 1, 1}));
  training.add(texts("y", {"a", "b", "b"}));
  rows.add(numbers("x", {0, 0, 1, 1, 1}));
  rows.add(texts("y", {"a", "b", "b", "c", ""}));
  const Model model = same(training, {.steps = {Ordinal{.columns = {"y"}}}, .features = {"x"}, .targets = {"y"}});
  const TargetEvaluation y = evaluate_table(model, rows, &training).targets.at(0);
  CHECK(y.is_class);
  CHECK(y.classes == std::vector<std::string>{"a", "b", "c"});
  CHECK(y.confusion == std::vector<std::vector<Index>>{{1, 0, 0}, {1, 1, 0}, {0, 1, 0}});
  CHECK(*find_log(y.answers[0].scores, "accuracy") == Approx(0.5));
  CHECK(*find_log(y.answers[0].scores, "balanced_accuracy") == Approx((1 + 0.5 + 0) / 3));
  // F1 of a: 2*1/(1+2), of b: 2*1/(2+2), of c: 0.
  CHECK(*find_log(y.answers[0].scores, "macro_f1") == Approx((2.0 / 3 + 0.5) / 3));
  CHECK(y.answers[1].name == "majority class");
  CHECK(*find_log(y.answers[1].scores, "accuracy") == Approx(0.5));
}

TEST_CASE("0 and 1 behind a binary cross-entropy are classes") {
  Table rows;
  rows.add(numbers("x", {0.2, 0.7, 0.9, 0.4}));
  rows.add(numbers("y", {0, 1, 0, 1}));
  Model model = same(rows, {.features = {"x"}, .targets = {"y"}});
  CHECK_FALSE(evaluate_table(model, rows).targets[0].is_class);
  model.compile({.loss = binary_crossentropy});
  const TargetEvaluation y = evaluate_table(model, rows).targets.at(0);
  CHECK(y.is_class);
  CHECK(y.confusion == std::vector<std::vector<Index>>{{1, 1}, {1, 1}});
}

TEST_CASE("what cannot be evaluated is said") {
  Table training;
  training.add(numbers("x", {0, 1}));
  training.add(numbers("y", {10, 20}));
  const Model model = same(training, {.features = {"x"}, .targets = {"y"}});
  Table without, texts_instead, none;
  without.add(numbers("x", {1}));
  texts_instead.add(numbers("x", {1}));
  texts_instead.add(texts("y", {"many"}));
  none.add(numbers("x", {1}));
  none.add(numbers("y", {gap}));
  CHECK_THROWS_WITH(evaluate_table(model, without),
                    "evaluate: expected the target \"y\" in the rows, got no such column");
  CHECK_THROWS_AS(evaluate_table(model, texts_instead), DataError);
  CHECK_THROWS_AS(evaluate_table(model, none), DataError);
  CHECK_THROWS_AS(evaluate_table(Sequential{input(1), dense(1)}, without), StateError);
  Table held = training;
  held.hold_out(RowRange{1, 2});
  CHECK_THROWS_WITH(
      evaluate_table(model, training, &held),
      Catch::Matchers::StartsWith("baselines: expected training rows to learn from, got 2 rows, of which 1"));
  CHECK_THROWS_AS(TableBaselines::of(*model.info().pipeline, held), DataError);
  // To judge by is what held-out rows are for, but not for what has learned from them.
  CHECK_THROWS_WITH(evaluate_table(model, held, &training),
                    Catch::Matchers::StartsWith("baselines: expected rows to judge by that it has not learned from"));
  CHECK_THROWS_WITH(evaluate_table(model, held),
                    Catch::Matchers::StartsWith("Pipeline: expected rows to judge by that it has not learned from"));
  Table others;
  others.add(numbers("x", {0, 1}));
  others.add(numbers("y", {10, 20}));
  others.hold_out(RowRange{1, 2});
  CHECK(evaluate_table(model, others, &training).targets.size() == 1);
}

TEST_CASE("baselines that a model keeps stand beside it, from its file, too") {
  Hours hours;
  auto& [training, rows, model] = hours;
  const TableBaselines learned = TableBaselines::of(*model.info().pipeline, training);
  REQUIRE(learned.targets.size() == 1);
  CHECK(learned.targets[0].mean == 4);
  CHECK(learned.targets[0].majority.empty());
  REQUIRE(learned.targets[0].hours.size() == 168);
  CHECK(learned.targets[0].hours[0] == 2);    // Monday, 0:00 to 0:59
  CHECK(learned.targets[0].hours[25] == 10);  // Tuesday, 1:00
  CHECK(learned.targets[0].hours[50] == 4);   // nothing came: the mean of all
  const std::string told = evaluate_table(model, rows, &training).text();
  CHECK(evaluate_table(model, rows).text() != told);
  model.info().baselines = learned.config();
  CHECK(evaluate_table(model, rows).text() == told);
  CHECK(told.find("best") == std::string::npos);
  for (const char* path : {"kept_table.h5", "kept_table.keras"}) {
    model.save(path);
    CHECK(evaluate_table(load_model(path), rows).text() == told);
  }
  // Those of the rows given come before.
  CHECK(evaluate_table(model, rows, &rows).text() != told);
}

TEST_CASE("the majority class that a model keeps is one by name") {
  Table training, rows;
  training.add(numbers("x", {0, 1, 1, 0}));
  training.add(texts("y", {"a", "b", "b", ""}));
  rows.add(numbers("x", {0, 0, 1}));
  rows.add(texts("y", {"a", "a", "b"}));
  Model model = same(training, {.steps = {Ordinal{.columns = {"y"}}}, .features = {"x"}, .targets = {"y"}});
  const TableBaselines learned = TableBaselines::of(*model.info().pipeline, training);
  CHECK(learned.targets.at(0).majority == "b");
  CHECK_FALSE(learned.targets[0].mean);
  model.info().baselines = learned.config();
  const TargetEvaluation kept = evaluate_table(model, rows).targets.at(0);
  CHECK(kept.answers[1].name == "majority class");
  CHECK(*find_log(kept.answers[1].scores, "accuracy") == Approx(1.0 / 3));
  // One that does not occur in the rows, and none at all.
  model.info().baselines = TableBaselines{{{.target = "y", .majority = "z"}}}.config();
  CHECK(*find_log(evaluate_table(model, rows).targets.at(0).answers[1].scores, "accuracy") == 0);
  model.info().baselines = TableBaselines{{{.target = "other", .majority = "z"}}}.config();
  CHECK(evaluate_table(model, rows).targets.at(0).answers.size() == 1);

  // Numbers that are 0 and 1 have a class, too.
  Table bits;
  bits.add(numbers("x", {0.2, 0.7, 0.9}));
  bits.add(numbers("y", {0, 1, 1}));
  Model binary = same(bits, {.features = {"x"}, .targets = {"y"}});
  const TableBaselines of_bits = TableBaselines::of(*binary.info().pipeline, bits);
  CHECK(of_bits.targets.at(0).majority == "1");
  CHECK(*of_bits.targets.at(0).mean == Approx(2.0 / 3));
  binary.compile({.loss = binary_crossentropy});
  binary.info().baselines = of_bits.config();
  CHECK(*find_log(evaluate_table(binary, bits).targets.at(0).answers[1].scores, "accuracy") == Approx(2.0 / 3));
}

TEST_CASE("kept baselines that are damaged are refused by name") {
  const auto refusal = [](const char* key, Config value) {
    const Config target = Config{}.set("target", "y").set("mean", 1.0).set(key, std::move(value));
    try {
      TableBaselines::from(Config{}.set("targets", Config::List{target}));
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(refusal("mean", 1e300) == "accepted");
  CHECK(refusal("mean", std::numeric_limits<double>::infinity()) ==
        "baselines of \"y\": expected finite numbers, got inf");
  CHECK(refusal("mean", gap) == "baselines of \"y\": expected finite numbers, got nan");
  CHECK(refusal("mean", "much").find("baselines of \"y\"") == 0);
  CHECK(refusal("hours", to_config(std::vector<double>(167, 1))) ==
        "baselines of \"y\": expected a mean for each of 168 hours, got 167");
  CHECK(refusal("hours", to_config(std::vector<double>(168, gap))) ==
        "baselines of \"y\": expected finite numbers, got nan");
  CHECK(refusal("majority", 3).find("baselines of \"y\"") == 0);
  CHECK_THROWS_AS(TableBaselines::from(Config()), ConfigError);
  CHECK_THROWS_AS(TableBaselines::from(Config{}.set("targets", "all")), ConfigError);
}

TEST_CASE("targets that a step makes of a column have the baseline of that column") {
  Table rows;
  Column kind{.name = "kind", .type = ColumnType::text}, x = numbers("x", {});
  for (int i = 0; i < 30; ++i) {
    kind.texts.push_back(i % 3 == 0 ? "car" : "bus");
    x.numbers.push_back(i);
  }
  rows.add(kind);
  rows.add(x);
  const Pipeline pipeline =
      Pipeline({.steps = {OneHot{}}, .features = {"x"}, .targets = {"kind_bus", "kind_car"}}).fit(rows);
  const TableBaselines learned = TableBaselines::of(pipeline, rows);
  REQUIRE(learned.targets.size() == 1);
  CHECK(learned.targets[0].target == "kind");
  CHECK(learned.targets[0].majority == "bus");
  Model model = Sequential{input(1), dense(2, softmax)};
  model.info().pipeline = pipeline;
  const TargetEvaluation found = evaluate_table(model, rows, &rows).targets.at(0);
  CHECK(found.target == "kind");
  CHECK(found.answers.at(1).name == "majority class");
  CHECK(*find_log(found.answers[1].scores, "accuracy") == Approx(2.0 / 3));
}

TEST_CASE("the alarms of persistence are judged as a hand would, by intervals of their own") {
  const auto windows_of = [](const std::vector<Scalar>& readings) {
    Matrix values(static_cast<Index>(readings.size()), 1);
    std::ranges::copy(readings, values.data());
    return ForecastWindows(Readings{.values = values}, {.lags = 1, .horizons = {1}, .seconds_a_reading = 300});
  };
  // What comes is 10 less, 10 more, 5 less and 5 more than the last reading. The chance of less than 40 is (those of
  // the 4 errors that are below 40 - last, and 1/2) / 5: 0.5 where the last reading is below 45, 0.3 below 50, else
  // 0.1.
  const std::optional<ConformalIntervals> naive = calibrate_naive({}, windows_of({50, 40, 50, 45, 50}));
  REQUIRE(naive);
  CHECK(naive->errors() == (Matrix(4, 1) << -10, -5, 5, 10).finished());
  // Alarms at 44, at 44 and 43, which are one, and at 42; the second is followed by 50. The last event has none.
  const ForecastWindows windows = windows_of({60, 50, 44, 38, 50, 44, 43, 50, 42, 36, 60, 30, 60});
  const AlarmReport found = judge_naive_alarms(*naive, windows, {.value = 40, .probability = 0.4});
  CHECK(found.events == 3);
  CHECK(found.warned == 2);
  CHECK(found.alarms == 3);
  CHECK(found.right == 2);
  CHECK(found.precision == Approx(2.0 / 3));
  CHECK(found.recall == Approx(2.0 / 3));
  CHECK(found.mean_lead_minutes == Approx(5));
  CHECK(found.days == Approx(1.0 / 24));
  CHECK(found.false_alarms_a_day == Approx(24));
  CHECK(judge_naive_alarms(*naive, windows, {.value = 40, .probability = 0.6}).alarms == 0);

  // The last 2 errors, -5 and 5, follow what comes: behind 60 and 49 they are 5 and -11, of which one is below 40 - 49,
  // and the chance is (1 + 1/2) / 3. The same two that stay warn of nothing.
  const auto follows = calibrate_naive({.window = 2}, windows_of({50, 40, 50, 45, 50}));
  const auto stays = calibrate_naive({}, windows_of({50, 45, 50}));
  REQUIRE((follows && stays));
  const ForecastWindows falling = windows_of({60, 49, 39, 60});
  const AlarmReport followed = judge_naive_alarms(*follows, falling, {.value = 40, .probability = 0.4});
  CHECK(followed.events == 1);
  CHECK(followed.alarms == 1);
  CHECK(followed.warned == 1);
  CHECK(judge_naive_alarms(*stays, falling, {.value = 40, .probability = 0.4}).alarms == 0);

  // None without an error.
  constexpr Scalar none = std::numeric_limits<Scalar>::quiet_NaN();
  CHECK_FALSE(calibrate_naive({}, windows_of({50, none, 50, none, 50})));
  CHECK_THROWS_AS(calibrate_naive({.coverage = 2}, windows_of({50, 40, 50})), ConfigError);
}

TEST_CASE("neither intervals nor their alarms are judged by the readings that they were calibrated on") {
  const Readings all{.values = Matrix::Random(100, 1)};
  const auto zeros_for = [](const Readings& readings) {
    Forecasts forecasts = empty_forecasts("zero", ForecastWindows(readings, {.lags = 2, .seconds_a_reading = 300}));
    forecasts.values.setZero();
    return forecasts;
  };
  ConformalIntervals intervals({.rate = 0.01});
  intervals.calibrate(zeros_for(all.part({0, 60})));
  const AlarmOptions alarm{.value = 0.5};
  const Forecasts seen = zeros_for(all.part({.begin = 40, .end = 100, .held_out = true})),
                  test = zeros_for(all.part({.begin = 58, .end = 100, .held_out = true}));
  const std::string refusal =
      ": expected forecasts of readings that the intervals were not calibrated on, got those of 58 readings, of which "
      "18, the first of them row 42 (counted from 0) of the readings they were first in, they were calibrated on";
  CHECK_THROWS_WITH(judge_intervals(intervals, seen), "judge_intervals" + refusal);
  CHECK_THROWS_WITH(judge_alarms(intervals, seen, alarm), "judge_alarms" + refusal);
  // As they are for readings that came later, which adaptive ones follow.
  const std::vector<IntervalCoverage> found = judge_intervals(intervals, test);
  REQUIRE(!found.empty());
  CHECK(found.front().covered > 0.5);
  CHECK_NOTHROW(judge_alarms(intervals, test, alarm));
}
