#include "maas/data/pipeline.hpp"

#include <cmath>

#include "maas/data/split.hpp"
#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

// Six readings of a road; the flow is what is asked for.
Table road() {
  Table table;
  table.add({.name = "time", .type = ColumnType::time, .numbers = {0, 21600, 43200, 64800, 86400, 108000}});
  table.add({.name = "flow", .numbers = {10, 20, 40, 20, 10, 50}});
  table.add({.name = "speed", .numbers = {80, gap, 60, 70, 90, 60}});
  table.add({.name = "kind", .type = ColumnType::text, .texts = {"b", "a", "b", "c", "a", "b"}});
  return table;
}

PipelineOptions road_options() {
  return {.steps = {Impute{.columns = {"speed"}}, Lag{.columns = {"flow"}}, TimeFeatures{.day_of_week = false},
                    OneHot{.columns = {"kind"}}, MinMax{.columns = {"flow", "flow_lag_1"}}, DropMissingRows{}},
          .features = {"speed", "kind", "flow_lag_1"},
          .targets = {"flow"},
          .out_of_range = OutOfRange::pass};
}

Table without(Table table, const std::string& name) {
  table.remove(name);
  return table;
}

Table with_column(Table table, const std::string& name, std::vector<double> numbers) {
  table.add({.name = name, .numbers = std::move(numbers)});
  return table;
}

Table with_numbers(const std::string& name, std::vector<double> numbers) {
  Table table;
  table.add({.name = name, .numbers = std::move(numbers)});
  return table;
}

Table with_number_at(Table table, const std::string& name, std::size_t row, double value) {
  table.edit(name)[row] = value;
  return table;
}

Matrix column_of(std::initializer_list<double> values) {
  Matrix matrix(static_cast<Index>(values.size()), 1);
  Index row = 0;
  for (double value : values) matrix(row++, 0) = static_cast<Scalar>(value);
  return matrix;
}

bool equal_numbers(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         ((a.array() == b.array()) || (a.array().isNaN() && b.array().isNaN())).all();
}

}  // namespace

TEST_CASE("a pipeline makes features in the order that was asked for, and targets") {
  Pipeline pipeline(road_options());
  pipeline.fit(road());
  CHECK(pipeline.feature_names() == std::vector<std::string>{"speed", "kind_a", "kind_b", "kind_c", "flow_lag_1"});
  CHECK(pipeline.target_names() == std::vector<std::string>{"flow"});
  CHECK(pipeline.needed_columns() == std::vector<std::string>{"speed", "kind", "flow"});

  const Matrix x = pipeline.apply(road());
  REQUIRE(x.rows() == 6);
  Matrix third(1, 5);
  third << 60, 0, 1, 0, Scalar(1) / 3;  // a flow of 20 before, of 10 to 40 in the lag's training rows
  CHECK(x.row(2).isApprox(third));
  CHECK(x(1, 0) == 72);  // the mean of the other speeds
  CHECK(std::isnan(x(0, 4)));
  CHECK(pipeline.targets(road()).isApprox(column_of({0, 0.25, 0.75, 0.25, 0, 1})));
  CHECK(pipeline.prepare(road()).names() == pipeline.feature_names());
}

TEST_CASE("samples leave out the rows that a step drops, in features and targets alike") {
  Pipeline pipeline(road_options());
  const PreparedSamples samples = pipeline.fit(road()).samples(road());
  CHECK(samples.rows == std::vector<Index>{1, 2, 3, 4, 5});
  CHECK(samples.x == pipeline.apply(road()).bottomRows(5));
  CHECK(samples.y == pipeline.targets(road()).bottomRows(5));

  // Rows are dropped behind the last step: the lag of a row reaches a row that is left out.
  Pipeline lagged({.steps = {DropMissingRows{}, Lag{.columns = {"flow"}}}, .features = {"flow_lag_1"}});
  const Table gaps = without(without(road(), "kind"), "time");
  const PreparedSamples kept = lagged.fit(gaps).samples(gaps);
  CHECK(kept.rows == std::vector<Index>{0, 2, 3, 4, 5});
  CHECK(kept.x(1, 0) == 20);
  CHECK(kept.y.cols() == 0);
}

