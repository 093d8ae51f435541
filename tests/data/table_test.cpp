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

TEST_CASE("a matrix becomes a table") {
  Matrix matrix(2, 2);
  matrix << 1, 2, 3, 4;
  CHECK(table_of(matrix, {"flow", "speed"}).numbers("speed") == std::vector<double>{2, 4});
  CHECK(table_of(matrix).names() == std::vector<std::string>{"0", "1"});
  CHECK(table_of(matrix).matrix() == matrix);
  CHECK(table_of(Matrix(0, 3)).rows() == 0);
  CHECK_THROWS_WITH(table_of(matrix, {"flow"}), "table_of: expected a name for each of 2 columns, got 1");
  CHECK_THROWS_AS(table_of(matrix, {"flow", "flow"}), DataError);
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

TEST_CASE("columns are changed in place, removed and replaced") {
  Table table = small_table();
  table.edit("flow")[1] = 20;
  table.edit_texts("label")[0] = "z";
  CHECK(table.numbers("flow") == std::vector<double>{1, 20, 3});
  CHECK(table.texts("label")[0] == "z");
  CHECK_THROWS_AS(table.edit("label"), DataError);
  CHECK_THROWS_AS(table.edit_texts("flow"), DataError);
  table.replace("speed", {{.name = "speed", .numbers = {0, 0, 0}}, {.name = "more", .numbers = {1, 1, 1}}});
  CHECK(table.names() == std::vector<std::string>{"flow", "speed", "more", "label"});
  CHECK_THROWS_AS(table.replace("speed", {{.name = "flow", .numbers = {0, 0, 0}}}), DataError);
  CHECK_THROWS_WITH(table.replace("flow", {{.name = "flow", .numbers = {0}}}),
                    "Table: expected 3 rows in column \"flow\", got 1");
  CHECK(table.names() == std::vector<std::string>{"flow", "speed", "more", "label"});
  CHECK(table.numbers("flow") == std::vector<double>{1, 20, 3});
  table.remove("more");
  CHECK(table.names() == std::vector<std::string>{"flow", "speed", "label"});
  CHECK_THROWS_AS(table.remove("more"), DataError);
}

TEST_CASE("rows of a table are picked by number, or as a part") {
  const Table table = small_table();
  const std::vector<Index> rows{2, 0, 2};
  CHECK(table.select(rows).numbers("flow") == std::vector<double>{3, 1, 3});
  CHECK(table.select(rows).texts("label") == std::vector<std::string>{"c", "a", "c"});
  CHECK(table.part(1, 3).numbers("speed") == std::vector<double>{5, 6});
  CHECK(table.part(1, 1).rows() == 0);
  CHECK_THROWS_WITH(table.part(1, 4), "Table: expected rows within 0 to 3, got 1 to 4");
  CHECK_THROWS_AS(table.select(std::vector<Index>{3}), DataError);
}
