#include "maas/data/csv.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/catch.hpp"

using namespace maas;

namespace {

constexpr double seconds_2016_01_04 = 1451865600;  // 16804 days after 1970-01-01

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void check_refused(std::string_view text, const std::string& message, const CsvOptions& options = {}) {
  CAPTURE(text);
  CHECK_THROWS_AS(parse_csv(text, "data.csv", options), FormatError);
  CHECK_THROWS_WITH(parse_csv(text, "data.csv", options), message);
}

}  // namespace

TEST_CASE("why a column is text: the first cell that is not what those before are") {
  const auto why = [](const std::string& cells, DateOrder dates = DateOrder::automatic) {
    return parse_csv("a\n" + cells, "d.csv", {.dates = dates}).column("a").why_text;
  };
  CHECK(why("1\n2\nx\n") == "d.csv:4:1: expected a number, got \"x\"");
  CHECK(why("x\n1\n") == "d.csv:2:1: expected a number, got \"x\"");
  CHECK(why("2024-01-01\n\"\"\nnever\n") == "d.csv:4:1: expected a time, got \"never\"");
  CHECK(why("1/13/2024\n1/14/2024\n14/1/2024\n") == "d.csv:4:1: expected a time, got \"14/1/2024\"");
  CHECK(why("1/13/2024\n", DateOrder::day_first) == "d.csv:2:1: expected a time, day first, got \"1/13/2024\"");
  CHECK(why("13/1/2024\n", DateOrder::month_first) == "d.csv:2:1: expected a time, month first, got \"13/1/2024\"");
}

TEST_CASE("columns of a CSV file get the type that all their cells have") {
  const Table table = parse_csv(
      "time,flow,label\n"
      "2016-01-04 00:00,12,low\n"
      "2016-01-04 00:05,,\n"
      "2016-01-04 00:10,-1.5e1,high\n",
      "data.csv");
  CHECK(table.rows() == 3);
  CHECK(table.names() == std::vector<std::string>{"time", "flow", "label"});
  CHECK(table.times("time") ==
        std::vector<double>{seconds_2016_01_04, seconds_2016_01_04 + 300, seconds_2016_01_04 + 600});
  CHECK(table.numbers("flow")[0] == 12);
  CHECK(std::isnan(table.numbers("flow")[1]));
  CHECK(table.numbers("flow")[2] == -15);
  CHECK(table.texts("label") == std::vector<std::string>{"low", "", "high"});
}

TEST_CASE("a byte order mark, CRLF, quotes, blanks and empty lines do not get into cells") {
  const Table table = parse_csv(
      "\xEF\xBB\xBF\"a\" , b \r\n"
      "\r\n"
      "\" 1, \"\"2\"\"\r\n3\",  4\t\r\n"
      "   \r\n"
      "x,5",
      "data.csv");
  CHECK(table.names() == std::vector<std::string>{"a", "b"});
  CHECK(table.texts("a") == std::vector<std::string>{" 1, \"2\"\r\n3", "x"});
  CHECK(table.numbers("b") == std::vector<double>{4, 5});
}

TEST_CASE("the separator is found in the first line, or given") {
  CHECK(parse_csv("a;b\n1;2\n", "f").numbers("b") == std::vector<double>{2});
  CHECK(parse_csv("a\tb\n1\t2\n", "f").numbers("b") == std::vector<double>{2});
  CHECK(parse_csv("\"a,b,c\";d\n1;2\n", "f").names() == std::vector<std::string>{"a,b,c", "d"});
  CHECK(parse_csv("# 1,2,3\na;b\n1;2\n", "f", {.comment = '#'}).columns() == 2);
  CHECK(parse_csv("a|b\n1|2\n", "f", {.separator = '|'}).numbers("b") == std::vector<double>{2});
  CHECK(parse_csv("a;b\n1,5;-,25\n", "f", {.decimal = ','}).matrix() ==
        (Matrix(1, 2) << Scalar(1.5), Scalar(-0.25)).finished());
}

TEST_CASE("a file may have no header, or be looked at whether it has one") {
  CHECK(parse_csv("1,2\n3,4\n", "f", {.header = CsvHeader::none}).numbers("1") == std::vector<double>{2, 4});
  CHECK(parse_csv("1,\n3,4\n", "f", {.header = CsvHeader::automatic}).rows() == 2);
  CHECK(parse_csv("a,2\n3,4\n", "f", {.header = CsvHeader::automatic}).rows() == 1);
  CHECK(parse_csv("7,8\n3,4\n", "f").names() == std::vector<std::string>{"7", "8"});
}