TEST_CASE("without a list, all columns that are no targets are features, and must hold numbers") {
  const Table numbers = without(without(road(), "kind"), "time");
  Pipeline pipeline({.steps = {Impute{}}, .targets = {"flow"}});
  CHECK(pipeline.fit(numbers).feature_names() == std::vector<std::string>{"speed"});
  CHECK_THROWS_WITH(
      Pipeline({.targets = {"flow"}}).fit(road()),
      "Pipeline: expected numbers in column \"time\" behind the last step, got times; use TimeFeatures on "
      "it, or Drop it");
  CHECK_THROWS_WITH(Pipeline({.features = {"kind"}}).fit(road()),
                    "Pipeline: expected numbers in column \"kind\" behind the last step, got text; encode (OneHot, "
                    "Ordinal) it, or Drop it");
  CHECK_THROWS_WITH(Pipeline({.features = {"sped"}}).fit(road()),
                    "Pipeline: expected a column \"sped\" behind the last step, got columns \"time\", \"flow\", "
                    "\"speed\", \"kind\"");
  CHECK_THROWS_AS(Pipeline({.targets = {"flow"}}).fit(with_numbers("flow", {1, 2})), DataError);
}

TEST_CASE("a column is a feature or a target, not both") {
  CHECK_THROWS_WITH(Pipeline({.features = {"flow"}, .targets = {"flow"}}),
                    "Pipeline: expected \"flow\" to be a feature or a target, got both");
  CHECK_THROWS_WITH(Pipeline({.features = {"flow", "flow"}}),
                    "Pipeline: expected each column once, got \"flow\" twice");
  Pipeline hidden({.steps = {OneHot{.columns = {"kind"}}}, .features = {"kind"}, .targets = {"kind_a"}});
  CHECK_THROWS_WITH(hidden.fit(road()), Catch::Contains("\"kind_a\" to be a feature or a target, got both"));
  CHECK_FALSE(hidden.is_fitted());
}

TEST_CASE("a pipeline learns once, and nothing else learns") {
  Pipeline pipeline(road_options());
  CHECK_THROWS_AS(pipeline.apply(road()), StateError);
  CHECK_THROWS_AS(pipeline.targets(road()), StateError);
  CHECK_THROWS_AS(pipeline.samples(road()), StateError);
  CHECK_THROWS_AS(pipeline.prepare(road()), StateError);
  CHECK_THROWS_AS(pipeline.invert_targets(column_of({1})), StateError);
  CHECK_THROWS_AS(pipeline.decode_targets(column_of({1})), StateError);
  CHECK_THROWS_AS(pipeline.feature_names(), StateError);
  pipeline.fit(road());
  const Config before = pipeline.config();  // a copy of the pipeline would share its steps
  CHECK_THROWS_WITH(pipeline.fit(road()), Catch::StartsWith("Pipeline: it has learned from \"time\", \"flow\""));
  Table other = with_number_at(road(), "flow", 2, 1e9);
  pipeline.apply(other);
  pipeline.samples(other);
  pipeline.targets(other);
  CHECK(pipeline.config() == before);
}

TEST_CASE("what lies in the future changes neither what is learned nor what was prepared before it") {
  // A value planted in the last rows, which are the test, in every column.
  Table changed = with_number_at(with_number_at(road(), "flow", 5, 1e6), "speed", 5, -1e6);
  changed.edit_texts("kind")[5] = "c";
  changed.edit("time")[5] = 1e9;
  const RowRange train{0, 4};
  Pipeline on_truth(road_options()), on_planted(road_options());
  on_truth.fit(train.of(road()));
  on_planted.fit(train.of(changed));
  CHECK(on_truth == on_planted);
  CHECK(equal_numbers(on_truth.apply(road()).topRows(5), on_truth.apply(changed).topRows(5)));
  CHECK_FALSE(equal_numbers(on_truth.apply(road()), on_truth.apply(changed)));
  // The test can fail: who learns from all rows, learns the planted value.
  Pipeline leaking(road_options()), honest(road_options());
  CHECK_FALSE(leaking.fit(changed) == honest.fit(road()));
}

