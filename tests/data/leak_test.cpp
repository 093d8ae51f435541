// Nothing learns from rows that are held out, and none of the training side sees them.
#include <functional>

#include "data/step_tables.hpp"
#include "maas/data/folds.hpp"
#include "maas/data/impute.hpp"
#include "maas/data/pipeline.hpp"
#include "maas/data/scalers.hpp"
#include "maas/data/split.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

constexpr std::size_t count = 40;

// Numbers, categories and times; the last row may be of another world.
Table readings(bool planted) {
  Column flow{.name = "flow"}, speed{.name = "speed"}, kind{.name = "kind", .type = ColumnType::text},
      time{.name = "time", .type = ColumnType::time};
  for (std::size_t i = 0; i < count; ++i) {
    const bool last = planted && i + 1 == count;
    flow.numbers.push_back(last ? 1e9 : static_cast<double>(i % 7));
    speed.numbers.push_back(i % 9 == 4 ? gap : last ? -1e9 : 50 + static_cast<double>(i % 5));
    kind.texts.push_back(last ? "meteor" : i % 3 == 0 ? "bus" : "car");
    time.numbers.push_back(static_cast<double>(i) * 300);
  }
  Table table;
  for (Column* column : {&flow, &speed, &kind, &time}) table.add(std::move(*column));
  return table;
}

std::vector<Step> all_steps() {
  return {Impute{.columns = {"speed"}, .fill = Fill::median},
          ClipOutliers{.columns = {"flow"}},
          Lag{.columns = {"flow"}, .lags = {1, 2}},
          Difference{.columns = {"speed"}},
          Log{.columns = {"flow"}},
          MinMax{.columns = {"flow"}},
          Robust{.columns = {"flow_lag_1"}},
          Power{.columns = {"flow_lag_2"}},
          Standard{.columns = {"speed"}},
          OneHot{.columns = {"kind"}, .unseen = Unseen::ignore},
          TimeFeatures{},
          DropMissingRows{}};
}

Pipeline pipeline() { return Pipeline({.steps = all_steps(), .targets = {"flow"}}); }

using Splitter = std::function<std::pair<Table, Table>(const Table&)>;

// Ways to part these rows so that the last one is in the test.
std::vector<std::pair<std::string, Splitter>> splitters() {
  const auto folds = [](const std::vector<Fold>& all) {
    return Splitter(
        [fold = all.back()](const Table& table) { return std::pair(fold.train.of(table), fold.test.of(table)); });
  };
  std::vector<int> groups, classes;
  for (std::size_t i = 0; i < count; ++i) {
    groups.push_back(static_cast<int>(i / 10));
    classes.push_back(static_cast<int>(i % 2));
  }
  return {{"time",
           [](const Table& table) {
             const TimeSplit split = split_by_time(table.rows(), 0.2, 0.2);
             return std::pair(split.train.of(table), split.test.of(table));
           }},
          {"rows", folds({split_rows(count, {.shuffle = false})})},
          {"stratified", folds({split_stratified(classes, {.shuffle = false})})},
          {"groups", folds({split_by_group(groups, {.shuffle = false})})},
          {"k-fold", folds(k_fold(count))},
          {"stratified k-fold", folds(stratified_k_fold(classes))},
          {"rolling origin", folds(rolling_origin(count))},
          {"sliding origin", folds(rolling_origin(count, {.max_train_size = 20, .gap = 2}))}};
}

}  // namespace