TEST_CASE("names that are missing or come again are made up") {
  CHECK(parse_csv("a,,a,a\n1,2,3,4\n", "f").names() == std::vector<std::string>{"a", "1", "a.1", "a.2"});
  CHECK(parse_csv("a,a,a.1,a,2,,5\n1,2,3,4,5,6,7\n", "f").names() ==
        std::vector<std::string>{"a", "a.1", "a.1.1", "a.2", "2", "5", "5.1"});
}

TEST_CASE("comments are passed over if asked for") {
  const CsvOptions options{.header = CsvHeader::none, .comment = '#'};
  CHECK(parse_csv("# shape 2\n1,2\n#3,4\n5,6\n", "f", options).numbers("0") == std::vector<double>{1, 5});
  CHECK(parse_csv("a,# b\n1,2\n", "f", {.comment = '#'}).names() == std::vector<std::string>{"a", "# b"});
  CHECK(parse_csv("#a\n1\n", "f").names() == std::vector<std::string>{"#a"});
  CHECK(parse_csv("a\n\"x\n# inside\"\n", "f", {.comment = '#'}).texts("a").front() == "x\n# inside");
}

TEST_CASE("cells that mean no value are missing in columns of numbers and stand in columns of text") {
  const Table table = parse_csv("a,b,c\nNA,NA,nan\n1,x,null\n", "f");
  CHECK(std::isnan(table.numbers("a")[0]));
  CHECK(table.texts("b")[0] == "NA");
  CHECK(std::isnan(table.numbers("c")[0]));
  CHECK(std::isnan(table.numbers("c")[1]));
  CHECK(std::isnan(parse_csv("a\n-99\n1\n", "f", {.missing = {"-99"}}).numbers("a")[0]));
}

TEST_CASE("numbers are read to the last bit") {
  const Table table =
      parse_csv("0.1,+2,.5,5.,1e308,-inf,9007199254740993,1e400,-1E400,1e-400\n", "f", {.header = CsvHeader::none});
  const double expected[] = {0.1, 2, 0.5, 5, 1e308, -INFINITY, 9007199254740992.0, INFINITY, -INFINITY, 0};
  for (Index column = 0; column < 10; ++column) CHECK(table.column(column).numbers[0] == expected[column]);
  for (const char* text : {"1 2", "0x10", "1e", "+-5", "++5", "1,5", "12x", "--1"})
    CHECK_THROWS_AS(parse_csv("\"" + std::string(text) + "\"", "f",
                              {.header = CsvHeader::none, .types = {{"0", ColumnType::number}}}),
                    FormatError);
}

TEST_CASE("the order of day and month is settled by the whole column") {
  CHECK(parse_csv("t\n04/01/2016 0:00\n29/02/2016 0:05\n", "f").times("t")[0] == seconds_2016_01_04);
  CHECK(parse_csv("t\n1/4/2016\n1/31/2016\n", "f").times("t")[0] == seconds_2016_01_04);
  CHECK(parse_csv("t\n1/4/2016\n", "f", {.dates = DateOrder::month_first}).times("t")[0] == seconds_2016_01_04);
  CHECK(parse_csv("t\n31/1/2016\n1/31/2016\n", "f").column("t").type == ColumnType::text);
}

TEST_CASE("what is wrong in a CSV file is said with line and column") {
  check_refused("a,b\n1,2\n3\n", "data.csv:3:2: expected 2 cells, as in the first row, got 1");
  check_refused("a,b\n\n1,2,3\n", "data.csv:3:3: expected 2 cells, as in the first row, got 3");
  check_refused("a,b\n\"x\ny\",2\n1,\n4\n", "data.csv:5:2: expected 2 cells, as in the first row, got 1");
  check_refused("a,b\n1,\"x\n2,3\n", "data.csv:2:2: expected a closing quote, got the end of the file");
  check_refused("a,b\n1,x\"y\n", "data.csv:2:2: expected quotes around a whole cell, got one inside it");
  check_refused("a,b\n\"x\"y,1\n", "data.csv:2:1: expected quotes around a whole cell, got one inside it");
  check_refused("", "data.csv: expected rows of cells, got none");
  check_refused("\n\r\n  \n", "data.csv: expected rows of cells, got none");
  check_refused("#a\n", "data.csv: expected rows of cells, got none", {.comment = '#'});
  check_refused("\xFF\xFE", "data.csv:1:1: expected UTF-8 text, got UTF-16; convert the file first");
  check_refused("a,b\r1,2\r3\r", "data.csv:3:2: expected 2 cells, as in the first row, got 1");
}

