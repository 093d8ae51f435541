#include "maas/data/report.hpp"

#include <algorithm>
#include <filesystem>

#include "data/step_tables.hpp"
#include "maas/data/csv.hpp"
#include "maas/data/times.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

bool finds(const DataReport& found, const std::string& finding) {
  return std::find(found.findings.begin(), found.findings.end(), finding) != found.findings.end();
}

/// A column of many rows: 0, 1, ..., 9 over and over.
std::vector<double> tens(int rows) {
  std::vector<double> numbers;
  for (int i = 0; i < rows; ++i) numbers.push_back(i % 10);
  return numbers;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

}  // namespace

TEST_CASE("figures of a column of numbers by hand") {
  const DataReport found = report(table_of("a", {1, 2, gap, 3, 4, 30}));
  REQUIRE(found.columns.size() == 1);
  const ColumnReport& a = found.columns[0];
  CHECK(a.missing == 1);
  CHECK(a.missing_rows == std::vector<Index>{2});
  CHECK(a.min == 1);
  CHECK(a.max == 30);
  CHECK(a.mean == 8);
  CHECK(a.deviation == Approx(std::sqrt((49 + 36 + 25 + 16 + 484) / 5.0)));
  CHECK(a.q1 == 2);
  CHECK(a.median == 3);
  CHECK(a.q3 == 4);
  CHECK(a.outliers == 1);
  CHECK(a.farthest == 5);
  CHECK(a.lowest == 0);
  CHECK_FALSE(a.constant);
}

TEST_CASE("texts are counted, the most frequent first") {
  const DataReport found = report(texts_of("kind", {"b", "a", "", "a", "c"}));
  const ColumnReport& kind = found.columns[0];
  CHECK(kind.missing == 1);
  REQUIRE(kind.categories.size() == 3);
  CHECK(kind.categories[0].name == "a");
  CHECK(kind.categories[0].count == 2);
  CHECK(kind.categories[1].name == "b");
  CHECK(found.text() ==
        "5 rows, 1 column; rows are counted from 0\n"
        "  \"kind\": text, 1 missing; 3 different: \"a\" 2 (50.0 %), \"b\" 1 (25.0 %), \"c\" 1 (25.0 %)\n"
        "Odd\n"
        "  \"kind\": missing in 1 row: 2\n"
        "  1 row the same as one before: 3 as 1\n");
}

TEST_CASE("correlations are over the rows that have both numbers, the strongest first") {
  Table table = table_of("a", {1, 2, 3, 4, gap});
  table.add({.name = "b", .numbers = {2, 1, 4, 3, 100}});
  table.add({.name = "c", .numbers = {-1, -2, -3, gap, 7}});
  table.add({.name = "same", .numbers = {5, 5, 5, 5, 5}});
  const DataReport found = report(table);
  REQUIRE(found.correlations.size() == 3);
  CHECK(found.correlations[0].a == "a");
  CHECK(found.correlations[0].b == "c");
  CHECK(found.correlations[0].value == Approx(-1));
  CHECK(found.correlations[2].value == Approx(0.6));  // of a and b
  CHECK(finds(found, "\"same\": never changes"));
}

TEST_CASE("correlations do not depend on the unit, however small or large") {
  for (double unit : {1e-310, 1e-90, 1.0, 1e90, 1e300}) {
    CAPTURE(unit);
    Table table = table_of("a", {1 * unit, 2 * unit, 3 * unit, 4 * unit});
    table.add({.name = "b", .numbers = {2 * unit, 1 * unit, 4 * unit, 3 * unit}});
    const DataReport found = report(table);
    REQUIRE(found.correlations.size() == 1);
    CHECK(found.correlations[0].value == Approx(0.6));
  }
}