TEST_CASE("no step and no pipeline learns from rows that are held out") {
  const Table table = readings(false);
  for (const auto& [name, split] : splitters()) {
    CAPTURE(name);
    const auto [train, test] = split(table);
    CHECK_THROWS_WITH(pipeline().fit(test),
                      Catch::Matchers::ContainsSubstring("expected training rows to learn from") &&
                          Catch::Matchers::ContainsSubstring("held out"));
    for (const Step& step : all_steps()) {
      CAPTURE(step.class_name());
      CHECK_THROWS_WITH(step.fit(test), Catch::Matchers::ContainsSubstring("held out"));
    }
  }
  const TimeSplit split = split_by_time(table.rows(), 0.2, 0.2);
  CHECK_THROWS_AS(pipeline().fit(split.validation.of(table)), DataError);
  Table held = table;
  held.hold_out();
  // The structs by themselves, and parts, copies and changed tables of what is held out.
  CHECK_THROWS_AS(Standard{}.fit(held), DataError);
  CHECK_THROWS_AS(Impute{}.fit(held), DataError);
  CHECK_THROWS_AS(OneHot{}.fit(held), DataError);
  CHECK_THROWS_AS(Ordinal{}.fit(held), DataError);
  CHECK_THROWS_AS(Drop{{"flow"}}.fit(held), DataError);
  CHECK_THROWS_AS(Standard{}.fit(held.part(0, 5)), DataError);
  CHECK_THROWS_AS(Standard{}.fit(held.select(std::vector<Index>{1, 2})), DataError);
  Table copy = held;
  copy.replace("flow", {{.name = "more", .numbers = std::vector<double>(count, 1)}});
  copy.remove("kind");
  copy.add({.name = "else", .numbers = std::vector<double>(count, 1)});
  CHECK_THROWS_AS(Standard{}.fit(copy), DataError);
  // Columns carry the mark into other tables.
  Table other;
  other.add({.name = "mine", .numbers = std::vector<double>(count, 1)});
  CHECK_NOTHROW(Standard{}.fit(other));
  Table added = other, replaced = other;
  added.add(held.column("flow"));
  CHECK_THROWS_AS(Standard{{"mine"}}.fit(added), DataError);
  replaced.replace("mine", {held.part(0, static_cast<Index>(count)).column("flow")});
  CHECK_THROWS_AS(Standard{}.fit(replaced), DataError);
  const Pipeline fitted = pipeline().fit(table);
  CHECK_THROWS_AS(Standard{}.fit(fitted.prepare(held)), DataError);
  CHECK_THROWS_AS(Standard{}.fit(Step(OneHot{}).fit(table).apply(held)), DataError);
}

TEST_CASE("what learns from matrices is told of which rows, and takes none that are held out") {
  Matrix numbers(count, 1);
  for (Index row = 0; row < numbers.rows(); ++row) numbers(row, 0) = static_cast<Scalar>(row);
  const TimeSplit split = split_by_time(numbers.rows(), 0.2, 0.2);
  const Fold fold = k_fold(numbers.rows()).back();
  const auto refused = Catch::Matchers::ContainsSubstring("held out for validation or test");
  CHECK_THROWS_WITH(MinMaxScaler{}.fit({numbers, split.validation}), refused);
  CHECK_THROWS_WITH(StandardScaler{}.fit({numbers, split.test}), refused);
  CHECK_THROWS_WITH(Imputer{}.fit({numbers, split.test}), refused);
  CHECK_THROWS_WITH(MinMaxScaler{}.fit({numbers, fold.test}), refused);
  CHECK(MinMaxScaler{}.fit({numbers, split.train}).data_max == std::vector<double>{23});
  CHECK(MinMaxScaler{}.fit({numbers, fold.train}).data_max == std::vector<double>{31});
  CHECK(MinMaxScaler{}.fit(TrainingRows::all_of(numbers)).data_max == std::vector<double>{39});
  CHECK_THROWS_AS(TrainingRows(numbers, RowRange{0, 41}), DataError);
  CHECK_THROWS_AS(TrainingRows(numbers, RowRange{-1, 4}), DataError);
  CHECK_THROWS_AS(TrainingRows(numbers, RowRange{4, 3}), DataError);
  CHECK_THROWS_AS(TrainingRows(numbers, RowList{.rows = {40}}), DataError);
}

TEST_CASE("a value planted in the test rows changes nothing that is learned, nor a sample of training") {
  const Table plain = readings(false), planted = readings(true);
  for (const auto& [name, split] : splitters()) {
    CAPTURE(name);
    const Table train = split(plain).first, other = split(planted).first;
    const Table test = split(planted).second;
    CHECK(test.numbers("flow").back() == 1e9);  // it is where it is meant to be
    const Pipeline a = pipeline().fit(train), b = pipeline().fit(other);
    CHECK(a == b);
    CHECK(a.samples(train).x == b.samples(other).x);
    CHECK(a.samples(train).y == b.samples(other).y);
    b.apply(test);
    b.samples(test);
    CHECK(a == b);  // applying does not teach
  }
  // The test can fail: what is fitted to all rows does know.
  CHECK_FALSE(pipeline().fit(plain) == pipeline().fit(planted));
}