TEST_CASE("scaling of targets is undone, from the last step to the first") {
  Pipeline pipeline({.steps = {Log{.columns = {"flow"}}, Standard{.columns = {"flow"}}, Impute{.columns = {"speed"}}},
                     .features = {"speed"},
                     .targets = {"flow"}});
  pipeline.fit(road());
  const Matrix back = pipeline.invert_targets(pipeline.targets(road()));
  CHECK(back.isApprox(column_of({10, 20, 40, 20, 10, 50}), Scalar(1e-5)));
  CHECK(pipeline.decode_targets(pipeline.targets(road())).names() == std::vector<std::string>{"flow"});
  CHECK_THROWS_WITH(pipeline.invert_targets(Matrix::Zero(2, 3)),
                    "Pipeline: expected 1 numbers a row, one a target, got 3");
}

TEST_CASE("differences of targets are undone with the rows they were made of") {
  Pipeline pipeline(
      {.steps = {Lag{.columns = {"flow"}}, Difference{.columns = {"flow"}}, Standard{.columns = {"flow"}}},
       .features = {"flow_lag_1"},
       .targets = {"flow"}});
  pipeline.fit(road());
  const Matrix y = pipeline.targets(road());
  const Matrix back = pipeline.invert_targets(y, road());
  CHECK(std::isnan(back(0, 0)));
  CHECK(back.bottomRows(5).isApprox(column_of({20, 40, 20, 10, 50}), Scalar(1e-5)));
  CHECK_THROWS_WITH(pipeline.invert_targets(y), Catch::StartsWith("Difference: expected the rows it was applied to"));
}

TEST_CASE("categories as targets: codes, one column a class, and back to texts") {
  const Table table = without(without(road(), "time"), "speed");
  Pipeline coded({.steps = {Ordinal{.columns = {"kind"}, .order = {"c", "b", "a"}}}, .targets = {"kind"}});
  coded.fit(table);
  CHECK(coded.targets(table) == column_of({1, 2, 1, 0, 2, 1}));
  CHECK(coded.output_names(1) == std::vector<std::string>{"kind"});
  CHECK(coded.output_names(3) == std::vector<std::string>{"c", "b", "a"});
  CHECK_FALSE(coded.output_names(2));
  Matrix scores(3, 3);
  scores << Scalar(0.1), Scalar(0.2), Scalar(0.7), 1, 0, 0, static_cast<Scalar>(gap), 0, 1;
  CHECK(equal_numbers(coded.invert_targets(scores), scores));
  CHECK(coded.decode_targets(scores).texts("kind") == std::vector<std::string>{"a", "c", ""});
  CHECK(coded.decode_targets(column_of({0.2, 1.7})).texts("kind") == std::vector<std::string>{"c", "a"});

  Pipeline hot({.steps = {OneHot{}}, .targets = {"kind"}});
  hot.fit(table);
  CHECK(hot.target_names() == std::vector<std::string>{"kind_a", "kind_b", "kind_c"});
  CHECK(equal_numbers(hot.invert_targets(scores), scores));
  CHECK(hot.decode_targets(scores).texts("kind") == std::vector<std::string>{"c", "a", "c"});
}

TEST_CASE("columns that lack: an error that lists those there are, or missing values") {
  PipelineOptions options = road_options();
  Pipeline strict(options);
  strict.fit(road());
  CHECK_THROWS_WITH(strict.apply(without(road(), "speed")),
                    "Pipeline: expected a column \"speed\" of numbers, got columns \"time\", \"flow\", \"kind\"");
  CHECK_NOTHROW(strict.apply(without(road(), "time")));  // no feature is made of it
  CHECK_THROWS_AS(strict.targets(without(road(), "flow")), DataError);
  options.missing_column = MissingColumn::missing;
  Pipeline lenient(options);
  lenient.fit(road());
  CHECK(lenient.apply(without(road(), "speed")).col(0) == Matrix::Constant(6, 1, 72));
}

TEST_CASE("a target is not needed where features are made") {
  Pipeline pipeline({.steps = {Impute{.columns = {"speed"}}, Ordinal{.columns = {"kind"}}},
                     .features = {"speed"},
                     .targets = {"kind"}});
  pipeline.fit(road());
  Table unseen = road();
  unseen.edit_texts("kind")[0] = "never seen";
  CHECK(pipeline.apply(unseen) == pipeline.apply(without(road(), "kind")));
  CHECK_THROWS_AS(pipeline.targets(unseen), DataError);
}

