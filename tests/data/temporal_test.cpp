#include "maas/data/temporal.hpp"

#include "data/step_tables.hpp"
#include "maas/data/times.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

double at(const char* text) { return *parse_time(text); }

}  // namespace

TEST_CASE("times become places on the circles of day and week, in the place of the column") {
  Table table = times_of("time", {at("2024-01-01 00:00"), at("2024-01-01 06:00"), at("2024-01-04 12:00"), gap});
  table.add({.name = "flow", .numbers = {1, 2, 3, 4}});
  const Step step = Step(TimeFeatures{}).fit(table);
  const Table result = step.apply(table);
  CHECK(result.names() ==
        std::vector<std::string>{"time_day_sin", "time_day_cos", "time_week_sin", "time_week_cos", "flow"});
  check_numbers(result.numbers("time_day_sin"), {0, 1, 0, gap}, 1e-6);
  check_numbers(result.numbers("time_day_cos"), {1, 0, -1, gap}, 1e-6);
  check_numbers(result.numbers("time_week_sin"), {0, std::sin(6.283185307179586 / 28), 0, gap}, 1e-6);
  check_numbers(result.numbers("time_week_cos"), {1, std::cos(6.283185307179586 / 28), -1, gap}, 1e-6);
  CHECK(step.sources_of("time_week_cos") == std::vector<std::string>{"time"});
}

TEST_CASE("holidays are days of a list") {
  const Table table = times_of("t", {at("2024-01-01 23:59"), at("2024-01-02 00:00"), at("2024-12-25 08:00"), gap});
  const TimeFeatures features{.time_of_day = false, .day_of_week = false, .holidays = {"2024-01-01", "25.12.2024"}};
  const Table result = Step(features).fit(table).apply(table);
  CHECK(result.names() == std::vector<std::string>{"t_holiday"});
  check_numbers(result.numbers("t_holiday"), {1, 0, 1, gap});
  CHECK_THROWS_WITH(Step(TimeFeatures{.holidays = {"Christmas"}}),
                    "TimeFeatures: expected a day such as 2016-01-18 in holidays, got \"Christmas\"");
}

TEST_CASE("a column of times can stay beside its features") {
  const Table table = times_of("t", {0});
  const Table result = Step(TimeFeatures{.day_of_week = false, .keep = true}).fit(table).apply(table);
  CHECK(result.names() == std::vector<std::string>{"t", "t_day_sin", "t_day_cos"});
  CHECK(result.times("t") == std::vector<double>{0});
  CHECK_THROWS_AS(Step(TimeFeatures{.time_of_day = false, .day_of_week = false}), ConfigError);
  CHECK_THROWS_WITH(Step(TimeFeatures{}).fit(table_of("a", {1})), "TimeFeatures: expected a column of times, got none");
  CHECK_THROWS_WITH(Step(TimeFeatures{}).apply(table), "TimeFeatures: call fit first");
}

TEST_CASE("differences, and what they were before") {
  const Table table = table_of("a", {1, 4, gap, 10, 20});
  const Step step = Step(Difference{.columns = {"a"}}).fit(table);
  const Table result = step.apply(table);
  check_numbers(result.numbers("a"), {gap, 3, gap, gap, 10});
  check_numbers(step.invert(result, &table).numbers("a"), {gap, 4, gap, gap, 20});
  const Step two = Step(Difference{.columns = {"a"}, .period = 2}).fit(table);
  check_numbers(two.apply(table).numbers("a"), {gap, gap, gap, 6, gap});
  check_numbers(two.invert(two.apply(table), &table).numbers("a"), {gap, gap, gap, 10, gap});
  CHECK(step.inverts_from_before());
  CHECK_THROWS_WITH(step.invert(result),
                    "Difference: expected the rows it was applied to, to undo it in \"a\"; got none");
  CHECK_NOTHROW(step.invert(table_of("b", {1})));
  CHECK_THROWS_AS(step.invert(table_of("a", {1}), &table), DataError);
  check_numbers(step.apply(table_of("a", {7})).numbers("a"), {gap});
  CHECK_THROWS_AS(Step(Difference{.columns = {"a"}, .period = 0}), ConfigError);
  CHECK_THROWS_WITH(Step(Difference{}).fit(table), "Difference: expected the names of columns, got none");
}

