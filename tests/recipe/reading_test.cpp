// How files are read is kept with a model: others are read as those it has learned from.
#include <cmath>

#include "maas/io/hdf5.hpp"
#include "maas/layers/layers.hpp"
#include "maas/model/load.hpp"
#include "maas/model/sequential.hpp"
#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

constexpr int all_rows = 60, test_rows = 12;

// The days of all rows are months, too: whoever takes the one for the other finds other weekdays and no error.
struct Spelling {
  std::string separator, decimal, missing;
  bool month_first;
};
const Spelling odd{";", ",", "-", true}, plain{",", ".", "", false};

std::string time_text(const Spelling& spelling, int row) {
  const int month = 1 + row / 12 % 12, day = 1 + row % 12, hour = row * 7 % 24;
  return spelling.month_first ? fmt::format("{:02d}/{:02d}/2024 {:02d}:00", month, day, hour)
                              : fmt::format("2024-{:02d}-{:02d} {:02d}:00", month, day, hour);
}

std::string number_text(const Spelling& spelling, int quarters) {
  return fmt::format("{}{}{:02d}", quarters / 4, spelling.decimal, quarters % 4 * 25);
}

void write_rows(const std::string& path, const Spelling& spelling, int first, int end, bool with_target = true) {
  const std::string& between = spelling.separator;
  std::string text = "time" + between + "x" + (with_target ? between + "y\n" : "\n");
  for (int row = first; row < end; ++row) {
    text += time_text(spelling, row) + between;
    text += row % 10 == 3 ? spelling.missing : number_text(spelling, row % 9);
    text += with_target ? between + number_text(spelling, 3 + row % 9 + row * 7 % 24) + "\n" : "\n";
  }
  write_text(path, text);
}

const std::string odd_reading = R"("decimal": ",", "missing": ["-"], "dates": "month_first", "types": {"y": "number"})";

Recipe rows_recipe(const std::string& name, const std::string& reading, const std::vector<std::string>& changes = {}) {
  return parse_recipe(R"({"data": {"files": ")" + name + R"(.csv")" + (reading.empty() ? "" : ", ") + reading + R"(},
    "split": {"validation": 0.2, "test": 0.2},
    "pipeline": {"steps": [{"class": "impute", "columns": ["x"]}, {"class": "time_features", "columns": ["time"]}],
                 "targets": ["y"]},
    "network": {"layers": [{"class": "dense", "units": 4, "activation": "tanh"}, {"class": "dense", "units": 1}]},
    "training": {"optimizer": {"class": "adam", "learning_rate": 0.05}, "loss": "mse", "epochs": 20},
    "output": {"model": ")" +
                          name + R"(.h5"}})",
                      name + ".json", changes);
}

Recipe waves_recipe(const std::string& name, const std::string& reading) {
  return parse_recipe(R"({"data": {"files": ")" + name + R"(.csv")" + (reading.empty() ? "" : ", ") + reading + R"(},
    "split": {"validation": 0.2, "test": 0.2},
    "forecast": {"time": "time", "windows": {"lags": 3, "horizons": [1]}, "time_of_day": true},
    "network": {"layers": []}, "training": {"optimizer": "adam", "loss": "mse", "epochs": 2},
    "output": {"model": ")" +
                          name + R"(.h5"}})",
                      name + ".json");
}

// Readings of an hour each, from 3 February on.
void write_waves(const std::string& path, const Spelling& spelling) {
  std::string text = "time" + spelling.separator + "north" + spelling.separator + "south\n";
  for (int row = 0; row < 80; ++row) {
    const int day = 3 + row / 24, hour = row % 24;
    text += spelling.month_first ? fmt::format("02/{:02d}/2024 {:02d}:00", day, hour)
                                 : fmt::format("2024-02-{:02d} {:02d}:00", day, hour);
    text += spelling.separator + number_text(spelling, 40 + row * 7 % 24) + spelling.separator +
            number_text(spelling, 90 + row * 5 % 24) + "\n";
  }
  write_text(path, text);
}

CsvOptions read_back(const Config& config) {
  CsvOptions options;
  from_config(config, "reading", options);
  return options;
}