TEST_CASE("columns of another type, and columns without a value") {
  Pipeline pipeline(road_options());
  pipeline.fit(road());
  Table texts = without(road(), "speed");
  texts.add(
      {.name = "speed", .type = ColumnType::text, .texts = {"1", "2", "3", "4", "5", "x"}, .why_text = "at the end"});
  CHECK_THROWS_WITH(pipeline.apply(texts), "Pipeline: expected numbers in column \"speed\", got text (at the end)");
  // A reader takes a column without values for numbers.
  PipelineOptions options = road_options();
  options.steps[3] = OneHot{.columns = {"kind"}, .unseen = Unseen::ignore};
  Pipeline lenient(options);
  lenient.fit(road());
  Table empty = without(road(), "kind");
  empty.add({.name = "kind", .numbers = std::vector<double>(6, gap)});
  CHECK(lenient.apply(empty).middleCols(1, 3) == Matrix::Zero(6, 3));
}

TEST_CASE("numbers out of the training range: refused, or as it was chosen passed or clipped") {
  const Table low = with_number_at(road(), "speed", 3, 5);
  PipelineOptions options{.steps = {Impute{}}, .features = {"speed"}, .targets = {"flow"}};
  const std::string why =
      "Pipeline: expected \"speed\" from 52.5 to 97.5 (60 to 90 in the training rows, and a margin of 0.25 of that "
      "width), got 5 in row 3 (counted from 0); out_of_range \"pass\" takes such numbers as they are, \"clip\" the "
      "nearest of the training rows, a larger range_margin those a little further out";
  CHECK_THROWS_WITH(Pipeline(options).fit(road()).apply(low), why);
  CHECK_THROWS_WITH(Pipeline(options).fit(road()).samples(low), why);
  CHECK_THROWS_AS(Pipeline(options).fit(road()).apply(low), DataError);
  options.out_of_range = OutOfRange::pass;
  CHECK(Pipeline(options).fit(road()).apply(low)(3, 0) == 5);
  options.out_of_range = OutOfRange::clip;
  CHECK(Pipeline(options).fit(road()).apply(low)(3, 0) == 60);
  CHECK(Pipeline(options).fit(road()).apply(low)(1, 0) == 72);  // what is missing is not out of range
  options.out_of_range = OutOfRange::error;
  CHECK_THROWS_WITH(Pipeline(options).fit(road()).apply(low), why);
}

TEST_CASE("numbers a little beyond the training rows are taken: as far as the margin") {
  const auto fitted = [](PipelineOptions options) {
    options.steps = {Impute{}};
    options.features = {"speed"};
    return Pipeline(options).fit(road());
  };
  const auto answer = [](const Pipeline& pipeline, double speed) {
    return pipeline.apply(with_number_at(road(), "speed", 3, speed))(3, 0);
  };
  CHECK(answer(fitted({}), 52.5) == Scalar(52.5));
  CHECK(answer(fitted({}), 97.5) == Scalar(97.5));
  CHECK_THROWS_AS(answer(fitted({}), 97.6), DataError);
  CHECK_THROWS_AS(answer(fitted({.range_margin = 0}), 90.1), DataError);
  CHECK(answer(fitted({.range_margin = 2}), 150) == 150);
  // What is clipped is brought to the training rows, whatever the margin.
  CHECK(answer(fitted({.out_of_range = OutOfRange::clip}), 91) == 90);
  CHECK(answer(fitted({.out_of_range = OutOfRange::clip, .range_margin = 2}), 55) == 60);
  CHECK(std::isnan(Pipeline({.features = {"speed"}}).fit(road()).apply(road())(1, 0)));  // missing is not beyond
  for (const double margin : {-0.1, std::nan(""), double(INFINITY)})
    CHECK_THROWS_WITH(Pipeline({.range_margin = margin}),
                      Catch::Matchers::StartsWith("Pipeline: expected a range_margin of at least 0, got "));
}