TEST_CASE("correlations of large numbers that differ little are not those of rounding errors") {
  const auto beyond = [](std::vector<double> numbers) {
    for (double& number : numbers) number += 9007199254740992;  // 2^53, from where on only even ones are told apart
    return numbers;
  };
  std::vector<double> a, b;
  for (int i = 0; i < 200; ++i) a.push_back(2 * (i % 10)), b.push_back(2 * (i % 7));
  Table small = table_of("a", a), large = table_of("a", beyond(a));
  small.add({.name = "b", .numbers = b});
  large.add({.name = "b", .numbers = beyond(b)});
  CHECK(report(large).correlations.at(0).value == Approx(report(small).correlations.at(0).value));
  Table part = table_of("a", {0.1, 0.1, 0.1, 7});  // does not vary where both are there
  part.add({.name = "b", .numbers = {1, 2, 4, gap}});
  CHECK(report(part).correlations.empty());
}

TEST_CASE("of very many correlations the strongest are kept") {
  Table table;
  for (int i = 0; i < 1500; ++i) {
    const double number = i;
    table.add({.name = "c" + std::to_string(i), .numbers = {0, 1, std::fmod(number * 0.618, 1.0) * 50 - 20}});
  }
  const std::vector<Correlation> kept = report(table).correlations;
  REQUIRE(kept.size() == DataReport::most_correlations);  // of 1124250
  const auto stronger = [](const Correlation& a, const Correlation& b) {
    return std::abs(a.value) > std::abs(b.value);
  };
  CHECK(std::is_sorted(kept.begin(), kept.end(), stronger));
  CHECK(std::abs(kept.front().value) == Approx(1));
  CHECK(std::abs(kept.back().value) == Approx(0.84856).margin(1e-4));  // the millionth of all, as NumPy has it
}

TEST_CASE("infinite numbers are odd, and figures beside them are what they are") {
  const DataReport found = report(table_of("a", {1, 2, INFINITY, 3, -INFINITY}));
  CHECK(finds(found, "\"a\": 2 of 5 numbers infinite, the first in row 2"));
  CHECK(found.columns[0].q1 == 1);
  CHECK(found.columns[0].median == 2);
  CHECK(found.columns[0].q3 == 3);
  CHECK(std::isnan(found.columns[0].deviation));
  CHECK(report(table_of("a", {1, 2, INFINITY})).columns[0].median == 2);
}

TEST_CASE("local times that run back, stand still or have an offset are odd") {
  std::vector<double> times;
  for (int i = 0; i < 60; ++i) times.push_back(*parse_time("2016-10-30 00:00") + 300.0 * (i < 36 ? i : i - 12));
  times[10] = times[9], times[11] = gap;
  const auto of = [](std::vector<double> numbers) {
    Table table;
    table.add({.name = "time", .type = ColumnType::time, .numbers = std::move(numbers)});
    return report(table);
  };
  CHECK(finds(of(times), "\"time\": runs back once, first in row 36: 2016-10-30 02:00 after 2016-10-30 02:55"));
  CHECK(finds(of(times), "\"time\": stands still once, first in row 10: 2016-10-30 00:45"));
  CHECK(of({0, 60, 120, 180, 240, 300, 360, 420, 480, 540}).findings.empty());
  CHECK(joined(of({0, 60, 0, 60, 120}).findings).find("runs back") == std::string::npos);  // in another order
  CHECK(
      finds(report(texts_of("time", {"2016-10-30T02:00+02:00", "", "2016-10-30 02:00:30 -0100", "?"})),
            "\"time\": 2 of 3 texts are times with an offset, such as \"2016-10-30T02:00+02:00\"; write times in UTC"));
  for (const char* text : {"2016-10-30", "30-10-2016", "M-25", "2016-10-30 02:00"})
    CHECK(joined(report(texts_of("time", {text, "x"})).findings).find("offset") == std::string::npos);
}