std::string refusal(const Config& config) {
  try {
    read_back(config);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("files are read for a model as those it has learned from") {
  write_rows("odd.csv", odd, 0, all_rows);
  write_rows("plain.csv", plain, 0, all_rows);
  const RecipeResult trained = run_recipe(rows_recipe("odd", odd_reading), silent);
  run_recipe(rows_recipe("plain", ""), silent);
  const Model model = load_model("odd.h5"), same = load_model("plain.h5");

  const CsvOptions reading = kept_reading(model.info());
  CHECK(reading.dates == DateOrder::month_first);
  CHECK(reading.decimal == ',');
  CHECK(reading.missing == std::vector<std::string>{"-"});
  CHECK(reading.separator == '\0');
  const Table rows = read_table_for(*model.info().pipeline, "odd.csv", reading);
  CHECK(rows.times("time")[14] == *parse_time("2024-02-03 02:00"));
  CHECK(rows.numbers("x")[5] == 1.25);
  CHECK(std::isnan(rows.numbers("x")[3]));
  // The same rows in another spelling gave the same model: its answers are what is right.
  const Table told = read_table_for(*same.info().pipeline, "plain.csv", kept_reading(same.info()));
  CHECK(model.predict(rows) == same.predict(told));
  CHECK_THROWS_AS(read_table_for(*model.info().pipeline, "odd.csv"), FormatError);
}

TEST_CASE("evaluation and prediction from a model's file give what training gave") {
  write_rows("odd.csv", odd, 0, all_rows);
  write_rows("odd_test.csv", odd, all_rows - test_rows, all_rows);
  write_rows("odd_next.csv", odd, all_rows - test_rows, all_rows, false);
  const RecipeResult trained = run_recipe(rows_recipe("odd", odd_reading), silent);
  const Model model = load_model("odd.h5");
  const CsvOptions reading = kept_reading(model.info());
  const Evaluation found = evaluate_table(model, read_table_for(*model.info().pipeline, "odd_test.csv", reading));
  const TargetEvaluation &right = trained.evaluations.back().targets.at(0), &got = found.targets.at(0);
  REQUIRE(got.truth.size() == test_rows);
  CHECK(got.truth == right.truth);
  CHECK(got.predicted == right.predicted);
  CHECK(got.answers[0].scores == right.answers[0].scores);
  // Without the column y, of which the recipe says what it holds.
  const Matrix y = model.predict(read_table_for(*model.info().pipeline, "odd_next.csv", reading));
  REQUIRE(y.rows() == test_rows);
  for (Index row = 0; row < test_rows; ++row)
    CHECK(static_cast<double>(y(row, 0)) == right.predicted[static_cast<std::size_t>(row)]);
}

TEST_CASE("trainings in a stream keep how files are read, too, and a base's recipe says it anew") {
  write_rows("odd.csv", odd, 0, all_rows);
  run_recipe(rows_recipe("odd", odd_reading, {"data.stream={}"}), silent);
  CHECK(kept_reading(load_model("odd.h5").info()).dates == DateOrder::month_first);
  write_rows("plain.csv", plain, 0, all_rows);
  const std::string onward = R"({"data": {"files": "plain.csv"}, "base": "odd.h5", "training": {"epochs": 1},
                                 "output": {"model": "onward.h5"}})";
  run_recipe(parse_recipe(onward, "onward.json"), silent);
  const Model model = load_model("onward.h5");
  REQUIRE(model.info().reading);
  CHECK(*model.info().reading == to_config(CsvOptions{}));
}

TEST_CASE("a forecaster keeps how the files of its readings were read") {
  write_waves("odd_waves.csv", odd);
  write_waves("plain_waves.csv", plain);
  run_recipe(waves_recipe("odd_waves", R"("decimal": ",", "dates": "month_first")"), silent);
  run_recipe(waves_recipe("plain_waves", ""), silent);
  const Forecaster forecaster = load_forecaster("odd_waves.h5"), same = load_forecaster("plain_waves.h5");
  REQUIRE(forecaster.reading());
  CHECK(forecaster.reading()->dates == DateOrder::month_first);
  CHECK_FALSE(forecaster.model().info().reading);
  const auto readings = [](const Forecaster& each, const std::string& path) {
    return each.readings(read_table_for(each.frame().table->pipeline(), path, *each.reading()));
  };
  const Readings odd_ones = readings(forecaster, "odd_waves.csv");
  CHECK(odd_ones.times.back() == *parse_time("2024-02-06 07:00"));
  CHECK(forecaster.predict(odd_ones) == same.predict(readings(same, "plain_waves.csv")));

  forecaster.save("again.h5");
  CHECK(to_config(*load_forecaster("again.h5").reading()) == to_config(*forecaster.reading()));
  Model broken = load_model("again.h5");
  broken.info().reading->set("decimal", "point");
  broken.save("again.h5");
  CHECK_THROWS_WITH(load_forecaster("again.h5"),
                    "again.h5: forecast of maas: reading decimal: expected one character, got \"point\"");
  broken.info().reading.reset();  // an older file
  broken.save("again.h5");
  CHECK_FALSE(load_forecaster("again.h5").reading());
}

