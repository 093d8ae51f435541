#include "maas/data/cleaning.hpp"

#include "data/step_tables.hpp"
#include "maas/data/steps.hpp"

using namespace maas;
using namespace maas::tests;

TEST_CASE("drop leaves columns out, and says which it lacks") {
  Table table = table_of("a", {1});
  table.add({.name = "b", .numbers = {2}});
  const Step drop = Step(Drop{.columns = {"a"}}).fit(table);
  CHECK(drop.apply(table).names() == std::vector<std::string>{"b"});
  CHECK(drop.apply(table_of("b", {2})).names() == std::vector<std::string>{"b"});
  CHECK(drop.outputs_of("a").empty());
  CHECK(drop.outputs_of("b") == std::vector<std::string>{"b"});
  CHECK_THROWS_WITH(Step(Drop{.columns = {"c"}}).fit(table), "Drop: expected a column \"c\", got columns \"a\", \"b\"");
  CHECK_THROWS_WITH(Step(Drop{}).fit(table), "Drop: expected the names of columns, got none");
}

TEST_CASE("rows with a missing number or text are marked, not taken out") {
  Table table = table_of("a", {1, gap, 3, 4});
  table.add({.name = "b", .type = ColumnType::text, .texts = {"x", "y", "", "z"}});
  const Step everywhere = Step(DropMissingRows{}).fit(table);
  CHECK(everywhere.kept_rows(table) == std::vector<bool>{true, false, false, true});
  CHECK(everywhere.apply(table).rows() == 4);
  CHECK(Step(DropMissingRows{.columns = {"a"}}).kept_rows(table) == std::vector<bool>{true, false, true, true});
  CHECK_THROWS_AS(Step(DropMissingRows{.columns = {"c"}}).fit(table), DataError);
}

TEST_CASE("impute fills by what training rows had") {
  const Table training = table_of("a", {1, gap, 2, 2, 7});
  const Table later = table_of("a", {gap, 100});
  const auto filled = [&](Fill fill) {
    return Step(Impute{.fill = fill, .constant = -5}).fit(training).apply(later).numbers("a")[0];
  };
  CHECK(filled(Fill::mean) == 3);
  CHECK(filled(Fill::median) == 2);
  CHECK(filled(Fill::most_frequent) == 2);
  CHECK(filled(Fill::constant) == -5);
  CHECK(Step(Impute{.fill = Fill::most_frequent}).fit(table_of("a", {3, 1, 3, 1})).apply(later).numbers("a")[0] == 1);
  CHECK_THROWS_WITH(Step(Impute{}).apply(later), "Impute: call fit first");
}

TEST_CASE("impute fills along the rows, as far as it is allowed to") {
  const Table table = table_of("a", {gap, 1, gap, gap, 4, gap});
  const auto filled = [&](Impute step) { return Step(step).fit(table).apply(table).numbers("a"); };
  check_numbers(filled({.fill = Fill::forward_fill}), {gap, 1, 1, 1, 4, 4});
  check_numbers(filled({.fill = Fill::forward_fill, .limit = 1}), {gap, 1, 1, gap, 4, 4});
  check_numbers(filled({.fill = Fill::linear_interpolation}), {gap, 1, 2, 3, 4, gap});
  check_numbers(filled({.fill = Fill::linear_interpolation, .limit = 1}), {gap, 1, gap, gap, 4, gap});
}

TEST_CASE("impute along times that are not evenly spaced") {
  Table table = table_of("a", {0, gap, 10});
  table.add({.name = "time", .type = ColumnType::time, .numbers = {0, 60, 600}});
  const Step step = Step(Impute{.fill = Fill::linear_interpolation, .times = "time"}).fit(table);
  check_numbers(step.apply(table).numbers("a"), {0, 1, 10});
  CHECK(step.sources_of("a") == std::vector<std::string>{"a", "time"});
  CHECK_THROWS_AS(step.apply(table_of("a", {0, gap, 10})), DataError);
  CHECK_THROWS_AS(Step(Impute{.times = "other"}).fit(table), DataError);
}

