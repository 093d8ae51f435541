// Readings that are larger than memory: the same windows, scaling, baselines and scores as in memory.
#include "maas/forecast/streamed_readings.hpp"

#include <cmath>
#include <fstream>

#include "maas/data/times.hpp"
#include "maas/forecast/forecaster.hpp"
#include "maas/io/hdf5.hpp"
#include "support/catch.hpp"

using namespace maas;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Three sensors five minutes apart, with a jump of time before each row in `jumps`. North is without a reading here
/// and there, and out of range; from row `planted` on all are of another world.
Table rows_of(Index rows, const std::vector<Index>& jumps = {}, Index planted = 1000000) {
  Column time{.name = "time", .type = ColumnType::time};
  Column columns[] = {{.name = "north"}, {.name = "south"}, {.name = "west"}};
  double now = 1704067200;
  for (Index row = 0; row < rows; ++row) {
    const auto t = static_cast<double>(row);
    now += std::find(jumps.begin(), jumps.end(), row) == jumps.end() ? 300 : 4500;
    time.numbers.push_back(now);
    const double far = row < planted ? 0 : 1e4 * t;
    columns[0].numbers.push_back(row % 23 == 7   ? std::nan("")
                                 : row % 41 == 5 ? 1e9
                                                 : 50 + 10 * std::sin(0.3 * t) + far);
    columns[1].numbers.push_back(20 + 4 * std::sin(0.2 * t) + far);
    columns[2].numbers.push_back(5 + static_cast<double>((row * row) % 7) + far);
  }
  Table table;
  table.add(std::move(time));
  for (Column& column : columns) table.add(std::move(column));
  return table;
}

StreamedTable streamed(const Table& table, Index block_rows, bool prefetch = true) {
  return StreamedTable({.rows = table.rows(),
                        .read = [table](Index first, Index count) { return table.part(first, first + count); },
                        .name = "rows"},
                       {.block_rows = block_rows, .mixed_blocks = 3, .prefetch = prefetch});
}

const ReadingsOptions cleaned{.steps = {ValidRange{.columns = {"north"}, .low = 0, .high = 1e8}}, .time = "time"};
const ReadingsOptions dropping{
    .steps = {ValidRange{.columns = {"north"}, .low = 0, .high = 1e8}, DropMissingRows{.columns = {"north"}}},
    .time = "time"};

ForecastOptions streamed_options(SensorMode mode = SensorMode::shared) {
  return {.windows = {.lags = 4, .horizons = {1, 3}}, .sensors = mode, .time_of_day = true, .unit = "mph"};
}

ForecastFit streamed_fit(bool shuffle, Index networks = 1) {
  ForecastFit fit{.validation_share = 0.2};
  fit.compile.optimizer = Adam{.learning_rate = 0.01};
  fit.fit.epochs = 2;
  fit.fit.batch_size = 16;
  fit.fit.seed = 7;
  fit.fit.shuffle = shuffle;
  fit.fit.verbose = 0;
  fit.networks = networks;
  return fit;
}

Forecaster unfitted(const ForecastOptions& options) {
  return Forecaster(options, ForecastNetwork{.hidden = {8}, .embedding = 2});
}

/// All windows of a stream in one piece.
struct Gathered {
  std::vector<Index> origins = {};
  std::vector<double> times = {};
  std::vector<Scalar> truth = {};

  void add(const Forecasts& block, Index first) {
    for (Index origin : block.origins) origins.push_back(origin + first);
    times.insert(times.end(), block.times.begin(), block.times.end());
    for (Index i = 0; i < block.truth.size(); ++i)
      truth.push_back(std::isnan(block.truth.data()[i]) ? Scalar(-1) : block.truth.data()[i]);
  }
  bool operator==(const Gathered&) const = default;
};

Gathered windows_of(const ForecastWindows& windows) {
  Gathered all;
  all.add(empty_forecasts("none", windows), 0);
  return all;
}

