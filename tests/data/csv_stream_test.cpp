#include "maas/data/csv_stream.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/catch.hpp"

using namespace maas;

namespace {

std::string write(const std::string& name, const std::string& text) {
  std::ofstream(name, std::ios::binary) << text;
  return name;
}

struct Samples {
  Matrix x, y;
};

Samples all_of(const Streamed& data) {
  std::vector<Index> rows;
  for (Index row = 0; row < data.size(); ++row) rows.push_back(row);
  Samples all{Matrix(data.size(), data.feature_shape().size()), Matrix(data.size(), data.target_shape().size())};
  data.gather(rows, MatrixView(all.x.data(), all.x.rows(), all.x.cols()),
              MatrixView(all.y.data(), all.y.rows(), all.y.cols()));
  return all;
}

/// The same numbers as read_csv has, whatever the size of blocks.
void check_same(const std::string& path, const CsvOptions& csv, const std::vector<std::string>& features,
                const std::vector<std::string>& targets) {
  CAPTURE(path);
  const Table table = read_csv(path, csv);
  for (const Index block : {0, 1, 2, 3, 1000}) {
    CAPTURE(block);
    const Streamed data =
        stream_csv(path, {.features = features, .targets = targets, .csv = csv, .stream = {.block_rows = block}});
    REQUIRE(data.size() == table.rows());
    const Samples all = all_of(data);
    CHECK(all.x == table.matrix(features));
    CHECK(all.y == table.matrix(targets));
  }
}

}  // namespace

TEST_CASE("a stream of a CSV file has the numbers that read_csv reads, in every dialect") {
  check_same(write("plain.csv", "flow,kind,speed\n1,a,2\n3,b,4\n5,a,6\n7,c,8\n9,d,10\n"), {}, {"speed"}, {"flow"});
  check_same(write("crlf.csv",
                   "\xEF\xBB\xBF"
                   "flow;speed\r\n1;2\r\n\r\n3;4\r\n  \r\n5;6"),
             {}, {"flow"}, {"speed"});
  check_same(write("cr.csv", "flow,speed\r1,2\r3,4\r5,6\r"), {}, {"flow"}, {"speed"});
  check_same(write("quotes.csv",
                   "flow,\"a \"\"name\"\"\",note\n1,2,\"line\nbreak, \"\"quoted\"\"\"\n\"3\",4,\"\r\n\"\n5,6,x\n"),
             {}, {"flow"}, {"a \"name\""});
  check_same(write("comments.csv", "# flow,\"speed\nflow,speed\n# \"\n1,2\n#3,4\n5,6\n"), {.comment = '#'}, {"flow"},
             {"speed"});
  check_same(write("decimal.csv", "flow;speed\n1,5;2\n-3,25;4\n"), {.decimal = ','}, {"flow"}, {"speed"});
  check_same(write("no_header.csv", "1,2\n3,4\n5,6\n"), {.header = CsvHeader::none}, {"0"}, {"1"});
  check_same(write("guessed.csv", "1,2\n3,4\n5,6\n"), {.header = CsvHeader::automatic}, {"0"}, {"1"});
  check_same(write("guessed_names.csv", "a,b\n3,4\n5,6\n"), {.header = CsvHeader::automatic}, {"a"}, {"b"});
  check_same(write("one_row.csv", "1,2"), {.header = CsvHeader::none}, {"0"}, {"1"});
  check_same(write("tabs.csv", "a\tb\n1\t2\n 3\t4\n"), {}, {"a"}, {"b"});
}

TEST_CASE("large CSV files are cut at rows, wherever pieces of the file end") {
  std::string text = "id,note,flow\n";
  Index rows = 0;
  for (; text.size() < (std::size_t{5} << 19); ++rows)  // two and a half pieces
    text += std::to_string(rows) + ",\"" +
            std::string(static_cast<std::size_t>(rows % 37), rows % 5 == 0 ? '\n' : 'x') + "\"," +
            std::to_string(2 * rows) + "\r\n";
  const Streamed data =
      stream_csv(write("large.csv", text), {.features = {"id"}, .targets = {"flow"}, .stream = {.block_rows = 777}});
  REQUIRE(data.size() == rows);
  const Samples all = all_of(data);
  for (Index row = 0; row < rows; ++row) {
    if (all.x(row, 0) == static_cast<Scalar>(row) && all.y(row, 0) == static_cast<Scalar>(2 * row)) continue;
    CHECK(all.x(row, 0) == static_cast<Scalar>(row));
    CHECK(all.y(row, 0) == static_cast<Scalar>(2 * row));
    break;
  }
  // Where no columns are named, all that are no targets are features: these must be numbers.
  CHECK_THROWS_WITH(all_of(stream_csv("large.csv", {.targets = {"flow"}})),
                    Catch::Matchers::ContainsSubstring("large.csv:2:2: expected a number in \"note\"") ||
                        Catch::Matchers::ContainsSubstring("large.csv:3:2"));
}