namespace {

/// Five minutes apart, but for half an hour before row 3 and an hour before row 6; row 8 begins another file, and the
/// time of row 10 is not known.
Table jumping() {
  Table table = table_of("a", {1, gap, gap, gap, 4, gap, gap, gap, gap, gap, gap, 7});
  table.add({.name = "kind", .type = ColumnType::text, .texts = {"x", "", "", "", "y", "", "", "", "", "", "", "z"}});
  table.add({.name = "t",
             .type = ColumnType::time,
             .numbers = {0, 300, 600, 2400, 2700, 3000, 6600, 6900, 0, 300, gap, 900}});
  return table;
}

}  // namespace

TEST_CASE("a forward fill with times does not cross a jump that is longer than its limit") {
  const Table table = jumping();
  const auto filled = [&](Index limit) {
    const Step fitted =
        Step(Impute{.columns = {"a", "kind"}, .fill = Fill::forward_fill, .limit = limit, .times = "t", .seconds = 300})
            .fit(table);
    const Step again = BuiltinSteps::make(fitted.class_name(), fitted.config());
    CHECK(again == fitted);
    const Table result = fitted.apply(table), once_more = again.apply(table);
    check_numbers(once_more.numbers("a"), result.numbers("a"));
    for (std::size_t row = 0; row < 12; ++row)  // texts where numbers are
      CHECK(result.texts("kind")[row].empty() == std::isnan(result.numbers("a")[row]));
    return result.numbers("a");
  };
  check_numbers(filled(-1), {1, 1, 1, gap, 4, 4, gap, gap, gap, gap, gap, 7});  // across none
  check_numbers(filled(1), {1, 1, gap, gap, 4, 4, gap, gap, gap, gap, gap, 7});
  check_numbers(filled(7), {1, 1, 1, gap, 4, 4, gap, gap, gap, gap, gap, 7});
  check_numbers(filled(8), {1, 1, 1, 1, 4, 4, gap, gap, gap, gap, gap, 7});  // 2400 s are 8 rows
  check_numbers(filled(13), {1, 1, 1, 1, 4, 4, 4, gap, gap, gap, gap, 7});   // 3900 s are 13
  check_numbers(filled(1000), {1, 1, 1, 1, 4, 4, 4, 4, gap, gap, gap, 7});   // never into another file
  const Step counting = Step(Impute{.columns = {"a"}, .fill = Fill::forward_fill}).fit(table);
  check_numbers(counting.apply(table).numbers("a"), {1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 4, 7});
}

TEST_CASE("clocks may be a little off for a fill with times, and lines know of jumps, too") {
  Table table = table_of("a", {1, gap, 3, gap, 5});
  table.add({.name = "t", .type = ColumnType::time, .numbers = {0, 301, 599, 1500, 1800}});
  const auto filled = [&](Fill fill, Index limit, double seconds) {
    return Step(Impute{.columns = {"a"}, .fill = fill, .limit = limit, .times = "t", .seconds = seconds})
        .fit(table)
        .apply(table)
        .numbers("a");
  };
  check_numbers(filled(Fill::forward_fill, -1, 300), {1, 1, 3, gap, 5});
  check_numbers(filled(Fill::forward_fill, 2, 300), {1, 1, 3, gap, 5});
  check_numbers(filled(Fill::forward_fill, 3, 300), {1, 1, 3, 3, 5});  // 901 s are 3 rows
  const double first = 1 + 2 * 301.0 / 599, second = 3 + 2 * 901.0 / 1201;
  check_numbers(filled(Fill::linear_interpolation, -1, 0), {1, first, 3, second, 5});
  check_numbers(filled(Fill::linear_interpolation, -1, 300), {1, first, 3, gap, 5});
  check_numbers(filled(Fill::linear_interpolation, 2, 300), {1, first, 3, gap, 5});  // 3 rows are missing
  check_numbers(filled(Fill::linear_interpolation, 3, 300), {1, first, 3, second, 5});
}