TEST_CASE("lags are columns of their own") {
  const Table table = table_of("a", {1, 2, gap, 4});
  const Step step = Step(Lag{.columns = {"a"}, .lags = {1, 3}}).fit(table);
  const Table result = step.apply(table);
  CHECK(result.names() == std::vector<std::string>{"a", "a_lag_1", "a_lag_3"});
  check_numbers(result.numbers("a_lag_1"), {gap, 1, 2, gap});
  check_numbers(result.numbers("a_lag_3"), {gap, gap, gap, 1});
  CHECK(step.invert(result).names() == table.names());
  CHECK(step.sources_of("a_lag_3") == std::vector<std::string>{"a"});
  check_numbers(step.apply(table_of("a", {1})).numbers("a_lag_3"), {gap});
  CHECK_THROWS_AS(Step(Lag{.columns = {"a"}, .lags = {0}}), ConfigError);
  CHECK_THROWS_AS(Step(Lag{.columns = {"a"}, .lags = {1, 1}}), ConfigError);
  CHECK_THROWS_WITH(Step(Lag{.columns = {"a"}}).fit(texts_of("a", {"x"})),
                    "Lag: expected numbers in column \"a\", got text");
}

TEST_CASE("lags and differences with times do not reach across a jump, nor into another file") {
  Table table = table_of("a", {1, 2, 4, 8, 16, 32, 64});
  // A reading is a second late, a gap before row 3, then another file, which begins earlier; nobody knows when row 6
  // was.
  table.add({.name = "t", .type = ColumnType::time, .numbers = {0, 300, 601, 4500, 4800, 0, gap}});
  const Step lag = Step(Lag{.columns = {"a"}, .lags = {1, 2}, .times = "t", .seconds = 300}).fit(table);
  const Table lagged = lag.apply(table);
  check_numbers(lagged.numbers("a_lag_1"), {gap, 1, 2, gap, 8, gap, gap});
  check_numbers(lagged.numbers("a_lag_2"), {gap, gap, 1, gap, gap, gap, gap});
  CHECK(lag.sources_of("a_lag_2") == std::vector<std::string>{"a", "t"});
  CHECK(lag.sources_of("a") == std::vector<std::string>{"a"});

  const Step change = Step(Difference{.columns = {"a"}, .times = "t", .seconds = 300}).fit(table);
  const Table changed = change.apply(table);
  check_numbers(changed.numbers("a"), {gap, 1, 2, gap, 8, gap, gap});
  check_numbers(change.invert(changed, &table).numbers("a"), {gap, 2, 4, gap, 16, gap, gap});
  CHECK(change.sources_of("a") == std::vector<std::string>{"a", "t"});
  CHECK(change.sources_of("t") == std::vector<std::string>{"t"});
  // Two rows before, 5 minutes each; without times rows alone count.
  const Difference two{.columns = {"a"}, .period = 2, .times = "t", .seconds = 300};
  check_numbers(Step(two).fit(table).apply(table).numbers("a"), {gap, gap, 3, gap, gap, gap, gap});
  check_numbers(Step(Difference{.columns = {"a"}}).fit(table).apply(table).numbers("a"), {gap, 1, 2, 4, 8, 16, 32});
}

TEST_CASE("a lag with times takes both its settings, and a column of times") {
  const Table table = table_of("a", {1, 2});
  CHECK_THROWS_WITH(
      Step(Lag{.columns = {"a"}, .times = "t"}),
      "Lag: expected both times and seconds above 0 from one row to the next, or neither; got \"t\" and 0");
  CHECK_THROWS_AS(Step(Lag{.columns = {"a"}, .seconds = 300}), ConfigError);
  CHECK_THROWS_AS(Step(Difference{.columns = {"a"}, .times = "t", .seconds = -1}), ConfigError);
  CHECK_THROWS_AS(Step(Difference{.columns = {"a"}, .seconds = gap}), ConfigError);
  CHECK_THROWS_AS(Step(Lag{.columns = {"a"}, .times = "t", .seconds = 300}).fit(table), DataError);
  CHECK_THROWS_WITH(Step(Difference{.columns = {"a"}, .times = "a", .seconds = 300}).fit(table),
                    "Difference: expected times in column \"a\", got numbers");
}
