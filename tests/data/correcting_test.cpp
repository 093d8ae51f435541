#include "maas/data/correcting.hpp"

#include "data/step_tables.hpp"
#include "maas/data/pipeline.hpp"

using namespace maas;
using namespace maas::tests;

TEST_CASE("numbers that cannot be become missing, limits stay") {
  Table table = table_of("bus", {-47, 0, gap, 50, 50.5});
  table.add({.name = "other", .numbers = {-1, -2, -3, -4, -5}});
  const Step step = Step(ValidRange{.columns = {"bus"}, .low = 0, .high = 50}).fit(table);
  check_numbers(step.apply(table).numbers("bus"), {gap, 0, gap, 50, gap});
  check_numbers(step.apply(table).numbers("other"), {-1, -2, -3, -4, -5});
  check_numbers(Step(ValidRange{.low = -2}).apply(table).numbers("other"), {-1, -2, gap, gap, gap});
  CHECK_THROWS_WITH(Step(ValidRange{.low = 2, .high = 1}), "ValidRange: expected low <= high, got 2 and 1");
  CHECK_THROWS_AS(Step(ValidRange{.low = gap}), ConfigError);
  CHECK_THROWS_AS(Step(ValidRange{.columns = {"car"}}).fit(table), DataError);
  CHECK_THROWS_AS(Step(ValidRange{.columns = {"day"}}).fit(texts_of("day", {"Tue"})), DataError);
}

TEST_CASE("texts stand in the place of others, whole cells only") {
  Table table = texts_of("day", {"Tue", "Tuesday", "", "Tue "});
  table.add({.name = "other", .type = ColumnType::text, .texts = {"Tue", "n/a", "n/a", "x"}});
  const Step step = Step(ReplaceTexts{.columns = {"day"}, .from = {"Tue"}, .to = {"Tuesday"}}).fit(table);
  CHECK(step.apply(table).texts("day") == std::vector<std::string>{"Tuesday", "Tuesday", "", "Tue "});
  CHECK(step.apply(table).texts("other")[0] == "Tue");
  const Step everywhere = Step(ReplaceTexts{.from = {"n/a", "Tue"}, .to = {"", "n/a"}});
  CHECK(everywhere.apply(table).texts("other") == std::vector<std::string>{"n/a", "", "", "x"});
  CHECK_THROWS_WITH(Step(ReplaceTexts{.from = {"a"}}),
                    "ReplaceTexts: expected as many texts in to as in from (1), got 0");
  CHECK_THROWS_AS(Step(ReplaceTexts{.from = {"a", "a"}, .to = {"b", "c"}}), ConfigError);
}

TEST_CASE("rows that come twice are left out of training alone") {
  Table table = table_of("a", {1, 2, 1, 1, gap, gap});
  table.add({.name = "kind", .type = ColumnType::text, .texts = {"x", "x", "x", "y", "z", "z"}});
  CHECK(Step(DropDuplicateRows{}).kept_rows(table) == std::vector<bool>{true, true, false, true, true, false});
  CHECK(Step(DropDuplicateRows{.columns = {"kind"}}).kept_rows(table) ==
        std::vector<bool>{true, false, false, true, true, false});
  CHECK_THROWS_AS(Step(DropDuplicateRows{.columns = {"b"}}).fit(table), DataError);

  Table rows = table_of("x", {1, 5, 5, 3});
  rows.add({.name = "y", .numbers = {1, 2, 2, 4}});
  Pipeline pipeline({.steps = {DropDuplicateRows{}, Standard{.columns = {"x"}}}, .targets = {"y"}});
  pipeline.fit(rows);
  CHECK(pipeline.samples(rows).rows == std::vector<Index>{0, 1, 3});
  CHECK(pipeline.apply(rows).rows() == 4);
  CHECK(double(pipeline.apply(rows)(3, 0)) == Approx(0).margin(1e-6));  // the mean of 1, 5 and 3, not of 1, 5, 5, 3
}