TEST_CASE("a column that was constant in training is refused where it changes, as nothing is learned of that") {
  Pipeline pipeline({.features = {"rain", "flow"}});
  pipeline.fit(with_column(road(), "rain", {0, 0, gap, 0, 0, 0}));
  CHECK_NOTHROW(pipeline.apply(with_column(road(), "rain", {0, gap, 0, 0, 0, 0})));
  CHECK_THROWS_WITH(pipeline.apply(with_column(road(), "rain", {0, 0, 0, 0, 1, 0})),
                    Catch::Matchers::StartsWith("Pipeline: expected \"rain\" 0, the only number of the training rows, "
                                                "got 1 in row 4 (counted from 0); out_of_range \"pass\""));
}

TEST_CASE("numbers that a step takes out, as they cannot be, neither make the range nor are held against it") {
  // 999 stands for a reading that is not there.
  const Table training = with_number_at(road(), "speed", 0, 999), later = with_number_at(road(), "speed", 3, 999);
  const std::vector<Step> steps{DropMissingRows{.columns = {"flow"}}, Impute{.columns = {"flow"}},
                                ValidRange{.columns = {"speed"}, .low = 0, .high = 300}};
  for (const OutOfRange policy : {OutOfRange::error, OutOfRange::clip}) {
    Pipeline pipeline({.steps = steps, .features = {"speed"}, .out_of_range = policy});
    pipeline.fit(training);
    CHECK(pipeline.range_of("speed")->most == 90);
    CHECK(std::isnan(pipeline.apply(later)(3, 0)));
    CHECK(std::isnan(Pipeline::from(pipeline.config()).apply(later)(3, 0)));
    CHECK(Pipeline::from(pipeline.config()) == pipeline);
  }
  Pipeline refusing({.steps = steps, .features = {"speed"}});
  refusing.fit(training);
  CHECK_THROWS_AS(refusing.apply(with_number_at(road(), "speed", 3, 200)), DataError);
  // Behind a step that changes numbers it judges others than the raw ones.
  Pipeline scaled({.steps = {Standard{.columns = {"speed"}}, ValidRange{.columns = {"speed"}, .low = -9, .high = 9}},
                   .features = {"speed"}});
  scaled.fit(training);
  CHECK(scaled.range_of("speed")->most == 999);
}

TEST_CASE("columns that are alike are held against the range of all of them, also from a file") {
  Table training = with_column(road(), "other", {300, 310, 305, 320, 300, 310});
  PipelineOptions options{.features = {"speed", "other", "flow"}};
  options.alike = {"speed", "other"};
  Pipeline pipeline(options);
  pipeline.fit(training);
  const Table slow = with_number_at(training, "other", 2, 61), small = with_number_at(training, "flow", 2, 300);
  for (const Pipeline& each : {pipeline, Pipeline::from(pipeline.config())}) {
    CHECK(each.apply(slow)(2, 1) == 61);
    CHECK(each.range_of("other")->low == 300);
    CHECK(each.range_of("other")->least == 60);
    CHECK(each.range_of("speed")->most == 320);
    CHECK_FALSE(each.range_of("time"));
    CHECK_FALSE(each.range_of("none"));
    CHECK_THROWS_WITH(each.apply(small),
                      Catch::Matchers::StartsWith("Pipeline: expected \"flow\" from 0 to 60 (10 to 50"));
  }
  options.alike.clear();
  CHECK_THROWS_AS(Pipeline(options).fit(training).apply(slow), DataError);
}

TEST_CASE("a pipeline of a file has the policy of out_of_range it was saved with; one from before it was kept passes") {
  const Table low = with_number_at(road(), "speed", 3, 5);
  Pipeline refusing({.steps = {Impute{}}, .features = {"speed"}});
  CHECK_THROWS_AS(Pipeline::from(refusing.fit(road()).config()).apply(low), DataError);
  Pipeline passing({.steps = {Impute{}}, .features = {"speed"}, .out_of_range = OutOfRange::pass});
  CHECK(Pipeline::from(passing.fit(road()).config()).apply(low)(3, 0) == 5);
  Config old = refusing.config();
  old.erase("out_of_range");
  CHECK(Pipeline::from(old).apply(low)(3, 0) == 5);
  CHECK(Pipeline::from(old).config().at("out_of_range") == Config("pass"));
}