TEST_CASE("bytes that are no UTF-8 text have their line and column, wherever they stand") {
  const std::string zero = "expected UTF-8 text, got a byte 0 (UTF-16?); convert the file first";
  const std::string other = "expected UTF-8 text, got a byte of another encoding (Latin-1?); convert the file first";
  using namespace std::string_literals;
  check_refused("a\0b\n"s, "data.csv:1:1: " + zero);
  check_refused("a,b\n1,2\n3,\0\n"s, "data.csv:3:2: " + zero);
  check_refused("\0a\0,\0b\0\n"s, "data.csv:1:1: " + zero);  // UTF-16 without a mark
  check_refused("name,flow\nM\xC3\xBCller,1\nM\xFCller,2\n", "data.csv:3:1: " + other);
  check_refused("flow;name\r\n1;\"M;\xC3\xBC\"\r\n\r\n2;M\xFCller\r\n", "data.csv:4:2: " + other);
  check_refused("a\tb\r1\tx\r2\t\xE4\r", "data.csv:3:2: " + other);
  check_refused("a,b,c\n1,\"x,\ny\"\"\",\xFC\n", "data.csv:3:3: " + other);  // separators and line ends in quotes
  check_refused("a,b\n# \"it's, \n1,\xFC\n", "data.csv:3:2: " + other, {.comment = '#'});
  check_refused(
      "\xEF\xBB\xBF"
      "a,b\n\xFC,1\n",
      "data.csv:2:1: " + other);
  check_refused("a,b\n\xFC,\0\n"s, "data.csv:2:1: " + other);  // the first one
  check_refused("a,b\n\0,\xFC\n"s, "data.csv:2:1: " + zero);
}

TEST_CASE("a cell of another type than asked for is named") {
  check_refused("a,b\n1,2\n3,x4\n", "data.csv:3:2: expected a number in \"b\", got \"x4\"",
                {.types = {{"b", ColumnType::number}}});
  check_refused("a,b\n1,2016-02-30\n", "data.csv:2:2: expected a time in \"b\", got \"2016-02-30\"",
                {.types = {{"b", ColumnType::time}}});
  check_refused("a,b\n1,2\n", "data.csv: expected a column \"c\", got \"a\", \"b\"",
                {.types = {{"c", ColumnType::number}}});
  const Table table = parse_csv("a,b\n1,2\n3,x4\n", "data.csv", {.types = {{"a", ColumnType::text}}});
  CHECK(table.texts("a")[1] == "3");
  CHECK_THROWS_WITH(table.numbers("b"),
                    "Table: expected numbers in column \"b\", got text (data.csv:3:2: expected a number, got \"x4\")");
}

TEST_CASE("a file that cannot be read is named") {
  CHECK_THROWS_AS(read_csv("no/such/file.csv"), FormatError);
  CHECK_THROWS_WITH(read_csv("no/such/file.csv"), "no/such/file.csv: cannot be read: No such file or directory");
  CHECK_THROWS_WITH(read_csv("/"), "/: cannot be read: Is a directory");
}

TEST_CASE("a header without rows is a table without rows") {
  const Table table = parse_csv("a,b\n", "f");
  CHECK(table.rows() == 0);
  CHECK(table.matrix().cols() == 2);
}

TEST_CASE("matrices are written with nine digits and read back") {
  Matrix matrix(2, 2);
  matrix << Scalar(1) / 3, -2, Scalar(1e-20), NAN;
  CHECK(csv_text(matrix.leftCols(1)).substr(0, 8) == "0.333333");
  write_csv("written.csv", matrix, {"x", "a,\"b\""});
  CHECK(file_text("written.csv").starts_with("x,\"a,\"\"b\"\"\"\n0.333333"));
  const Table table = read_csv("written.csv");
  CHECK(table.names() == std::vector<std::string>{"x", "a,\"b\""});
  for (Index row = 0; row < 2; ++row)
    CHECK(table.numbers("x")[std::size_t(row)] == Approx(matrix(row, 0)).epsilon(1e-8));
  if constexpr (sizeof(Scalar) == 4)
    CHECK(static_cast<float>(table.numbers("x")[0]) == static_cast<float>(matrix(0, 0)));
  CHECK(std::isnan(table.numbers("a,\"b\"")[1]));
  std::remove("written.csv");
}

TEST_CASE("times beyond the years that are read are written as numbers") {
  Table table;
  table.add({.name = "t", .type = ColumnType::time, .numbers = {253402300800, 3e11, -62167219201}});
  table.add({.name = "u", .type = ColumnType::time, .numbers = {0, 3e11, std::numeric_limits<double>::quiet_NaN()}});
  const Table read = parse_csv(csv_text(table), "f");
  CHECK(read.numbers("t") == table.times("t"));
  CHECK(read.numbers("u")[0] == 0);  // one without a date makes numbers of all
  CHECK(read.numbers("u")[1] == 3e11);
}

TEST_CASE("writing says what does not fit and leaves nothing behind") {
  CHECK_THROWS_AS(csv_text(Matrix::Zero(1, 2), {"a"}), ShapeError);
  CHECK_THROWS_AS(write_csv("no/such/folder/x.csv", Matrix::Zero(1, 2)), FormatError);
  CHECK(csv_text(Matrix(0, 2)) == "");
}

