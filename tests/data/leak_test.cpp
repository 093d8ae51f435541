// Nothing learns from rows that are held out, and none of the training side sees them.
#include <algorithm>
#include <numeric>
#include <type_traits>

#include "data/split_tables.hpp"
#include "maas/data/impute.hpp"
#include "maas/data/scalers.hpp"

using namespace maas;
using namespace maas::tests;

TEST_CASE("the steps below are all there are") {
  const std::vector<Step> steps = steps_alone();
  BuiltinSteps::for_each([&](auto rule) {
    const std::string_view name = decltype(rule)::class_name;
    CAPTURE(name);
    CHECK(std::ranges::any_of(steps, [&](const Step& step) { return step.class_name() == name; }));
  });
}

TEST_CASE("no step and no pipeline learns from rows that are held out") {
  const Table table = readings(false);
  for (const auto& [name, split] : splitters()) {
    CAPTURE(name);
    const auto [train, test] = split(table);
    CHECK_THROWS_WITH(pipeline().fit(test),
                      Catch::Matchers::ContainsSubstring("expected training rows to learn from") &&
                          Catch::Matchers::ContainsSubstring("held out"));
    for (const Step& step : steps_alone()) {
      CAPTURE(step.class_name());
      CHECK(step.fit(train).is_fitted());  // it is the rows that are refused
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

// ---- Each step, and every fill, by itself ----

namespace {

constexpr Index first_test = 32;

/// Rows of which the last 8 may all be of another world: so many that they would be what is most frequent, too.
Table readings_of_worlds(bool planted) {
  Table table = readings(false);
  if (!planted) return table;
  for (std::size_t row = first_test; row < count; ++row) {
    for (const char* name : {"flow", "speed", "spare"}) table.edit(name)[row] = -777;
    table.edit_texts("kind")[row] = "meteor";
  }
  return table;
}

/// What reads the column "speed" or "kind" of these rows.
std::vector<Step> steps_that_clean() {
  std::vector<Step> steps{Drop{.columns = {"spare"}},
                          DropMissingRows{},
                          DropDuplicateRows{.columns = {"flow", "kind"}},
                          ValidRange{.columns = {"speed"}, .low = 0, .high = 53},
                          ReplaceTexts{.columns = {"kind"}, .from = {"bus", "meteor"}, .to = {"coach", "coach"}},
                          Impute{.columns = {"kind"}, .fill = Fill::most_frequent},
                          Impute{.columns = {"kind"}, .fill = Fill::forward_fill}};
  for (const Fill fill :
       {Fill::mean, Fill::median, Fill::constant, Fill::most_frequent, Fill::forward_fill, Fill::linear_interpolation})
    steps.push_back(Impute{.columns = {"speed"}, .fill = fill, .constant = 9});
  return steps;
}

Pipeline cleaning(const Step& step) {
  return Pipeline({.steps = {step, OneHot{.columns = {"kind"}, .unseen = Unseen::ignore}},
                   .features = {"speed", "kind"},
                   .targets = {"flow"},
                   .out_of_range = OutOfRange::pass});
}

/// The same numbers, missing in the same places.
bool same_numbers(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         ((a.array() == b.array()) || (a.array().isNaN() && b.array().isNaN())).all();
}

}  // namespace

TEST_CASE("test rows of another world change nothing that a step which cleans has learned, nor its training samples") {
  const Table plain = readings_of_worlds(false), planted = readings_of_worlds(true);
  for (const Step& step : steps_that_clean()) {
    CAPTURE(to_config(step).text());
    const auto training = [](const Table& table) { return table.part(0, first_test); };
    const Pipeline a = cleaning(step).fit(training(plain)), b = cleaning(step).fit(training(planted));
    CHECK(a == b);
    CHECK(step.fit(training(plain)) == step.fit(training(planted)));
    const PreparedSamples samples = a.samples(training(plain)), others = b.samples(training(planted));
    REQUIRE(samples.x.rows() > 10);
    CHECK(same_numbers(samples.x, others.x));
    CHECK(samples.y == others.y);
    CHECK(samples.rows == others.rows);
    // Nor do they as they are prepared and undone.
    const Table test = planted.part(first_test, static_cast<Index>(count));
    REQUIRE(test.numbers("speed")[3] == -777);
    b.apply(test);
    b.samples(test);
    CHECK(a == b);
    CHECK(same_numbers(b.apply(training(planted)), a.apply(training(plain))));
    // The test can fail: what is fitted to all rows knows them.
    CHECK_FALSE(cleaning(step).fit(plain) == cleaning(step).fit(planted));
  }
}

TEST_CASE("of the fills, mean, median and most frequent are learned, and would know test rows among their training") {
  for (const Step& step : steps_that_clean()) {
    const Impute* impute = step.as<Impute>();
    CAPTURE(to_config(step).text());
    const bool learns = impute != nullptr && (impute->fill == Fill::mean || impute->fill == Fill::median ||
                                              (impute->fill == Fill::most_frequent && impute->columns[0] == "speed"));
    CHECK((step.fit(readings_of_worlds(false)) == step.fit(readings_of_worlds(true))) == !learns);
  }
}

// ---- Marks that stay ----

namespace {

template <class Owner>
constexpr bool mark_only_grows =
    std::is_constructible_v<HeldOut<Owner>, bool> && !std::is_assignable_v<HeldOut<Owner>&, bool> &&
    !std::is_assignable_v<HeldOut<Owner>&, HeldOut<Owner>> && !std::is_swappable_v<HeldOut<Owner>>;
static_assert(mark_only_grows<RowRange> && mark_only_grows<RowList> && mark_only_grows<Column>);
static_assert(std::is_same_v<decltype(RowRange::held_out), HeldOut<RowRange>> &&
              std::is_same_v<decltype(RowList::held_out), HeldOut<RowList>> &&
              std::is_same_v<decltype(Column::held_out), HeldOut<Column>>);

// All rows, of which the table knows the last 8 to be the test.
Table told_of_test(bool planted = false) {
  Table table = readings(planted);
  split_by_time(table, 0, 0.2);
  return table;
}

void check_refused(const Table& table, const std::string& why) {
  for (const Step& step : {Step(Standard{.columns = {"flow"}}), Step(OneHot{.columns = {"kind"}})}) {
    CAPTURE(step.class_name());
    CHECK_THROWS_WITH(step.fit(table), Catch::Matchers::ContainsSubstring(why));
  }
  CHECK_THROWS_WITH(MinMax{.columns = {"flow"}}.fit(table), Catch::Matchers::ContainsSubstring(why));
  CHECK_THROWS_WITH(pipeline().fit(table), Catch::Matchers::ContainsSubstring(why));
}

}  // namespace

TEST_CASE("a mark is set, goes along with what is assigned, and is not taken away") {
  RowRange range{0, 5};
  CHECK_FALSE(range.held_out);
  range.held_out.set();
  CHECK(range.held_out);
  const RowRange copy = range;
  CHECK(copy.held_out);
  range = RowRange{1, 2};  // other rows
  CHECK_FALSE(range.held_out);
  CHECK(RowRange{.begin = 1, .end = 2, .held_out = true}.held_out);
  RowList list = k_fold(10).front().test;
  CHECK(list.held_out);
  list.rows = {8, 9};
  CHECK(list.held_out);
  CHECK_THROWS_WITH(StandardScaler{}.fit({Matrix::Zero(10, 1), list}),
                    "TrainingRows: expected training rows to learn from, got 2 rows, from row 8 on (counted from 0), "
                    "that are held out for validation or test");
}

TEST_CASE("a table that knows its test rows holds out every part of it that has one, however it is cut out") {
  const Table table = told_of_test();
  CHECK(table.is_held_out());
  std::vector<Index> expected(8);
  std::iota(expected.begin(), expected.end(), first_test);
  CHECK(table.held_out_rows() == expected);
  check_refused(
      table,
      "expected training rows to learn from, got 40 rows, of which 8 are held out for validation or test, the "
      "first of them row 32 (counted from 0)");

  // By plain numbers, which the split knows nothing of.
  check_refused(table.part(30, 35),
                "got 5 rows, of which 3 are held out for validation or test, the first of them row 2");
  check_refused(table.part(20, 33), "got 13 rows, of which 1 is held out for validation or test, row 12 (counted");
  check_refused(table.part(35, 40), "got 5 rows that are held out for validation or test");
  check_refused(table.select(std::vector<Index>{39, 0, 1}), "of which 1 is held out for validation or test, row 0");
  check_refused(RowRange{0, 33}.of(table), "row 32 (counted from 0)");
  check_refused(RowList{.rows = {1, 32, 2}}.of(table), "row 1 (counted from 0)");
  check_refused(split_rows(table.rows(), {.seed = 1}).train.of(table), "are held out for validation or test");
  check_refused(table.part(10, 40).part(5, 25), "row 17 (counted from 0)");
  // Training rows alone may be learned from, whoever cuts them out.
  CHECK(Step(Standard{.columns = {"flow"}}).fit(table.part(0, first_test)).is_fitted());
  CHECK(pipeline().fit(table.part(0, first_test)) == pipeline().fit(readings(false).part(0, first_test)));
  CHECK_FALSE(table.part(3, 32).is_held_out());
  CHECK(table.part(3, 32).held_out_rows().empty());
  CHECK(table.part(3, 32).why_held_out().empty());
  CHECK_FALSE(table.part(3, 32).column("flow").held_out);
  CHECK_FALSE(table.part(35, 35).is_held_out());  // of no rows

  // Copies, changes and columns.
  Table changed = table;
  changed.add({.name = "more", .numbers = std::vector<double>(count, 1)});
  changed.remove("speed");
  changed.replace("time", {{.name = "else", .numbers = std::vector<double>(count, 2)}});
  changed.edit("flow")[0] = 3;
  CHECK(changed.held_out_rows() == expected);
  CHECK_THROWS_WITH(Standard{{"more"}}.fit(changed), Catch::Matchers::ContainsSubstring("row 32"));
  CHECK(Step(Standard{{"else"}}).fit(changed.part(0, first_test)).is_fitted());
  Table other;
  other.add({.name = "mine", .numbers = std::vector<double>(count, 1)});
  other.add(table.column("flow"));
  CHECK_THROWS_WITH(Standard{{"mine"}}.fit(other.part(0, 5)),
                    "Standard: expected training rows to learn from, got 5 rows that are held out, as the column "
                    "\"flow\" is");
  Table emptied = table;
  for (const std::string& name : table.names()) emptied.remove(name);
  emptied.add({.name = "mine", .numbers = {1, 2, 3}});
  CHECK_THROWS_AS(Standard{{"mine"}}.fit(emptied), DataError);
  Table swapped = table.part(0, 5);
  std::swap(swapped, changed);
  CHECK(swapped.is_held_out());
  CHECK_FALSE(changed.is_held_out());
}

TEST_CASE("a table is told by ranges and by lists, more than once, and why") {
  Table table = readings(false);
  table.hold_out(RowRange{4, 6});
  table.hold_out(RowList{.rows = {20, 1}}, "held out for the road works of May");
  CHECK(table.held_out_rows() == std::vector<Index>{1, 4, 5, 20});
  check_refused(table.part(18, 22), "got 4 rows, of which 1 is held out for the road works of May, row 2");
  CHECK(Step(Standard{.columns = {"flow"}}).fit(table.part(6, 20)).is_fitted());
  table.hold_out(RowRange{7, 7});  // none
  CHECK(table.held_out_rows().size() == 4);
  table.hold_out(RowRange{0, static_cast<Index>(count)}, "");
  check_refused(table, "got 40 rows that are held out for validation or test");
  CHECK(table.column("flow").held_out);
  CHECK_THROWS_WITH(table.hold_out(RowRange{30, 41}), "Table: expected rows within 0 to 40 to hold out, got 30 to 41");
  CHECK_THROWS_AS(table.hold_out(RowRange{-1, 4}), DataError);
  CHECK_THROWS_AS(table.hold_out(RowRange{5, 4}), DataError);
  CHECK_THROWS_WITH(table.hold_out(RowList{.rows = {3, 40}}), "Table: expected rows of 0 to 39 to hold out, got 40");

  Table parted = readings(false);
  const TimeSplit split = split_by_time(parted, 0.2, 0.2), expected = split_by_time(parted.rows(), 0.2, 0.2);
  CHECK((split.train == expected.train && split.validation == expected.validation && split.test == expected.test));
  CHECK(parted.held_out_rows().size() == 16);
  CHECK(parted.held_out_rows().front() == 24);
  CHECK(pipeline().fit(split.train.of(parted)).is_fitted());
  CHECK_THROWS_AS(pipeline().fit(parted.part(0, 25)), DataError);
}

TEST_CASE("what is made of a table that knows its test rows may know them, too, and is held out as a whole") {
  const Table table = told_of_test();
  const std::string why =
      "held out, as they were made of 40 rows, of which 8 are held out for validation or test, the "
      "first of them row 32 (counted from 0)";
  Table coded = table;  // as Ordinal takes it back
  coded.replace("kind", {{.name = "kind", .numbers = std::vector<double>(count, 1)}});
  for (const Step& step : steps_alone()) {
    CAPTURE(step.class_name());
    const Step fitted = step.fit(table.part(0, first_test));
    const Table made = fitted.apply(table);
    CHECK(made.held_out_rows().size() == count);
    CHECK(made.why_held_out() == why);
    CHECK(made.part(0, 4).is_held_out());
    CHECK(fitted.invert(step.class_name() == "Ordinal" ? coded : table, &table).part(0, 4).is_held_out());
  }
  const Pipeline fitted = pipeline().fit(table.part(0, first_test));
  CHECK_THROWS_WITH(Standard{}.fit(fitted.prepare(table).part(0, 4)), Catch::Matchers::ContainsSubstring(why));
  CHECK_FALSE(fitted.prepare(table.part(0, first_test)).is_held_out());

  // The struct by itself: the line that it draws ends at a test row, which training rows must not be learned with.
  const auto filled = [](const Table& rows) {
    Impute impute{.columns = {"speed"}, .fill = Fill::linear_interpolation};
    impute.fit(readings(false).part(0, first_test));
    return impute.apply(rows);
  };
  Table gaps = told_of_test(), planted = told_of_test();
  for (Table* each : {&gaps, &planted}) each->edit("speed")[31] = gap;
  planted.edit("speed")[32] = 1e9;
  CHECK(filled(gaps).numbers("speed")[31] != filled(planted).numbers("speed")[31]);  // it does know
  CHECK_THROWS_WITH(Standard{{"speed"}}.fit(filled(planted).part(0, first_test)),
                    Catch::Matchers::ContainsSubstring("as they were made of 40 rows"));
  CHECK(Step(Standard{{"speed"}}).fit(filled(planted.part(0, first_test))).is_fitted());
  Table around = readings(false);  // training on both sides of the test
  around.hold_out(RowRange{10, 12});
  CHECK_THROWS_AS(Standard{{"flow"}}.fit(Lag{.columns = {"flow"}, .lags = {1}}.apply(around).part(12, 40)), DataError);
  CHECK_THROWS_AS(Standard{{"flow"}}.fit(Difference{.columns = {"flow"}}.apply(around).part(12, 40)), DataError);
}

TEST_CASE("a value planted in the rows a table holds out reaches no fit of any part that can be learned from") {
  const Table plain = told_of_test(), planted = told_of_test(true);
  Index learned = 0;
  for (Index begin = 0; begin < plain.rows(); begin += 3)
    for (Index end = begin + 10; end <= plain.rows(); ++end) {
      const auto fitted = [&](const Table& table) { return Step(Standard{{"flow"}}).fit(table.part(begin, end)); };
      if (end > first_test) {
        CHECK_THROWS_AS(fitted(planted), DataError);
        continue;
      }
      ++learned;
      CHECK(to_config(fitted(plain)) == to_config(fitted(planted)));
    }
  CHECK(learned == 100);
}