TEST_CASE("errors in a streamed CSV file name file, line and column, or row") {
  const std::string path = write("wrong.csv", "flow,speed\n1,2\n3,\"4\n\"\n5,x\n7,8\n9\n");
  const Streamed data = stream_csv(path, {.targets = {"speed"}, .stream = {.block_rows = 1}});
  REQUIRE(data.size() == 5);
  Matrix x(1, 1), y(1, 1);
  const auto get = [&](Index row) {
    data.gather(std::span(&row, 1), MatrixView(x.data(), 1, 1), MatrixView(y.data(), 1, 1));
  };
  get(0);
  CHECK_THROWS_WITH(get(2), "wrong.csv:5:2: expected a number in \"speed\", got \"x\"");
  get(3);
  CHECK(x(0, 0) == 7);
  CHECK_THROWS_WITH(get(4), "wrong.csv:7:2: expected 2 cells, as in the first row, got 1");
  CHECK_THROWS_WITH(all_of(stream_csv(write("missing.csv", "flow,speed\n1,2\nNA,4\n"), {.targets = {"speed"}})),
                    "missing.csv: expected finite numbers in \"flow\", got nan in row 1 (counted from 0)");
  const Samples kept = all_of(stream_csv("missing.csv", {.targets = {"speed"}, .stream = {.keep_missing = true}}));
  CHECK(std::isnan(kept.x(1, 0)));

  CHECK_THROWS_WITH(stream_csv("missing.csv", {.features = {"flaw"}}),
                    "missing.csv: expected a column \"flaw\", got \"flow\", \"speed\"");
  CHECK_THROWS_AS(stream_csv("missing.csv", {.targets = {"flow", "speed"}}), ConfigError);
  CHECK_THROWS_AS(stream_csv("missing.csv", {.stream = {.block_rows = -1}}), ConfigError);
  CHECK_THROWS_WITH(stream_csv("not_there.csv"), Catch::Matchers::ContainsSubstring("not_there.csv: cannot be read"));
  CHECK_THROWS_WITH(stream_csv("."), Catch::Matchers::ContainsSubstring("no regular file"));
  CHECK_THROWS_WITH(stream_csv(write("empty.csv", "")), "empty.csv: expected rows of cells, got none");
  CHECK_THROWS_WITH(stream_csv(write("header.csv", "flow,speed\n")),
                    "header.csv: expected rows of cells below the header, got none");
  CHECK_THROWS_WITH(stream_csv(write("utf16.csv",
                                     "\xFF\xFE"
                                     "f")),
                    "utf16.csv:1:1: expected UTF-8 text, got UTF-16; convert the file first");
  write("latin.csv", "a;b\r\n1;2\r\n\r\n5;6\r\n3;\xE4\r\n");
  for (const Index block : {1, 2, 100})
    CHECK_THROWS_WITH(all_of(stream_csv("latin.csv", {.targets = {"b"}, .stream = {.block_rows = block}})),
                      "latin.csv:5:2: expected UTF-8 text, got a byte of another encoding (Latin-1?); convert the file "
                      "first");
  write("zero.csv", std::string("a,b\n1,2\n3,\0\n", 12));
  CHECK_THROWS_WITH(all_of(stream_csv("zero.csv", {.targets = {"b"}})),
                    Catch::Matchers::StartsWith("zero.csv:3:2: expected UTF-8 text, got a byte 0"));
}

TEST_CASE("a CSV file that has changed since it was opened is noticed") {
  const std::string path = write("changes.csv", "a,b\n1,2\n3,4\n5,6\n7,8\n");
  const Streamed data = stream_csv(path, {.targets = {"b"}, .stream = {.block_rows = 2}});
  std::ofstream(path, std::ios::binary | std::ios::trunc) << "a,b\n11,12\n13,14\n15,16\n17,18\n";
  CHECK_THROWS_AS(all_of(data), FormatError);
}