Gathered windows_of(const StreamedWindows& windows) {
  Gathered all;
  windows.for_each([&](const ForecastWindows& part, Index first) { all.add(empty_forecasts("none", part), first); });
  return all;
}

}  // namespace

TEST_CASE("windows of a stream are those in memory, wherever blocks, jumps of time and rows left out lie") {
  const Table table = rows_of(120, {40, 50, 51, 77});
  for (const ReadingsOptions& options : {cleaned, dropping})
    for (const Index stride : {1, 3})
      for (const bool across : {false, true}) {
        const ReadingsPipeline fitted = ReadingsPipeline(options).fit(table);
        const Readings whole = fitted.prepare(table).readings;
        const ForecastWindowOptions wanted{.lags = 4, .horizons = {2, 5}, .stride = stride, .across_gaps = across};
        const ForecastWindows in_memory(whole, wanted);
        for (const Index block : {1, 7, 10, 50, 120, 1000}) {
          CAPTURE(block, stride, across, options.steps.size());
          const StreamedReadings readings(streamed(table, block), fitted);
          CHECK(readings.rows() == whole.rows());
          CHECK(readings.seconds_a_reading() == 300);
          const StreamedWindows windows(readings, wanted);
          CHECK(windows_of(windows) == windows_of(in_memory));
          CHECK(windows_of(windows.targets_before(61)) == windows_of(in_memory.targets_before(61)));
          CHECK(windows_of(windows.targets_from(61)) == windows_of(in_memory.targets_from(61)));
          CHECK(windows.options().seconds_a_reading == in_memory.seconds_a_reading());
        }
      }
}

TEST_CASE("the time between readings of a stream is the one in memory, with as many gaps as regular steps, too") {
  for (const Index rows : {2, 3, 5, 6}) {
    const Table table = rows_of(rows, {2, 4});
    const ReadingsPipeline fitted = ReadingsPipeline({.time = "time", .sensors = {"south"}}).fit(table);
    CAPTURE(rows);
    CHECK(StreamedReadings(streamed(table, 2), fitted).seconds_a_reading() == 300);
    CHECK(ForecastWindows(fitted.prepare(table).readings, {.lags = 1}).seconds_a_reading() == 300);
  }
}

TEST_CASE("a stream without times cannot leave out a row between others, wherever blocks end") {
  ReadingsOptions options = dropping;
  options.time = "";
  options.sensors = {"north"};
  const auto rows_in_blocks = [&](const Table& table, Index block) {
    return StreamedReadings(streamed(table, block), ReadingsPipeline(options).fit(table)).rows();
  };
  const Table rows = rows_of(60).part(23, 43);     // only row 7 is without a reading
  for (const Index block : {1, 4, 5, 7, 8, 30}) {  // it is a block, or lies within one or at either end
    CAPTURE(block);
    CHECK_THROWS_WITH(rows_in_blocks(rows, block), ContainsSubstring("readings: expected a column of times") &&
                                                       ContainsSubstring("left out between readings"));
    CHECK(rows_in_blocks(rows.part(0, 8), block) == 7);
    CHECK(rows_in_blocks(rows.part(7, 20), block) == 12);
  }
  CHECK_THROWS_WITH(rows_in_blocks(rows, 7), ContainsSubstring("row 7 of 20"));  // found between blocks
}

TEST_CASE("some readings of a stream are those of the same rows") {
  const Table table = rows_of(100);
  const ReadingsPipeline fitted = ReadingsPipeline(dropping).fit(table);
  const PreparedReadings whole = fitted.prepare(table);
  const StreamedReadings readings(streamed(table, 12), fitted);
  for (Index first = 0; first < whole.readings.rows(); first += 5) {
    const Index count = std::min<Index>(first % 3 == 0 ? 31 : 2, whole.readings.rows() - first);
    const Readings some = readings.read(first, count);
    CHECK(some.values == whole.readings.values.middleRows(first, count));
    CHECK(some.times[0] == whole.readings.times[static_cast<std::size_t>(first)]);
  }
  for (Index row = 0; row <= 100; ++row)
    CHECK(readings.readings_before(row) ==
          std::lower_bound(whole.rows.begin(), whole.rows.end(), row) - whole.rows.begin());
  CHECK_THROWS_AS(readings.read(0, whole.readings.rows() + 1), ShapeError);
}