TEST_CASE("a pipeline of a file without a margin takes nothing beyond its training rows, as when it was written") {
  const auto older = [](const Pipeline& pipeline) {
    Config config = pipeline.config();
    config.erase("range_margin");
    config.erase("alike");
    return Pipeline::from(config);
  };
  PipelineOptions options{.steps = {ValidRange{.columns = {"speed"}, .high = 300}}, .features = {"speed"}};
  Pipeline refusing(options);
  const Pipeline old = older(refusing.fit(road()));
  CHECK(Pipeline::from(old.config()) == old);
  for (const Pipeline& each : {old, Pipeline::from(old.config())}) {
    CHECK_THROWS_WITH(
        each.apply(with_number_at(road(), "speed", 3, 90.5)),
        Catch::Matchers::StartsWith(
            "Pipeline: expected \"speed\" from 60 to 90, as in the training rows, got 90.5 in row 3 (counted from 0)"));
    CHECK_THROWS_AS(each.apply(with_number_at(road(), "speed", 3, 999)), DataError);  // before the step
    CHECK_NOTHROW(each.apply(road()));
  }
  options.out_of_range = OutOfRange::clip;
  Pipeline clipping(options);
  clipping.fit(road());
  CHECK(older(clipping).apply(with_number_at(road(), "speed", 3, 999))(3, 0) == 90);
  CHECK(std::isnan(clipping.apply(with_number_at(road(), "speed", 3, 999))(3, 0)));
}

TEST_CASE("a pipeline is written and read with all it knows, to the last digit") {
  Table table = road();
  table.edit("flow")[0] = 1.0 / 3;
  Pipeline pipeline({.steps = {Impute{.columns = {"speed"}}, Lag{.columns = {"flow"}, .lags = {1, 2}},
                               TimeFeatures{.holidays = {"1970-01-02"}}, OneHot{}, Power{.columns = {"speed"}},
                               Standard{.columns = {"flow", "flow_lag_1"}}, Robust{.columns = {"flow_lag_2"}}},
                     .targets = {"flow"},
                     .out_of_range = OutOfRange::clip});
  CHECK(Pipeline::from(pipeline.config()) == pipeline);
  pipeline.fit(table);
  const Pipeline again = Pipeline::from(pipeline.config());
  CHECK(again == pipeline);
  CHECK(equal_numbers(again.apply(table), pipeline.apply(table)));
  CHECK(again.feature_names() == pipeline.feature_names());
  CHECK(again.needed_columns() == pipeline.needed_columns());
  CHECK_FALSE(again == Pipeline(road_options()));
}

TEST_CASE("a pipeline brings its lags and differences the column of times they need, from a file, too") {
  Table table;
  table.add({.name = "flow", .numbers = {1, 2, 4, 8}});
  table.add({.name = "speed", .numbers = {50, 60, 70, 80}});
  table.add({.name = "time", .type = ColumnType::time, .numbers = {0, 300, 3600, 3900}});
  Pipeline pipeline({.steps = {Lag{.columns = {"speed"}, .times = "time", .seconds = 300},
                               Difference{.columns = {"flow"}, .times = "time", .seconds = 300}, DropMissingRows{}},
                     .features = {"speed_lag_1"},
                     .targets = {"flow"}});
  pipeline.fit(table);
  CHECK(pipeline.needed_columns() == std::vector<std::string>{"speed", "time"});
  for (const Pipeline& each : {pipeline, Pipeline::from(pipeline.config())}) {
    const PreparedSamples samples = each.samples(table);
    CHECK(samples.rows == std::vector<Index>{1, 3});
    CHECK(samples.x(1, 0) == 70);
    CHECK(samples.y(1, 0) == 4);
    CHECK(each.invert_targets(each.targets(table), table)(3, 0) == 8);
    CHECK(std::isnan(each.invert_targets(each.targets(table), table)(2, 0)));
  }
  table.remove("time");
  CHECK_THROWS_AS(pipeline.apply(table), DataError);
}