TEST_CASE("a table is written as CSV text that reads back") {
  Table table;
  table.add({.name = "flow", .numbers = {1.5, NAN, 1.0 / 3}});
  table.add({.name = "kind, or so", .type = ColumnType::text, .texts = {"a", "b \"c\"", ""}});
  table.add({.name = "time", .type = ColumnType::time, .numbers = {0, 86400, NAN}});
  const std::string text = csv_text(table);
  CHECK(text ==
        "flow,\"kind, or so\",time\n1.5,a,1970-01-01 00:00\n,\"b \"\"c\"\"\",1970-01-02 00:00\n"
        "0.3333333333333333,,\n");
  write_csv("table.csv", table);
  const Table back = read_csv("table.csv", {.types = {{"time", ColumnType::time}}});
  CHECK(back.numbers("flow")[2] == 1.0 / 3);
  CHECK(std::isnan(back.numbers("flow")[1]));
  CHECK(back.texts("kind, or so") == table.texts("kind, or so"));
  CHECK(back.times("time")[1] == 86400);
  Table column;
  column.add({.name = "flow", .numbers = {1, NAN, 3}});
  CHECK(parse_csv(csv_text(column), "text").rows() == 3);
}

namespace {

/// A time, a number with gaps, a kind, a level and what is to be predicted.
std::string mixed_rows(int rows) {
  std::string text = "time,speed,kind,level,flow\n";
  const std::string kinds[] = {"car", "bus", "\"van, large\""}, levels[] = {"low", "high"};
  for (int i = 0; i < rows; ++i)
    text += fmt::format("2024-01-{:02d} {:02d}:00,{},{},{},{:.6g}\n", 1 + i / 24, i % 24,
                        i % 11 == 3 ? "" : fmt::format("{:.5g}", 50 + 10 * std::sin(0.7 * i)), kinds[i % 3],
                        levels[i / 2 % 2], 3.0 * i - i % 5);
  return text;
}

PipelineOptions mixed_steps(bool drops) {
  PipelineOptions options{
      .features = {"time", "speed", "kind", "level"}, .targets = {"flow"}, .out_of_range = OutOfRange::pass};
  if (drops)
    options.steps.push_back(DropMissingRows{.columns = {"speed"}});
  else
    options.steps.push_back(Impute{.columns = {"speed"}});
  options.steps.insert(options.steps.end(),
                       {OneHot{.columns = {"kind"}}, Ordinal{.columns = {"level"}, .order = {"low", "high"}},
                        TimeFeatures{}, Standard{.columns = {"speed", "flow"}}});
  return options;
}

}  // namespace

TEST_CASE("texts and dates of a CSV file are learned from and streamed through a pipeline as they are in memory") {
  const std::string path = write("mixed.csv", mixed_rows(300));
  const Table table = read_csv(path);
  const RowRange training{20, 250};
  for (const bool drops : {false, true}) {
    CAPTURE(drops);
    Pipeline expected(mixed_steps(drops));
    expected.fit(training.of(table));
    for (const Index block : {0, 1, 7, 1000}) {
      CAPTURE(block);
      const Pipeline learned = fit_csv(path, mixed_steps(drops), {.stream = {.block_rows = block, .rows = training}});
      CHECK(learned == expected);
      for (const RowRange& range : {RowRange{0, 300}, training, RowRange{290, 300}}) {
        const Streamed data = stream_csv(path, learned, {.stream = {.block_rows = block, .rows = range}});
        const PreparedSamples samples = expected.samples(range.of(table));
        REQUIRE(data.size() == samples.x.rows());
        const Samples all = all_of(data);
        CHECK(all.x == samples.x);
        CHECK(all.y == samples.y);
      }
    }
  }
  CHECK(fit_csv(path, mixed_steps(true)).feature_names().size() > 8);
}

