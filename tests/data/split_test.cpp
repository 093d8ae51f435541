#include "maas/data/split.hpp"

#include "maas/data/table.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("a split by time gives the last rows to the test and those before to validation") {
  const TimeSplit split = split_by_time(10, 0.2, 0.1);
  CHECK(split.train == RowRange{0, 7});
  CHECK(split.validation == RowRange{7, 9});
  CHECK(split.test == RowRange{9, 10});
  CHECK(split_by_time(30, 0.1, 0.1).test == RowRange{27, 30});
  CHECK(split_by_time(7, 0, 0.5).test == RowRange{4, 7});  // shares are rounded down
  CHECK(split_by_time(7, 0, 0.5).validation.size() == 0);
  CHECK(split_by_time(1, 0, 0).train == RowRange{0, 1});
  for (Index rows = 10; rows < 200; ++rows) {
    const TimeSplit parts = split_by_time(rows, 0.15, 0.25);
    CHECK(parts.train.size() + parts.validation.size() + parts.test.size() == rows);
  }
}

TEST_CASE("a range of rows picks them out of a matrix without a copy") {
  Matrix matrix(4, 2);
  matrix << 1, 2, 3, 4, 5, 6, 7, 8;
  const RowRange range{1, 3};
  CHECK(range.of(matrix) == matrix.middleRows(1, 2));
  CHECK(range.of(matrix).data() == matrix.data() + 2);
  CHECK(range.contains(1));
  CHECK_FALSE(range.contains(3));
}

TEST_CASE("a split refuses shares that make no sense, and too few rows") {
  CHECK_THROWS_AS(split_by_time(10, -0.1, 0.1), ConfigError);
  CHECK_THROWS_AS(split_by_time(10, 0.5, 0.5), ConfigError);
  CHECK_THROWS_AS(split_by_time(10, NAN, 0.5), ConfigError);
  CHECK_THROWS_WITH(split_by_time(3, 0.1, 0.4), "split_by_time: expected rows for every part, got 3 rows in all");
  CHECK_THROWS_AS(split_by_time(0, 0, 0), DataError);
}

TEST_CASE("a range gives its rows of a table") {
  Table table;
  table.add({.name = "flow", .numbers = {1, 2, 3, 4}});
  CHECK((RowRange{1, 3}.of(table).numbers("flow")) == std::vector<double>{2, 3});
  CHECK_THROWS_AS((RowRange{3, 5}.of(table)), DataError);
}