TEST_CASE("a forecaster learns of a stream what it learns in memory: without shuffling to the last bit") {
  const Table table = rows_of(300, {90, 200});
  for (const SensorMode mode : {SensorMode::shared, SensorMode::joint})
    for (const bool fills : {false, true})
      for (const ReadingsOptions& options : {cleaned, dropping}) {
        ForecastOptions forecast = streamed_options(mode);
        forecast.windows.fill_missing = fills;
        forecast.masks = fills;
        forecast.scale_each = fills;
        forecast.changes = mode == SensorMode::joint;
        Forecaster whole = unfitted(forecast);
        const std::vector<History> expected = whole.fit(table, options, streamed_fit(false));
        for (const Index block : {9, 64, 300}) {
          CAPTURE(block, fills, options.steps.size());
          Forecaster parted = unfitted(forecast);
          const std::vector<History> found = parted.fit(streamed(table, block), options, streamed_fit(false));
          CHECK(parted.config() == whole.config());  // scaling, means, sensors, steps
          CHECK(parted.learned_readings() == whole.learned_readings());
          CHECK(parted.reference()->config().at("inputs") == whole.reference()->config().at("inputs"));
          CHECK(parted.model().get_weights() == whole.model().get_weights());
          CHECK(found[0]["val_loss"] == expected[0]["val_loss"]);
          for (std::size_t i = 0; i < 3; ++i)
            CHECK(parted.reference()->errors[i] == Approx(whole.reference()->errors[i]));
        }
      }
}

TEST_CASE("shuffled streams end with the same bits in every run, read ahead or not") {
  const Table table = rows_of(300, {90});
  const auto weights = [&](Index block, bool prefetch) {
    Forecaster forecaster = unfitted(streamed_options());
    forecaster.fit(streamed(table, block, prefetch), cleaned, streamed_fit(true));
    return forecaster.model().get_weights();
  };
  const auto once = weights(20, true);
  CHECK(weights(20, true) == once);
  CHECK(weights(20, false) == once);
  CHECK(weights(30, true) != once);  // other blocks are another order
}

TEST_CASE("streams are scored as readings in memory, with baselines beside and every network of an ensemble") {
  const Table table = rows_of(400, {120, 333});
  const StreamedTable rows = streamed(table, 37);
  const TimeSplit split = split_by_time(rows.rows(), 0, 0.25);
  Forecaster forecaster = unfitted(streamed_options());
  const std::vector<History> histories = forecaster.fit(rows.part(split.train), cleaned, streamed_fit(true, 2));
  CHECK(histories.size() == 2);
  CHECK(forecaster.networks() == 2);

  const StreamedReadings training = forecaster.readings(rows.part(split.train));
  const Readings in_memory = forecaster.readings(split.train.of(table));
  const Index learned = forecaster.learned_readings();
  const auto parted = fit_baselines(forecaster.windows(training).targets_before(learned).parts(), true);
  const auto whole = fit_baselines(forecaster.windows(in_memory).targets_before(learned), true);
  CHECK(keep_baselines(parted).config() == keep_baselines(whole).config());

  const StreamedWindows test = forecaster.windows(forecaster.readings(rows.part(split.test)));
  const Readings test_in_memory = forecaster.readings(split.test.of(table));
  const ScoreOptions options{.averaging = Averaging::up_to_horizon};
  const ScoreTable found = forecaster.compare(parted, test, options);
  const ScoreTable expected = forecaster.compare(whole, test_in_memory, options);
  REQUIRE(found.rows().size() == expected.rows().size());
  for (std::size_t i = 0; i < found.rows().size(); ++i) {
    const ScoreTable::Row &a = found.rows()[i], &b = expected.rows()[i];
    CAPTURE(a.model, a.horizon);
    CHECK(a.model == b.model);
    CHECK(a.horizon == b.horizon);
    CHECK(a.scores.count == b.scores.count);
    CHECK(a.scores.missed == b.scores.missed);
    CHECK(a.scores.mae == Approx(b.scores.mae));
    CHECK(a.scores.r2 == Approx(b.scores.r2));
    CHECK(a.spread.has_value() == b.spread.has_value());
  }
  // Those that are trained one after the other have the bits of one that is trained alone.
  Forecaster alone = unfitted(streamed_options());
  alone.fit(rows.part(split.train), cleaned, streamed_fit(true));
  CHECK(forecaster.network(0).model().get_weights() == alone.model().get_weights());

  forecaster.save("streamed.h5");
  const Forecaster loaded = load_forecaster("streamed.h5");
  const StreamedWindows again = loaded.windows(loaded.readings(rows.part(split.test)));
  CHECK(loaded.compare(parted, again, options).text().size() == found.text().size());
  CHECK(loaded.compare({}, again, {}, {3}).at(loaded.frame().label, 3).scores.mae ==
        Approx(forecaster.compare({}, test, {}, {3}).at(forecaster.frame().label, 3).scores.mae));
}