TEST_CASE("what columns hold is what they held where the pipeline learned, and is checked in every block") {
  const std::string path = write("typed.csv", mixed_rows(100));
  const Pipeline learned = fit_csv(path,
                                   {.steps = {OneHot{.unseen = Unseen::ignore}},
                                    .features = {"speed", "kind"},
                                    .targets = {"flow"},
                                    .out_of_range = OutOfRange::clip},
                                   {.stream = {.rows = RowRange{0, 2}}});
  // Kinds that look like numbers are kinds all the same.
  const Streamed numbered = stream_csv(write("numbered.csv", "speed,kind,flow\n50,1,2\n51,2,3\n"), learned);
  CHECK(all_of(numbered).x == learned.apply(read_csv("numbered.csv", {.types = {{"kind", ColumnType::text}}})));
  std::string text = "speed,kind,flow\n";
  for (int i = 0; i < 3000; ++i) text += "50,car,1\n";
  const Streamed late =
      stream_csv(write("late_text.csv", text + "fast,car,2\n"), learned, {.stream = {.block_rows = 50}});
  const Index first = 0, last = 3000;
  Matrix x(1, late.feature_shape().size()), y(1, 1);
  late.gather(std::span(&first, 1), MatrixView(x.data(), 1, x.cols()), MatrixView(y.data(), 1, 1));
  CHECK_THROWS_WITH(late.gather(std::span(&last, 1), MatrixView(x.data(), 1, x.cols()), MatrixView(y.data(), 1, 1)),
                    "late_text.csv:3002:1: expected a number in \"speed\", got \"fast\"");
  // A pipeline that refuses other kinds says so where their block is read.
  const Pipeline strict = fit_csv(path, {.steps = {OneHot{}}, .features = {"kind"}, .targets = {"flow"}});
  CHECK_THROWS_WITH(all_of(stream_csv(write("kinds.csv", "kind,flow\ncar,1\ntram,2\n"), strict)),
                    Catch::Matchers::ContainsSubstring("\"tram\""));
  CHECK_THROWS_WITH(all_of(stream_csv(write("lacks.csv", "speed,flow\n1,1\n"), strict)),
                    Catch::Matchers::ContainsSubstring("\"kind\""));
}

TEST_CASE("a stream learns the same ranges as a table, without what a step takes out, and refuses the same numbers") {
  std::string text = "speed,other,flow\n";
  for (int i = 0; i < 60; ++i) text += fmt::format("{},{},{}\n", i % 13 == 5 ? 999 : 40 + i % 20, i == 50 ? 90 : 7, i);
  const std::string path = write("ranges.csv", text);
  PipelineOptions options{.steps = {ValidRange{.columns = {"speed"}, .high = 300}, Impute{.columns = {"speed"}}},
                          .features = {"speed", "other"},
                          .targets = {"flow"}};
  for (const bool are_alike : {false, true}) {
    if (are_alike) options.alike = {"speed", "other"};
    Pipeline whole(options);
    whole.fit(read_csv(path));
    const Pipeline parted = fit_csv(path, options, {.stream = {.block_rows = 7}});
    CHECK(parted == whole);
    CHECK(parted.range_of("speed")->high == 59);
    CHECK(parted.range_of("speed")->least == (are_alike ? 7 : 40));
    const Streamed far = stream_csv(write("far_ranges.csv", text + "200,7,1\n"), parted, {.stream = {.block_rows = 7}});
    CHECK_THROWS_WITH(all_of(far), Catch::Matchers::ContainsSubstring("expected \"speed\" from ") &&
                                       Catch::Matchers::ContainsSubstring("got 200 in row 4 (counted from 0)"));
    const Streamed near =
        stream_csv(write("near_ranges.csv", text + "62,7,1\n"), parted, {.stream = {.block_rows = 7}});
    CHECK_NOTHROW(all_of(near));
  }
}

TEST_CASE("a stream refuses the ranges that a table does, and a step that has learned keeps what it knows") {
  const std::string path = write("far_apart.csv", "speed,flow\n-1e308,1\n1e308,2\n3,3\n");
  const PipelineOptions apart{.steps = {MinMax{{"speed"}}}, .features = {"speed"}, .targets = {"flow"}};
  constexpr const char* refusal =
      "MinMax: expected numbers of which one less another is a number, too, got -1e+308 and 1e+308";
  CHECK_THROWS_WITH(Pipeline(apart).fit(read_csv(path)), refusal);
  CHECK_THROWS_WITH(fit_csv(path, apart), refusal);

  Table other;
  other.add({.name = "flow", .numbers = {5, 15}});
  for (const Step& step :
       {Step(Standard{{"flow"}}), Step(MinMax{{"flow"}}), Step(Robust{{"flow"}}), Step(Impute{.columns = {"flow"}}),
        Step(Impute{.columns = {"flow"}, .fill = Fill::constant})}) {
    const PipelineOptions options{.steps = {step.fit(other)}, .features = {"speed"}, .targets = {"flow"}};
    CHECK(fit_csv(path, options).steps()[0] == step.fit(other));
  }
}