TEST_CASE("rows that come twice are named with the first") {
  Table table = table_of("a", {1, 2, 1, gap, gap, -0.0, 0});
  table.add({.name = "b", .type = ColumnType::text, .texts = {"x", "x", "x", "y", "y", "z", "z"}});
  const DataReport found = report(table);
  REQUIRE(found.duplicates.size() == 3);
  CHECK(found.duplicates[0].row == 2);
  CHECK(found.duplicates[0].first == 0);
  CHECK(finds(found, "3 rows the same as one before: 2 as 0, 4 as 3, 6 as 5"));
}

TEST_CASE("a few numbers below 0, or far from the others, are odd; many are not") {
  std::vector<double> numbers = tens(400);
  numbers[7] = -3;
  CHECK(finds(report(table_of("count", numbers)), "\"count\": 1 of 400 numbers below 0, the lowest -3 in row 7"));
  numbers[9] = 500;
  CHECK(finds(report(table_of("count", numbers)),
              "\"count\": 1 of 400 numbers far from the others, the farthest 500 in row 9"));
  for (int i = 0; i < 50; ++i) numbers[static_cast<std::size_t>(i)] = -500;
  CHECK(report(table_of("count", numbers)).findings.size() == 1);  // rows that come twice
  // Nearly all rows are 0: there are no quartiles to go by.
  std::vector<double> rain(400, 0.0);
  rain[3] = 1, rain[5] = 2, rain[8] = 9831;
  CHECK(finds(report(table_of("rain", rain)),
              "\"rain\": 1 of 400 numbers far from the others, the farthest 9831 in row 8"));
}

TEST_CASE("numbers with a decimal comma are odd, lists and names are not") {
  CHECK(finds(report(texts_of("speed", {"3,5", "", "40", "-1,25"})),
              "\"speed\": 2 of 3 texts are numbers with a decimal comma"));
  for (const std::vector<std::string>& texts :
       {std::vector<std::string>{"1,2,3", "4,5,6"}, {"a,5", "b,5"}, {"3,5", "north", "south"}, {"40", "41"}})
    CHECK(joined(report(texts_of("speed", texts)).findings).find("decimal comma") == std::string::npos);
}

TEST_CASE("a rare text that looks like a frequent one is odd") {
  std::vector<std::string> days;
  for (int i = 0; i < 200; ++i) days.insert(days.end(), {"Tuesday", "Thursday", "light rain", "tuesday "});
  days[1] = "Tue", days[3] = "Thrsday", days[5] = "light rain and snow", days[6] = "Friday";
  const std::string found = joined(report(texts_of("day", days)).findings);
  CAPTURE(found);
  CHECK(found.find("\"day\": \"Tue\" (1 row) looks like \"Tuesday\" (200 rows)") != std::string::npos);
  CHECK(found.find("\"day\": \"Thrsday\" (1 row) looks like \"Thursday\" (198 rows)") != std::string::npos);
  CHECK(found.find("\"day\": \"tuesday \" (199 rows) looks like \"Tuesday\" (200 rows)") != std::string::npos);
  CHECK(found.find("and snow") == std::string::npos);
  CHECK(found.find("Friday") == std::string::npos);
}

TEST_CASE("tables of nothing, of one row, and without a value") {
  CHECK(report(Table()).text() == "0 rows, 0 columns; rows are counted from 0\nNothing odd\n");
  const DataReport one = report(table_of("a", {3}));
  CHECK(one.columns[0].constant);
  CHECK(one.findings.empty());
  const DataReport none = report(table_of("a", {gap, gap}));
  CHECK(std::isnan(none.columns[0].mean));
  CHECK(none.text().find("\"a\": numbers, 2 missing; no value") != std::string::npos);
  CHECK(report(texts_of("a", {"", ""})).columns[0].categories.empty());
  const DataReport times = report(times_of("t", {0, 86400}));
  CHECK(times.text().find("\"t\": times, 0 missing; 1970-01-01 00:00 to 1970-01-02 00:00") != std::string::npos);
}