TEST_CASE("the order of dates that was found is kept: other files are read in the same one") {
  std::string text = "time,x,y\n", next = text;
  for (int row = 0; row < all_rows; ++row) {
    const int hour = row * 7 % 24, x = row % 9, y = x + hour;
    text += fmt::format("{:02d}/{:02d}/2024 {:02d}:00,{},{}\n", 1 + row / 28, 1 + row % 28, hour, x, y);
    next += fmt::format("04/{:02d}/2024 {:02d}:00,{},{}\n", 1 + row % 12, hour, x, y);  // either order would do
  }
  write_text("found.csv", text);
  write_text("next.csv", next);
  for (const std::string stream : {"", "data.stream={}"}) {
    CAPTURE(stream);
    std::vector<std::string> changes;
    if (!stream.empty()) changes.push_back(stream);
    const auto with = [&](const std::string& change) {
      std::vector<std::string> more = changes;
      more.push_back(change);
      return rows_recipe("found", "", more);
    };
    run_recipe(rows_recipe("found", "", changes), silent);
    const Model model = load_model("found.h5");
    const CsvOptions reading = kept_reading(model.info());
    CHECK(reading.dates == DateOrder::month_first);
    CHECK(read_table_for(*model.info().pipeline, "next.csv", reading).times("time")[2] ==
          *parse_time("2024-04-03 14:00"));
    // A file behind another one is read as that.
    const std::string both = R"(data.files=["found.csv", "next.csv"])";
    const RecipeResult found = run_recipe(with(both), silent);
    changes.push_back("data.dates=month_first");
    CHECK(found.model.get_weights() == run_recipe(with(both), silent).model.get_weights());
    changes.pop_back();
    CHECK_THROWS_WITH(run_recipe(with(R"(data.files=["next.csv", "found.csv"])"), silent),
                      Catch::Matchers::ContainsSubstring("data.dates how dates are meant"));
    run_recipe(with("data.files=next.csv"), silent);
    CHECK(kept_reading(load_model("found.h5").info()).dates == DateOrder::day_first);  // as it was read
    write_rows("plain.csv", plain, 0, all_rows);
    run_recipe(with("data.files=plain.csv"), silent);
    CHECK(kept_reading(load_model("found.h5").info()).dates == DateOrder::automatic);  // no date tells
  }
  write_waves("found_waves.csv", odd);
  run_recipe(waves_recipe("found_waves", R"("decimal": ",")"), silent);
  CHECK(load_forecaster("found_waves.h5").reading()->dates == DateOrder::day_first);
}

TEST_CASE("how a file is read comes back from a tree, and from a model's file of either form") {
  const CsvOptions options{.separator = ';',
                           .decimal = ',',
                           .header = CsvHeader::automatic,
                           .comment = '%',
                           .missing = {"-", "\xC3\xA9 \"n/a\""},
                           .types = {{"a b", ColumnType::text}, {"t", ColumnType::time}},
                           .dates = DateOrder::day_first};
  const CsvOptions back = read_back(to_config(options));
  CHECK(back.separator == ';');
  CHECK(back.decimal == ',');
  CHECK(back.header == CsvHeader::automatic);
  CHECK(back.comment == '%');
  CHECK(back.missing == options.missing);
  CHECK(back.types == options.types);
  CHECK(back.dates == DateOrder::day_first);
  CHECK(to_config(CsvOptions{}).text() ==
        R"({"separator": "", "decimal": ".", "header": "first_line", "comment": "", )"
        R"("missing": ["NA", "N/A", "NaN", "nan", "null"], "types": {}, "dates": "automatic"})");
  CHECK(read_back(Config{}.set("decimal", ",")).missing == CsvOptions{}.missing);

  Model model = Sequential{input(1), dense(1)};
  CHECK(kept_reading(model.info(), {.comment = '#'}).comment == '#');  // nothing is kept
  model.info().reading = to_config(options);
  for (const std::string name : {"kept.h5", "kept.keras"}) {
    model.save(name);
    const Model loaded = load_model(name);
    REQUIRE(loaded.info().reading);
    CHECK(*loaded.info().reading == *model.info().reading);
    CHECK(kept_reading(loaded.info(), {.comment = '#'}).comment == '%');
  }
}

TEST_CASE("HDF5 files are read for a model as ever") {
  Table table;
  table.add({.name = "x", .numbers = {1, 2.5, 4}});
  table.add({.name = "y", .numbers = {2, 5, 8}});
  Pipeline pipeline({.targets = {"y"}});
  pipeline.fit(table);
  write_hdf5("rows.h5", {{"x", table.matrix({"x"})}, {"y", table.matrix({"y"})}});
  const CsvOptions reading{
      .separator = ';', .decimal = ',', .types = {{"gone", ColumnType::text}}, .dates = DateOrder::month_first};
  const Table rows = read_table_for(pipeline, "rows.h5", reading);
  CHECK(rows.numbers("x") == table.numbers("x"));
  CHECK(rows.numbers("y") == table.numbers("y"));
}

TEST_CASE("a kept reading that is none is refused by name") {
  CHECK(refusal(Config("all")).starts_with("reading"));
  CHECK(refusal(Config{}.set("decimal", ",,")) == "reading decimal: expected one character, got \",,\"");
  CHECK(refusal(Config{}.set("separator", 3)).starts_with("reading separator: "));
  CHECK(refusal(Config{}.set("header", "second_line")) ==
        "reading header: expected one of first_line, none, automatic, got \"second_line\"");
  CHECK(refusal(Config{}.set("dates", "year_first")) ==
        "reading dates: expected one of automatic, day_first, month_first, got \"year_first\"");
  CHECK(refusal(Config{}.set("missing", "NA")).starts_with("reading missing: "));
  CHECK(refusal(Config{}.set("types", Config{}.set("y", "tent"))) ==
        "reading types of \"y\": expected one of number, time, text, got \"tent\"");
  CHECK(refusal(Config{}.set("types", Config::List{})).starts_with("reading types: "));
  CHECK(refusal(Config{}.set("encoding", "latin1")).find("got the key \"encoding\"") != std::string::npos);
}