#if defined(__linux__)
namespace {

/// Bytes that this process has read so far; 0 where the system does not tell.
Index bytes_read() {
  std::ifstream counts("/proc/self/io");
  std::string name;
  Index count = 0;
  counts >> name >> count;
  return name == "rchar:" ? count : 0;
}

}  // namespace

TEST_CASE("rows of a wide CSV file are not parsed again for each block of them") {
  if (bytes_read() == 0) return;
  constexpr int columns = 2000, rows = 1000;
  std::string text;
  for (int column = 0; column < columns; ++column) text += fmt::format("{}c{}", column == 0 ? "" : ",", column);
  for (int row = 0; row < rows; ++row) {
    text += '\n';
    for (int column = 0; column < columns; ++column) text += column == 0 ? "1" : ",2";
  }
  const std::string path = write("wide.csv", text + "\n");
  const Index before = bytes_read();
  fit_csv(path, {.steps = {Standard{{"c1"}}}, .features = {"c1"}, .targets = {"c0"}});
  // Where rows begin, what columns hold by either order of dates, and some passes.
  CHECK(bytes_read() - before < 10 * static_cast<Index>(text.size()));
  std::remove(path.c_str());
}
#endif

TEST_CASE("a quote that is left open in a large CSV file is an error, not a row as long as the file") {
  const auto file_of = [](std::string text) {
    while (text.size() < (std::size_t{65} << 20)) text += "4,5\n";
    return write("open_quote.csv", text);
  };
  constexpr const char* refusal = "expected a row of at most 64 MiB, got more; is a quote left open?";
  const std::string path = file_of("flow,speed\n1,2\n2,3\n3,\"4\n");
  CHECK_THROWS_WITH(stream_csv(path), std::string("open_quote.csv:4: ") + refusal);
  CHECK_THROWS_WITH(fit_csv(path, {.features = {"speed"}, .targets = {"flow"}}),
                    std::string("open_quote.csv:4: ") + refusal);
  file_of("flow,speed\n1,\"2\n");
  CHECK_THROWS_WITH(stream_csv(path), std::string("open_quote.csv:2: ") + refusal);
  std::remove(path.c_str());
}

TEST_CASE("what is wrong with a pipeline of a streamed CSV file is said with the step and the file") {
  const std::string path = write("steps.csv", mixed_rows(40));
  const auto learn = [&](const Step& step, const CsvRowsOptions& rows = {}) {
    return fit_csv(path, {.steps = {OneHot{}, step}, .features = {"speed"}, .targets = {"flow"}}, rows);
  };
  CHECK_THROWS_WITH(learn(Robust{}),
                    Catch::Matchers::StartsWith("steps.csv: Pipeline.steps[1]: Robust cannot learn in a "
                                                "stream, as it has to see all numbers at once"));
  CHECK_THROWS_WITH(
      learn(Lag{.columns = {"speed"}, .lags = {1}}),
      Catch::Matchers::StartsWith("steps.csv: Pipeline.steps[1]: Lag cannot learn in a stream, as it looks at other"));
  CHECK_THROWS_WITH(learn(Impute{.fill = Fill::median}),
                    Catch::Matchers::StartsWith("steps.csv: Pipeline.steps[1].fill: median"));
  CHECK_THROWS_WITH(learn(Standard{}, {.stream = {.rows = RowRange{30, 40, true}}}),
                    Catch::Matchers::StartsWith("stream: expected training rows to learn from, got 10 rows"));
  CHECK_THROWS_WITH(learn(Standard{}, {.stream = {.rows = RowRange{30, 41}}}),
                    "steps.csv: expected at least 1 row within 0 to 40, got 30 to 41");
  CHECK_THROWS_AS(learn(Standard{}, {.stream = {.block_rows = -1}}), ConfigError);
  CHECK_THROWS_WITH(learn(Standard{.columns = {"kind_car"}}, {.csv = {.types = {{"speed", ColumnType::time}}}}),
                    Catch::Matchers::StartsWith("steps.csv:2:2: expected"));
  CHECK_THROWS_AS(stream_csv(path, Pipeline({.features = {"speed"}})), StateError);
  const Pipeline learned = learn(Standard{.columns = {"flow"}});
  CHECK_THROWS_WITH(all_of(stream_csv(path, learned)),
                    "steps.csv: expected finite numbers in \"speed\", got nan in row 3 (counted from 0)");
  CHECK(std::isnan(all_of(stream_csv(path, learned, {.stream = {.keep_missing = true}})).x(3, 0)));
  const Pipeline drops = fit_csv(path, mixed_steps(true));
  CHECK_THROWS_WITH(stream_csv(path, drops, {.stream = {.rows = RowRange{3, 4}}}),
                    "steps.csv: expected rows behind the steps, got none");
}