TEST_CASE("a fill with times takes a column of times, and brings it to a pipeline") {
  const Table table = jumping();
  const Impute step{.columns = {"a"}, .fill = Fill::forward_fill, .times = "t", .seconds = 300};
  const Step fitted = Step(step).fit(table);
  CHECK(fitted.sources_of("a") == std::vector<std::string>{"a", "t"});
  CHECK(fitted.sources_of("t") == std::vector<std::string>{"t"});
  CHECK(fitted.sources_of("kind") == std::vector<std::string>{"kind"});
  Table without = table;
  without.remove("t");
  CHECK_THROWS_AS(fitted.apply(without), DataError);
  CHECK_THROWS_AS(Step(step).fit(without), DataError);
  check_numbers(fitted.apply(table.part(1, 2)).numbers("a"), {gap});  // one row
  Table empty = table;
  for (double& cell : empty.edit("a")) cell = gap;
  CHECK(std::isnan(Step(step).fit(empty).apply(empty).numbers("a")[11]));
  CHECK_THROWS_WITH(Step(Impute{.fill = Fill::forward_fill, .times = "t"}),
                    "Impute: expected seconds above 0 from one row to the next beside times for forward_fill, got 0");
  for (const double seconds : {-1.0, double(gap), double(INFINITY)})
    CHECK_THROWS_AS(Step(Impute{.fill = Fill::forward_fill, .times = "t", .seconds = seconds}), ConfigError);
  CHECK_THROWS_WITH(Step(Impute{.fill = Fill::forward_fill, .seconds = 300}),
                    "Impute: expected seconds of at least 0, and above 0 only beside times, got 300 and \"\"");
}

TEST_CASE("a fill of a file from before it knew of jumps counts rows, as it did") {
  const Table table = jumping();
  Config old = Step(Impute{.columns = {"a"}, .fill = Fill::forward_fill}).fit(table).config();
  old.set("times", "t");
  old.erase("seconds");
  const Step again = BuiltinSteps::make("Impute", old);
  check_numbers(again.apply(table).numbers("a"), {1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 4, 7});
  CHECK(again.sources_of("a") == std::vector<std::string>{"a"});
}

TEST_CASE("impute fills texts where it is told to") {
  const Table table = texts_of("kind", {"", "b", "a", "", "", "b"});
  const auto filled = [&](Fill fill, Index limit = -1) {
    return Step(Impute{.columns = {"kind"}, .fill = fill, .limit = limit}).fit(table).apply(table).texts("kind");
  };
  CHECK(filled(Fill::most_frequent) == std::vector<std::string>{"b", "b", "a", "b", "b", "b"});
  CHECK(filled(Fill::forward_fill) == std::vector<std::string>{"", "b", "a", "a", "a", "b"});
  CHECK(filled(Fill::forward_fill, 1) == std::vector<std::string>{"", "b", "a", "a", "", "b"});
  CHECK_THROWS_WITH(filled(Fill::mean),
                    "Impute: expected numbers in column \"kind\", got text, which mean does not fill");
  CHECK_THROWS_WITH(Step(Impute{}).fit(table), "Impute: expected a column of numbers, got none");
  const Step fitted = Step(Impute{.columns = {"kind"}, .fill = Fill::most_frequent}).fit(table);
  CHECK_THROWS_AS(fitted.apply(table_of("kind", {gap})), DataError);
}

TEST_CASE("impute has nothing to learn from a column without a number") {
  const Table table = table_of("a", {gap, gap});
  CHECK_THROWS_WITH(Step(Impute{}).fit(table), "Impute: expected a number in column \"a\", got none");
  CHECK(Step(Impute{.fill = Fill::constant, .constant = 4}).fit(table).apply(table).numbers("a")[1] == 4);
  check_numbers(Step(Impute{.fill = Fill::forward_fill}).fit(table).apply(table).numbers("a"), {gap, gap});
  CHECK_THROWS_AS(Step(Impute{}).fit(table_of("a", {1, INFINITY})), DataError);
}

TEST_CASE("outliers come to the ends of the whiskers of the training rows") {
  // Quartiles 2 and 4 of 1 to 5: whiskers from -1 to 7.
  const Step step = Step(ClipOutliers{}).fit(table_of("a", {5, 1, 4, gap, 2, 3}));
  check_numbers(step.apply(table_of("a", {-100, -1, 3, 7, 8, gap})).numbers("a"), {-1, -1, 3, 7, 7, gap});
  const Step narrow = Step(ClipOutliers{.factor = 0}).fit(table_of("a", {5, 1, 4, 2, 3}));
  check_numbers(narrow.apply(table_of("a", {1, 5})).numbers("a"), {2, 4});
  const Step one = Step(ClipOutliers{}).fit(table_of("a", {3}));
  check_numbers(one.apply(table_of("a", {1, 5})).numbers("a"), {3, 3});
  CHECK_THROWS_AS(Step(ClipOutliers{.factor = -1}), ConfigError);
  CHECK_THROWS_AS(Step(ClipOutliers{}).fit(table_of("a", {gap})), DataError);
}