TEST_CASE("a config that no pipeline wrote is refused") {
  Pipeline pipeline(road_options());
  pipeline.fit(road());
  const Config good = pipeline.config();
  const auto refused = [&](std::string_view key, Config value) {
    Config bad = good;
    bad.set(key, std::move(value));
    CAPTURE(bad.text());
    CHECK_THROWS_AS(Pipeline::from(bad), ConfigError);
  };
  refused("columns", Config::List{"time"});
  refused("columns", Config::List{"time", "time", "flow", "kind"});
  refused("columns", Config::List{});
  refused("types", Config::List{"time", "number", "number", "letters"});
  refused("low", Config::List{nullptr, nullptr, nullptr});
  refused("low", Config::List{nullptr, 100.0, 1.0, nullptr});
  refused("low", Config::List{1.0, 1.0, 1.0, 1.0});
  refused("feature_names", Config::List{});
  refused("feature_names", Config::List{"flow"});
  refused("out_of_range", "never");
  refused("range_margin", -1.0);
  refused("range_margin", "wide");
  refused("alike", Config::List{"flow", "flow"});
  refused("other", 1);
  refused("steps", Config::List{Config{}.set("class_name", "Sum").set("config", Config::Object{})});
  refused("steps", Config::List{Config{}.set("class_name", "Standard").set("config", Config::Object{})});
  refused("steps", 3);
  CHECK_THROWS_AS(Pipeline::from(Config(1)), ConfigError);
}

TEST_CASE("what a file says of a step must fit together") {
  const std::vector<std::string> one{"a"};
  CHECK_THROWS_AS(Step(Standard{.fitted_columns = one, .mean = {0}}), ConfigError);
  CHECK_THROWS_AS(Step(Standard{.fitted_columns = one, .mean = {0}, .scale = {0}}), ConfigError);
  CHECK_THROWS_AS(Step(MinMax{.fitted_columns = one, .data_min = {2}, .data_max = {1}}), ConfigError);
  CHECK_THROWS_AS(Step(Robust{.fitted_columns = one, .center = {gap}, .scale = {1}}), ConfigError);
  CHECK_THROWS_AS(Step(Power{.fitted_columns = one, .lambda = {1}, .mean = {0}, .scale = {-1}}), ConfigError);
  CHECK_THROWS_AS(Step(ClipOutliers{.fitted_columns = one, .low = {1}, .high = {0}}), ConfigError);
  CHECK_THROWS_AS(Step(Impute{.fitted_columns = one, .values = {0}}), ConfigError);
  CHECK_THROWS_AS(Step(OneHot{.fitted_columns = one}), ConfigError);
  CHECK_THROWS_AS(Step(OneHot{.fitted_columns = one, .categories = {{}}}), ConfigError);
  CHECK_THROWS_AS(Step(Ordinal{.fitted_columns = one, .categories = {{"x", "x"}}}), ConfigError);
  CHECK_THROWS_AS(Step(Standard{.fitted_columns = {"a", "a"}, .mean = {0, 0}, .scale = {1, 1}}), ConfigError);
}

namespace {

/// A step of the user's own.
struct Doubled {
  static constexpr std::string_view class_name = "Doubled";
  std::string column = "flow";
  static void fields(auto& self, auto&& field) { field("column", self.column); }
  Table apply(Table table) const {
    if (table.contains(column))
      for (double& cell : table.edit(column)) cell *= 2;
    return table;
  }
};

}  // namespace

TEST_CASE("a struct of the user's own is a step, and is read by name") {
  Pipeline pipeline({.steps = {Doubled{}, Impute{.columns = {"speed"}}}, .features = {"speed"}, .targets = {"flow"}});
  pipeline.fit(road());
  CHECK(pipeline.targets(road())(1, 0) == 40);
  CHECK_THROWS_WITH(Pipeline::from(pipeline.config()),
                    Catch::StartsWith("unknown step \"Doubled\"; maas knows Drop, "));
  const auto more = catalog_of<Step, Doubled>();
  CHECK(Pipeline::from(pipeline.config(), more) == pipeline);
}

TEST_CASE("one row and one column make a pipeline") {
  Pipeline pipeline({.steps = {Standard{}}});
  const Table one = with_numbers("flow", {7});
  CHECK(pipeline.fit(one).apply(one) == Matrix::Zero(1, 1));
  CHECK_THROWS_WITH(Pipeline().fit(Table()), "Pipeline: expected at least 1 row to learn from, got none");
  CHECK_THROWS_AS(pipeline.targets(one), StateError);
}