namespace {

constexpr const char* stream_refusal = "to judge by that it has not learned from, got ";

void check_refused(const std::string& path, const Pipeline& learned, const RowRange& range, Index block) {
  CHECK_THROWS_WITH(all_of(stream_csv(path, learned, {.stream = {.block_rows = block, .rows = range}})),
                    Catch::Matchers::ContainsSubstring(stream_refusal));
}
void check_judged(const std::string& path, const Pipeline& learned, const RowRange& range, Index block) {
  CHECK_NOTHROW(all_of(stream_csv(path, learned, {.stream = {.block_rows = block, .rows = range}})));
}

constexpr Index first_training = 20, first_test_row = 250;

/// Rows of which those before and behind the training may be of another world: higher, lower, of other kinds, without
/// the gaps that the others have.
std::string rows_of_worlds(bool planted) {
  std::string text = mixed_rows(first_test_row + 100);
  if (!planted) return text;
  std::string changed;
  std::istringstream lines(text);
  std::string line;
  for (Index row = -1; std::getline(lines, line); ++row)  // -1: the names
    changed += (row < 0 || (row >= first_training && row < first_test_row)
                    ? line
                    : line.substr(0, 16) + (row % 2 == 0 ? ",-777,meteor,low,-1e9" : ",-777,comet,high,1e9")) +
               "\n";
  return changed;
}

PipelineOptions with_fill(Fill fill) {
  PipelineOptions options = mixed_steps(false);
  options.steps[0] = Impute{.columns = {"speed"}, .fill = fill, .constant = 12};
  options.steps.insert(options.steps.begin() + 1, MinMax{.columns = {"speed"}});
  options.steps.insert(options.steps.begin(), ReplaceTexts{.columns = {"kind"}, .from = {"bus"}, .to = {"coach"}});
  options.out_of_range = OutOfRange::clip;
  return options;
}

}  // namespace

TEST_CASE("what has learned from rows of a file is not judged by a stream of them") {
  const std::string path = write("judged.csv", mixed_rows(300));
  const TimeSplit split = split_by_time(300, 0.1, 0.2);
  for (const bool drops : {false, true}) {
    CAPTURE(drops);
    for (const Index block : {0, 7, 1000}) {
      CAPTURE(block);
      const Pipeline whole = fit_csv(path, mixed_steps(drops), {.stream = {.block_rows = block}});
      const Pipeline trained =
          fit_csv(path, mixed_steps(drops), {.stream = {.block_rows = block, .rows = split.train}});
      check_refused(path, whole, split.test, block);
      check_refused(path, whole, split.validation, block);
      check_judged(path, whole, RowRange{0, 300}, block);  // scores in training
      check_judged(path, trained, split.test, block);
      check_judged(path, trained, split.validation, block);
      check_judged(path, trained, split.train, block);
      check_refused(path, trained, RowRange{split.train.end - 1, split.train.end + 9, true}, block);  // one row of ten
      check_judged(path, trained, RowRange{split.train.end, split.train.end + 9, true}, block);
    }
  }
}