TEST_CASE("forecasts of a stream come with the rows of all readings as their origins") {
  const Table table = rows_of(200);
  Forecaster forecaster = unfitted(streamed_options());
  forecaster.fit(streamed(table, 50), cleaned, streamed_fit(true));
  const Forecasts whole = forecaster.forecast(forecaster.readings(table));
  Index seen = 0;
  forecaster.forecast(forecaster.windows(forecaster.readings(streamed(table, 33))), [&](const Forecasts& block) {
    for (Index window = 0; window < block.windows(); ++window, ++seen)
      CHECK(block.origins[static_cast<std::size_t>(window)] == whole.origins[static_cast<std::size_t>(seen)]);
    const std::vector<Index> targets = block.target_rows();
    REQUIRE(block.marks.rows() > targets.back());
    CHECK(block.marks.sources()[0].table == whole.marks.sources()[0].table);
    for (Index row : targets) CHECK(block.marks.sources()[0].place(row) == whole.marks.sources()[0].place(row));
  });
  CHECK(seen == whole.windows());
}

TEST_CASE("a stream of other sensors, or of the same in another order, is refused by name") {
  const Table table = rows_of(120);
  Forecaster forecaster = unfitted(streamed_options());
  forecaster.fit(streamed(table, 50), cleaned, streamed_fit(true));
  const auto windows_of_sensors = [&](const std::vector<std::string>& names) {
    ReadingsOptions options{.time = "time", .sensors = names};
    Table renamed = table;
    Column east = table.column("west");
    east.name = "east";
    renamed.add(std::move(east));
    return forecaster.windows(StreamedReadings(streamed(renamed, 50), ReadingsPipeline(options).fit(renamed)));
  };
  CHECK_NOTHROW(windows_of_sensors({"north", "south", "west"}));
  CHECK_THROWS_WITH(
      windows_of_sensors({"north", "west", "south"}),
      "forecaster: expected \"south\" as sensor 1 (counted from 0), as in training, got \"west\"; they are "
      "the same sensors in another order");
  CHECK_THROWS_WITH(windows_of_sensors({"north", "south", "east"}),
                    "forecaster: expected \"west\" as sensor 2 (counted from 0), as in training, got \"east\"");
  CHECK_THROWS_AS(windows_of_sensors({"north", "south"}), ShapeError);
}