TEST_CASE("a column without any number cannot be learned from, and the error names it") {
  Pipeline pipeline({.steps = {Standard{}}});
  CHECK_THROWS_WITH(pipeline.fit(with_numbers("flow", {gap, gap})),
                    "Standard: expected a number in column \"flow\", got none");
  CHECK_FALSE(pipeline.is_fitted());
  Pipeline dropping({.steps = {DropMissingRows{}, Standard{}}});
  CHECK_THROWS_WITH(dropping.fit(with_numbers("flow", {gap, gap})),
                    "Pipeline: expected rows to learn from before Standard, got none that is whole");
}

TEST_CASE("a pipeline says what it does") {
  Pipeline pipeline({.steps = {Impute{.columns = {"speed"}, .fill = Fill::linear_interpolation}},
                     .features = {"speed"},
                     .targets = {"flow"}});
  CHECK(pipeline.text().starts_with("columns: not fitted\n"));
  pipeline.fit(road());
  CHECK(pipeline.text() ==
        "columns: \"speed\"\n"
        "Impute (columns [\"speed\"], fill \"linear_interpolation\", constant 0.0, limit -1, times \"\", seconds 0.0)\n"
        "features: \"speed\"\n"
        "targets: \"flow\"\n");
}

TEST_CASE("an infinite number in a column leaves it without a range, and the pipeline can be read again") {
  Table table = road();
  table.add({.name = "ratio", .numbers = {1, std::numeric_limits<double>::infinity(), 2, 3, 4, 5}});
  Pipeline pipeline({.features = {"flow"}, .out_of_range = OutOfRange::clip});
  pipeline.fit(table);
  CHECK(Pipeline::from(pipeline.config()) == pipeline);
}

TEST_CASE("features that are differences ask for no targets when predictions are undone") {
  Pipeline pipeline({.steps = {Difference{.columns = {"speed"}}, Standard{.columns = {"flow"}}},
                     .features = {"speed"},
                     .targets = {"flow"}});
  pipeline.fit(with_number_at(road(), "speed", 1, 70));
  const Table raw = without(road(), "flow");
  CHECK(pipeline.invert_targets(column_of({0, 0, 0, 0, 0, 0}), raw)(0, 0) == Scalar(25));
}

TEST_CASE("a feature or target that a step drops is missed by name") {
  for (PipelineOptions options :
       {PipelineOptions{.steps = {Drop{.columns = {"flow"}}}, .features = {"speed"}, .targets = {"flow"}},
        PipelineOptions{.steps = {Drop{.columns = {"flow"}}}, .features = {"speed", "flow"}}})
    CHECK_THROWS_WITH(Pipeline(options).fit(road()),
                      "Pipeline: expected a column \"flow\" behind the last step, got it dropped");
}

TEST_CASE("samples judge rows as apply sees them: numbers clipped, columns that lack missing") {
  Pipeline clipping({.steps = {Log{.columns = {"speed"}}, DropMissingRows{}},
                     .features = {"speed"},
                     .targets = {"flow"},
                     .out_of_range = OutOfRange::clip});
  clipping.fit(road());
  CHECK(clipping.samples(with_number_at(road(), "speed", 0, -5)).rows == std::vector<Index>{0, 2, 3, 4, 5});

  Pipeline lacking({.steps = {DropMissingRows{}},
                    .features = {"speed"},
                    .targets = {"flow"},
                    .missing_column = MissingColumn::missing});
  lacking.fit(road());
  CHECK(lacking.samples(without(road(), "speed")).rows.empty());
}

TEST_CASE("a file cannot ask for more steps or lagged columns than anybody has") {
  Lag lag{.columns = {"flow"}, .lags = {}};
  for (Index i = 1; i <= 10001; ++i) lag.lags.push_back(i);
  CHECK_THROWS_WITH(Step(lag), "Lag: expected at most 10000 columns to make, got 10001 lags of 1 columns");
  const PipelineOptions many{.steps = std::vector<Step>(1001, Step(DropMissingRows{}))};
  CHECK_THROWS_WITH(Pipeline(many), "Pipeline: expected at most 1000 steps, got 1001");
}