TEST_CASE("rows of a file are the same rows in memory and in streams, by whatever name the file goes") {
  const std::string path = write("named.csv", mixed_rows(300));
  const TimeSplit split = split_by_time(300, 0.1, 0.2);
  const Table test = split.test.of(read_csv(path));
  const Pipeline whole = fit_csv(path, mixed_steps(false));
  const Pipeline trained = fit_csv(path, mixed_steps(false), {.stream = {.rows = split.train}});
  CHECK_THROWS_WITH(whole.apply(test), Catch::Matchers::ContainsSubstring(
                                           "got 60 rows that are held out for validation or test, of which 60, the "
                                           "first of them row 240 (counted from 0) of the table"));
  CHECK_NOTHROW(trained.apply(test));
  CHECK_THROWS_WITH(whole.steps().back().apply(test),
                    Catch::Matchers::ContainsSubstring(stream_refusal));  // a step by itself
  CHECK_NOTHROW(trained.steps().back().apply(test));
  Pipeline in_memory(mixed_steps(false)), of_training(mixed_steps(false));
  in_memory.fit(read_csv(path));
  of_training.fit(split.train.of(read_csv(path)));
  CHECK_THROWS_WITH(in_memory.apply(test), Catch::Matchers::ContainsSubstring(stream_refusal));
  CHECK_NOTHROW(of_training.apply(test));
  check_refused(path, in_memory, split.test, 0);
  check_judged(path, of_training, split.test, 0);

  std::filesystem::remove("linked.csv");
  std::filesystem::create_symlink("named.csv", "linked.csv");
  check_refused(std::filesystem::absolute("linked.csv").string(), whole, split.test, 0);
  // Another file, and text without one, have rows of their own.
  check_judged(write("copied.csv", mixed_rows(300)), whole, split.test, 0);
  CHECK_NOTHROW(whole.apply(split.test.of(parse_csv(mixed_rows(300), "text"))));
  // So has the same one with other rows in it.
  check_judged(write(path, mixed_rows(301)), whole, split.test, 0);
}

TEST_CASE("a value planted in the test rows of a file changes nothing that a stream learns") {
  const std::string planted = "2024-01-13 11:00,1e9,meteor,high,1e9\n";
  const std::string path = write("planted.csv", mixed_rows(299) + planted), plain = write("plain.csv", mixed_rows(300));
  const TimeSplit split = split_by_time(300, 0.1, 0.2);
  for (const bool drops : {false, true}) {
    CAPTURE(drops);
    const CsvRowsOptions training{.stream = {.rows = split.train}};
    CHECK(fit_csv(path, mixed_steps(drops), training) == fit_csv(plain, mixed_steps(drops), training));
    const Pipeline reached = fit_csv(path, mixed_steps(drops));  // which nothing asks to keep away from them
    CHECK(reached != fit_csv(plain, mixed_steps(drops)));
    check_refused(path, reached, split.test, 0);
  }
}

TEST_CASE("a value planted in rows of a CSV file beside the training changes nothing that is learned, nor a sample") {
  const std::string plain = write("plain_world.csv", rows_of_worlds(false)),
                    planted = write("planted_world.csv", rows_of_worlds(true));
  REQUIRE(read_csv(planted).numbers("speed")[first_test_row] == -777);
  REQUIRE(read_csv(planted).rows() == read_csv(plain).rows());
  std::vector<PipelineOptions> all{mixed_steps(true)};
  for (const Fill fill : {Fill::mean, Fill::constant, Fill::most_frequent}) all.push_back(with_fill(fill));
  const RowRange training{first_training, first_test_row};
  for (const PipelineOptions& options : all)
    for (const Index block : {0, 1, 7, 32, 1000}) {  // blocks that end at the training's ends, across them, within
      CAPTURE(to_config(options.steps[0]).text(), block);
      const CsvRowsOptions rows{.stream = {.block_rows = block, .rows = training}};
      const Pipeline learned = fit_csv(plain, options, rows);
      CHECK(fit_csv(planted, options, rows) == learned);
      const Samples a = all_of(stream_csv(plain, learned, rows)), b = all_of(stream_csv(planted, learned, rows));
      CHECK(a.x == b.x);
      CHECK(a.y == b.y);
      // The test can fail: rows beside the training, one of them or all, teach something else.
      if (block != 7) continue;
      for (const RowRange& more : {RowRange{first_training - 1, first_test_row},
                                   RowRange{first_training, first_test_row + 1}, RowRange{0, first_test_row + 100}})
        CHECK_FALSE(fit_csv(planted, options, {.stream = {.block_rows = block, .rows = more}}) == learned);
    }
}
