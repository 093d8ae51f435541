#include "maas/data/table.hpp"

#include "support/catch.hpp"

using namespace maas;

namespace {

Table small_table() {
  Table table;
  table.add({.name = "flow", .numbers = {1, 2, 3}});
  table.add({.name = "speed", .numbers = {4, 5, 6}});
  table.add({.name = "label", .type = ColumnType::text, .texts = {"a", "b", "c"}});
  return table;
}

}  // namespace

TEST_CASE("a table gives its columns by name and position, and as a matrix") {
  const Table table = small_table();
  CHECK(table.rows() == 3);
  CHECK(table.columns() == 3);
  CHECK(table.contains("speed"));
  CHECK_FALSE(table.contains("Speed"));
  CHECK(table.column(1).name == "speed");
  CHECK(table.numbers("flow") == std::vector<double>{1, 2, 3});
  Matrix expected(3, 2);
  expected << 4, 1, 5, 2, 6, 3;
  CHECK(table.matrix({"speed", "flow"}) == expected);
}

TEST_CASE("a table says which columns there are, and what they hold") {
  const Table table = small_table();
  CHECK_THROWS_AS(table.numbers("flo"), DataError);
  CHECK_THROWS_WITH(table.numbers("flo"),
                    "Table: there is no column \"flo\"; there are \"flow\", \"speed\", \"label\"");
  CHECK_THROWS_WITH(table.numbers("label"), "Table: expected numbers in column \"label\", got text");
  CHECK_THROWS_WITH(table.times("flow"), "Table: expected times in column \"flow\", got numbers");
  CHECK_THROWS_WITH(table.column(3), "Table: expected a column of 0 to 2, got 3");
  CHECK_THROWS_AS(table.matrix(), DataError);
  CHECK_THROWS_WITH(Table().column("x"), "Table: there is no column \"x\"; there are none");
}

TEST_CASE("a table refuses columns of another length or of a name that is taken") {
  Table table = small_table();
  CHECK_THROWS_WITH(table.add({.name = "short", .numbers = {1}}), "Table: expected 3 rows in column \"short\", got 1");
  CHECK_THROWS_WITH(table.add({.name = "flow", .numbers = {1, 2, 3}}), "Table: there is a column \"flow\" already");
}