TEST_CASE("a stream learns nothing of what comes later, and is not judged by what it knows") {
  const auto learned_from = [](const Table& table) {
    const StreamedTable rows = streamed(table, 16);
    Forecaster forecaster = unfitted(streamed_options());
    ReadingsOptions passing = cleaned;
    passing.out_of_range = OutOfRange::pass;
    forecaster.fit(rows.part({0, 200}), passing, streamed_fit(true));
    return forecaster;
  };
  const Table table = rows_of(260), planted = rows_of(260, {}, 160), planted_test = rows_of(260, {}, 200);
  const Forecaster forecaster = learned_from(table);
  // 160 rows are learned from: the validation share and the test may hold anything.
  CHECK(learned_from(planted).config() == forecaster.config());
  CHECK(learned_from(planted).model().get_weights() == forecaster.model().get_weights());
  CHECK(learned_from(planted_test).reference()->config() == forecaster.reference()->config());
  CHECK(learned_from(rows_of(260, {}, 150)).config() != forecaster.config());

  const StreamedTable rows = streamed(table, 16);
  const RowRange held{.begin = 120, .end = 260, .held_out = true};
  CHECK_THROWS_WITH(forecaster.readings(rows.part(held)), ContainsSubstring("has not learned from"));  // its steps know
  const StreamedReadings unknown(rows.part(held), learn_readings(rows.part({0, 100}), cleaned));
  const StreamedWindows judged = forecaster.windows(unknown);
  const auto forecast_from = [&](Index row) { forecaster.forecast(judged.targets_from(row), [](const Forecasts&) {}); };
  CHECK_THROWS_WITH(forecast_from(0), ContainsSubstring("forecaster: expected readings to judge by that it has not"));
  CHECK_THROWS_WITH(forecast_from(39), ContainsSubstring("row 159"));
  CHECK_NOTHROW(forecast_from(40));
  CHECK_THROWS_WITH(unfitted(streamed_options()).fit(rows.part(held), cleaned, streamed_fit(true)),
                    ContainsSubstring("held out"));
  CHECK_THROWS_WITH(fit_baselines(judged.parts()), ContainsSubstring("held out"));
  const std::vector<Baseline> baselines =
      fit_baselines(forecaster.windows(forecaster.readings(rows.part({0, 200}))).parts(), true);
  REQUIRE(baselines.size() == 5);
  for (const Baseline& baseline : baselines) {
    CAPTURE(baseline.name());
    CHECK_THROWS_WITH(baseline.forecast(judged.block(0)->windows), ContainsSubstring("has not learned from"));
    CHECK_NOTHROW(baseline.forecast(judged.targets_from(80).of_origins(79, 140)->windows));
  }
}

TEST_CASE("files are streamed: CSV, and HDF5 with times that are named") {
  const Table table = rows_of(150);
  std::ofstream csv("streamed.csv");
  csv << "time,north,south,west\n";
  Matrix numbers(150, 3);
  Matrix hours(150, 1);  // which Scalar has exactly
  for (std::size_t row = 0; row < 150; ++row) {
    const auto at = static_cast<Index>(row);
    csv << format_time(table.times("time")[row]);
    for (const char* name : {"north", "south", "west"}) {
      const double value = table.numbers(name)[row];
      csv << "," << (std::isnan(value) ? "" : fmt::format("{}", static_cast<Scalar>(value)));
    }
    csv << "\n";
    hours(at, 0) = static_cast<Scalar>(3600 * at);
    numbers(at, 0) = static_cast<Scalar>(table.numbers("north")[row]);
    numbers(at, 1) = static_cast<Scalar>(table.numbers("south")[row]);
    numbers(at, 2) = static_cast<Scalar>(table.numbers("west")[row]);
  }
  csv.close();
  const auto north_of = [](const StreamedTable& rows, const std::string& time) {
    const ReadingsOptions options{.time = time};
    const StreamedReadings readings(rows, learn_readings(rows, options));
    return std::pair(readings.read(0, readings.rows()), readings.seconds_a_reading());
  };
  const auto [of_csv, five_minutes] = north_of(stream_table("streamed.csv", {}, {.block_rows = 20}), "time");
  CHECK(five_minutes == 300);
  CHECK(of_csv.rows() == 150);
  CHECK(of_csv.sensors == std::vector<std::string>{"north", "south", "west"});
  CHECK(of_csv.times == table.times("time"));

  write_hdf5("streamed_table.h5", {{"hour", hours}, {"north", numbers.leftCols(1)}, {"south", numbers.col(1)}});
  const auto [of_hdf5, an_hour] =
      north_of(stream_table("streamed_table.h5", {.types = {{"hour", ColumnType::time}}}, {.block_rows = 20}), "hour");
  CHECK(an_hour == 3600);
  CHECK(of_hdf5.sensors == std::vector<std::string>{"north", "south"});
  CHECK(of_hdf5.values.col(1) == numbers.col(1));
}