TEST_CASE("a real file that is dirty: the report names what is wrong with it") {
  const std::string path = MAAS_SHARED_DIR "/data/traffic/traffic-situation-dirty.csv";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: " << path << " is not there");
    return;
  }
  const DataReport found = report(read_csv(path));
  const std::string all = joined(found.findings);
  CAPTURE(all);
  Index missing = 0;
  for (const ColumnReport& column : found.columns) missing += column.missing;
  CHECK(missing == 9);
  CHECK(finds(found, "\"CarCount\": missing in 4 rows: 11, 55, 142, 222"));
  CHECK(finds(found, "\"Day of the week\": missing in 5 rows: 16, 151, 1930, 1944, 2744"));
  CHECK(all.find("\"BusCount\": 4 of 2977 numbers below 0, the lowest -47 in row 28") != std::string::npos);
  CHECK(all.find("\"BikeCount\": 3 of 2977 numbers far from the others, the farthest 200 in row 2910") !=
        std::string::npos);
  CHECK(all.find("\"Day of the week\": \"Tue\" (1 row) looks like \"Tuesday\"") != std::string::npos);
  CHECK(all.find("\"Day of the week\": \"Thrsday\" (1 row) looks like \"Thursday\"") != std::string::npos);
  CHECK(finds(found, "1 row the same as one before: 2976 as 5"));
}

TEST_CASE("a real file that is clean: nothing is missing, negative or misspelt") {
  const std::string path = MAAS_SHARED_DIR "/data/traffic/traffic-situation.csv";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: " << path << " is not there");
    return;
  }
  const DataReport found = report(read_csv(path));
  REQUIRE(found.findings.size() == 1);  // its counts come again by chance
  CHECK(found.findings[0].find("rows the same as one before") != std::string::npos);
  const ColumnReport& situation = found.columns.back();
  REQUIRE(situation.categories.size() == 4);
  CHECK(situation.categories[0].name == "normal");
  CHECK(situation.categories[0].count == 1669);
  CHECK(situation.categories[3].count == 304);
  CHECK(found.columns[0].mean == Approx(68.696573));
}

TEST_CASE("a column that one bad cell makes a text of is odd, and the cell is named") {
  Column speed{.name = "speed", .type = ColumnType::text, .texts = {"50", "12x", "51.5", ""}};
  Column name{.name = "name", .type = ColumnType::text, .texts = {"ring", "7", "bridge", "tunnel"}};
  speed.why_text = "d.csv, line 3, column 1: expected a number, got \"12x\"";
  name.why_text = "d.csv, line 2, column 2: expected a number, got \"ring\"";
  Table table;
  table.add(speed);
  table.add(name);
  const std::vector<std::string> findings = report(table).findings;
  CHECK(std::ranges::count(
            findings,
            "\"speed\": 2 of 3 texts are numbers, but d.csv, line 3, column 1: expected a number, got \"12x\"") == 1);
  CHECK(std::ranges::none_of(findings, [](const std::string& each) { return each.starts_with("\"name\""); }));
  CHECK(finds(report(parse_csv("day\n2024-01-01\n2024-02-30\n2024-01-03\n", "d.csv")),
              "\"day\": 2 of 3 texts are times, but d.csv:3:1: expected a time, got \"2024-02-30\""));
}

TEST_CASE("numbers that may be classes are counted, too") {
  std::vector<double> jam;
  for (int i = 0; i < 20; ++i) jam.push_back(i == 3 ? gap : i % 4 == 0 ? 1 : 0);
  const DataReport found = report(table_of("jam", jam));
  REQUIRE(found.columns[0].categories.size() == 2);
  CHECK(found.columns[0].categories[0].name == "0");
  CHECK(found.columns[0].categories[0].count == 14);
  CHECK(found.text().find("; 2 different: \"0\" 14 (73.7 %), \"1\" 5 (26.3 %)\n") != std::string::npos);
  // Too few of each, or not whole.
  CHECK(report(table_of("few", {0, 1, 2, 0, 1, 2})).columns[0].categories.empty());
  CHECK(report(table_of("half", std::vector<double>(12, 0.5))).columns[0].categories.empty());
}