TEST_CASE("real detector files are read as they are") {
  const std::string folder = MAAS_SHARED_DIR "/data/traffic/";
  if (!std::filesystem::exists(folder + "pems-lane1-train.csv")) {
    WARN("skipped: " << folder << " is not there");
    return;
  }
  const auto mean_of = [](const std::vector<double>& values) {
    double sum = 0;
    Index count = 0;
    for (double value : values)
      if (!std::isnan(value)) {
        sum += value;
        ++count;
      }
    return sum / static_cast<double>(count);
  };

  const Table train = read_csv(folder + "pems-lane1-train.csv");
  CHECK(train.rows() == 7776);
  CHECK(train.times("5 Minutes").front() == seconds_2016_01_04);
  CHECK(format_time(train.times("5 Minutes").back()) == "2016-02-29 23:55");
  CHECK(mean_of(train.numbers("Lane 1 Flow (Veh/5 Minutes)")) == Approx(66.89326132).epsilon(1e-9));
  CHECK(train.contains("# Lane Points"));

  const Table metro = read_csv(folder + "metro-interstate-volume.csv");
  CHECK(metro.rows() == 48204);
  CHECK(mean_of(metro.numbers("traffic_volume")) == Approx(3259.8823).epsilon(1e-7));
  CHECK(metro.texts("holiday")[0] == "None");
  CHECK(format_time(metro.times("date_time")[0]) == "2012-10-02 09:00");

  const Table taxi = read_csv(folder + "sz-taxi-40roads-speed.csv");
  CHECK(format_time(taxi.times("date").back()) == "2015-01-31 23:45");

  const Table driving = read_csv(folder + "driving-opel-corsa-01.csv");
  CHECK(driving.rows() == 7392);
  CHECK(driving.columns() == 17);
  CHECK(driving.texts("roadSurface")[0] == "SmoothCondition");
  CHECK(std::isnan(driving.numbers("AltitudeVariation")[0]));

  const Table loop = read_csv(folder + "los-loop-speed.csv");
  CHECK(loop.matrix().rows() == 2016);
  CHECK(loop.matrix().cols() == 207);
}

TEST_CASE("the order of dates that a file was read by is told, where its dates tell") {
  const auto order = [](const std::string& text, const CsvOptions& options = {}) {
    CsvOptions used{.decimal = ';', .dates = DateOrder::month_first};  // to be written over
    const Table table = parse_csv(text, "f", options, used);
    CHECK(csv_text(table) == csv_text(parse_csv(text, "f", options)));
    CHECK(csv_text(table) == csv_text(parse_csv(text, "f", used)));
    CHECK(used.decimal == options.decimal);
    return used.dates;
  };
  CHECK(order("t,x\n13/1/2016,1\n2/1/2016,2\n") == DateOrder::day_first);
  CHECK(order("t,x\n1/13/2016,1\n2/1/2016,2\n") == DateOrder::month_first);
  CHECK(order("t,x\n,1\n2.1.2016 10:30,2\n") == DateOrder::day_first);  // read so, though it could be 1 February
  CHECK(order("t,x\n2/2/2016,1\n,2\n3/3/2016,3\n") == DateOrder::automatic);
  CHECK(order("t,x\n2016-01-13,1\n2016/01/02 10:30:00,2\n") == DateOrder::automatic);
  CHECK(order("t,x\n2016-01-13,1\n1/13/2016,2\n") == DateOrder::month_first);
  CHECK(order("x,y\n1,2\n") == DateOrder::automatic);
  CHECK(order("t,x\n1/13/2016,1\n13/1/2016,2\n") == DateOrder::automatic);  // texts
  // Columns that differ are each read by their own.
  CHECK(order("a,b\n1/13/2016,13/1/2016\n") == DateOrder::automatic);
  CHECK(order("a,b\n1/13/2016,2016-05-04\n") == DateOrder::month_first);
  CHECK(order("t\n2/1/2016\n", {.dates = DateOrder::month_first}) == DateOrder::month_first);
  CHECK(order("t\n2/1/2016\n", {.types = {{"t", ColumnType::time}}}) == DateOrder::day_first);
  CHECK(order("t\n2/1/2016\n", {.types = {{"t", ColumnType::text}}}) == DateOrder::automatic);

  write_csv("order.csv", parse_csv("t\n2016-01-13\n", "f"));
  CsvOptions used{.dates = DateOrder::month_first};
  CHECK(read_csv("order.csv", {.comment = '#'}, used).rows() == 1);
  CHECK(used.dates == DateOrder::automatic);
  CHECK(used.comment == '#');
}