TEST_CASE("what streams of readings cannot do has a name") {
  const Table table = rows_of(60);
  const StreamedTable rows = streamed(table, 16);
  const ReadingsOptions filled{.steps = {ValidRange{}, Impute{.fill = Fill::forward_fill}}, .time = "time"};
  CHECK_THROWS_WITH(learn_readings(rows, filled),
                    ContainsSubstring("rows: ReadingsOptions.steps[1].fill: a fill along the rows cannot learn in a "
                                      "stream, as it looks at other rows"));
  CHECK_THROWS_WITH(unfitted(streamed_options()).fit(rows, {}, streamed_fit(true)),
                    ContainsSubstring("expected readings with times"));
  CHECK_THROWS_AS(rows.part({0, 61}), DataError);
  CHECK_THROWS_AS(rows.read(50, 11), ShapeError);
  CHECK_THROWS_AS(StreamedTable({.rows = 3, .name = "none"}), ConfigError);
  CHECK_THROWS_AS(streamed(table, -1), ConfigError);
  Table backwards = table;
  Column time = table.column("time");
  std::swap(time.numbers[15], time.numbers[16]);  // on both sides of a border of blocks
  backwards.replace("time", {std::move(time)});
  CHECK_THROWS_WITH(StreamedReadings(streamed(backwards, 16), ReadingsPipeline(cleaned).fit(table)),
                    ContainsSubstring("in row 16") && ContainsSubstring("expected times that grow"));
  CHECK_THROWS_AS(StreamedReadings(rows, ReadingsPipeline(cleaned)), StateError);
  const StreamedReadings readings(rows, ReadingsPipeline(cleaned).fit(table));
  CHECK_THROWS_AS(StreamedWindows(readings, {.lags = 100}), DataError);
  Forecaster forecaster = unfitted(streamed_options());
  CHECK_THROWS_AS(forecaster.readings(rows), StateError);
  forecaster.fit(readings_of(table, "time"), streamed_fit(true));
  CHECK_THROWS_AS(forecaster.readings(rows), StateError);  // of readings, not of rows
  CHECK_THROWS_AS(forecaster.fit(rows, cleaned, streamed_fit(true)), StateError);
}

TEST_CASE("streams are one series of sensors alone") {
  const Table table = rows_of(60);
  const StreamedTable rows = streamed(table, 16);
  const std::string sensor = "west";
  ReadingsOptions series = cleaned, known = cleaned;
  series.series = "road";
  known.known = {sensor};
  CHECK_THROWS_WITH(learn_readings(rows, series), ContainsSubstring("rows: expected no series in a stream"));
  CHECK_THROWS_WITH(learn_readings(rows, known), ContainsSubstring("rows: expected no known inputs in a stream"));
  ForecastOptions options = streamed_options();
  options.known = {sensor};
  CHECK_THROWS_WITH(unfitted(options).fit(rows, cleaned, streamed_fit(true)),
                    ContainsSubstring("expected no known inputs"));
  Table named = table;
  named.add({.name = "road", .type = ColumnType::text, .texts = std::vector<std::string>(60, "one")});
  const ReadingsPipeline in_memory = ReadingsPipeline(series).fit(named);
  CHECK_THROWS_WITH(StreamedReadings(streamed(named, 16), in_memory), ContainsSubstring("expected no series"));
}
