// Readings from raw rows, and forecasters that learn from them.
#include "maas/forecast/readings_pipeline.hpp"

#include <cmath>

#include "maas/forecast/forecaster.hpp"
#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

/// Five minutes apart; the third row comes twice, a reading is absurd, and one is missing.
Table messy() {
  Table table;
  table.add({.name = "time", .type = ColumnType::time, .numbers = {0, 300, 600, 600, 900, 1200}});
  table.add({.name = "note", .type = ColumnType::text, .texts = {"a", "", "", "", "b", ""}});
  table.add({.name = "north", .numbers = {10, 20, 30, 30, -999, 40}});
  table.add({.name = "south", .numbers = {1, gap, 3, 3, 4, 5}});
  return table;
}

ReadingsOptions cleaning() { return {.steps = {DropDuplicateRows{}, ValidRange{.low = 0}, Impute{}}, .time = "time"}; }

/// So many rows of a wave, with every tenth reading of `north` missing.
Table wave_table(Index rows) {
  Column time{.name = "time", .type = ColumnType::time}, north{.name = "north"}, south{.name = "south"};
  for (Index row = 0; row < rows; ++row) {
    const auto t = static_cast<double>(row);
    time.numbers.push_back(300 * t);
    north.numbers.push_back(row % 10 == 5 ? gap : 50 + 10 * std::sin(0.3 * t));
    south.numbers.push_back(20 + 4 * std::sin(0.2 * t));
  }
  Table table;
  for (Column* column : {&time, &north, &south}) table.add(std::move(*column));
  return table;
}

ForecastFit pipeline_fit() {
  ForecastFit fit;
  fit.fit.epochs = 2;
  return fit;
}

const ForecastOptions pipeline_options{.windows = {.lags = 4, .horizons = {1, 2}}};

}  // namespace

TEST_CASE("raw rows become readings: a doubled row is left out, what is absurd or missing is filled") {
  ReadingsPipeline pipeline(cleaning());
  CHECK_THROWS_AS(pipeline.prepare(messy()), StateError);
  pipeline.fit(messy());
  CHECK_THROWS_AS(pipeline.fit(messy()), StateError);
  CHECK(pipeline.sensors() == std::vector<std::string>{"north", "south"});
  const PreparedReadings prepared = pipeline.prepare(messy());
  CHECK(prepared.rows == std::vector<Index>{0, 1, 2, 4, 5});
  const Readings& readings = prepared.readings;
  CHECK(readings.times == std::vector<double>{0, 300, 600, 900, 1200});
  const Scalar north[] = {10, 20, 30, 25, 40};                  // 25: the mean of 10, 20, 30, 40
  const Scalar south[] = {1, Scalar(13) / Scalar(4), 3, 4, 5};  // the mean of 1, 3, 4, 5
  for (Index row = 0; row < 5; ++row) {
    CHECK(readings.values(row, 0) == north[row]);
    CHECK(readings.values(row, 1) == south[row]);
  }
  const ReadingsPipeline again = ReadingsPipeline::from(pipeline.config());
  CHECK(again.config() == pipeline.config());
  CHECK(again.prepare(messy()).readings.values == readings.values);
  CHECK_THROWS_AS(ReadingsPipeline::from(ReadingsPipeline(cleaning()).config()), ConfigError);
}

TEST_CASE("which columns are sensors: those asked for, or all numbers that no step drops") {
  ReadingsPipeline dropped({.steps = {DropDuplicateRows{}, Drop{{"south"}}}, .time = "time"});
  CHECK(dropped.fit(messy()).sensors() == std::vector<std::string>{"north"});
  ReadingsPipeline asked({.steps = {DropDuplicateRows{}}, .time = "time", .sensors = {"south", "north"}});
  CHECK(asked.fit(messy()).prepare(messy()).readings.values(2, 0) == 3);
  Table fewer = messy();
  fewer.remove("south");
  CHECK_THROWS_AS(asked.prepare(fewer), DataError);
  ReadingsPipeline lenient({.steps = {DropDuplicateRows{}}, .time = "time", .missing_column = MissingColumn::missing});
  CHECK(std::isnan(lenient.fit(messy()).prepare(fewer).readings.values(0, 1)));
  CHECK_THROWS_AS(ReadingsPipeline({.sensors = {"west"}}).fit(messy()), DataError);
  CHECK_THROWS_AS(ReadingsPipeline({.steps = {Drop{{"north", "south"}}}}).fit(messy()), DataError);
  CHECK_THROWS_AS(ReadingsPipeline({.time = "time"}).fit(messy()).prepare(messy()), DataError);  // a moment twice
}

TEST_CASE("readings far beyond those of training are refused, unless it is said otherwise") {
  Table later = wave_table(20);
  later.edit("north")[7] = 500;
  ReadingsOptions options{.time = "time"};
  ReadingsPipeline refusing(options);
  refusing.fit(wave_table(20));
  for (const ReadingsPipeline& each : {refusing, ReadingsPipeline::from(refusing.config())})
    CHECK_THROWS_WITH(each.prepare(later), Catch::Matchers::ContainsSubstring("expected \"north\" from ") &&
                                               Catch::Matchers::ContainsSubstring("got 500 in row 7 (counted from 0)"));
  options.out_of_range = OutOfRange::pass;
  CHECK(ReadingsPipeline(options).fit(wave_table(20)).prepare(later).readings.values(7, 0) == 500);
  options.out_of_range = OutOfRange::clip;
  CHECK(ReadingsPipeline(options).fit(wave_table(20)).prepare(later).readings.values(7, 0) < 61);
  options.out_of_range = OutOfRange::error;
  options.range_margin = 100;
  CHECK(ReadingsPipeline(options).fit(wave_table(20)).prepare(later).readings.values(7, 0) == 500);
}

TEST_CASE("a sensor may read what another one has: sensors are alike, unless it is said otherwise") {
  const Table training = wave_table(20);  // north about 50, south about 20
  Table jam = training;
  jam.edit("north")[7] = 18;
  ReadingsPipeline alike({.time = "time"}), each_alone({.time = "time", .alike = false});
  CHECK(alike.fit(training).prepare(jam).readings.values(7, 0) == 18);
  CHECK(ReadingsPipeline::from(alike.config()).prepare(jam).readings.values(7, 0) == 18);
  CHECK_THROWS_AS(each_alone.fit(training).prepare(jam), DataError);
  CHECK_THROWS_AS(ReadingsPipeline::from(each_alone.config()).prepare(jam), DataError);
  // km/h for mph: not all readings lie beyond, but those that do tell of all.
  Table other_unit = training;
  for (double& speed : other_unit.edit("north")) speed *= 1.609344;
  CHECK_THROWS_AS(alike.prepare(other_unit), DataError);
  // A column that is known ahead is no sensor, and has a range of its own.
  Table works = training;
  works.add({.name = "works", .numbers = std::vector<double>(20, 0)});
  works.edit("works")[3] = 1;
  ReadingsPipeline known({.time = "time", .known = {"works"}});
  known.fit(works);
  works.edit("works")[9] = 20;
  CHECK_THROWS_WITH(known.prepare(works),
                    Catch::Matchers::StartsWith("Pipeline: expected \"works\" from -0.25 to 1.25"));
}

TEST_CASE("a forecaster's sensors are alike where they are scaled by the same figures") {
  const Table training = wave_table(60);
  Table jam = training;
  jam.edit("north")[50] = 18;
  for (const bool each : {false, true}) {
    Forecaster forecaster({.windows = {.lags = 3, .horizons = {1}}, .scale_each = each},
                          ForecastNetwork{.hidden = {2}, .embedding = 1});
    forecaster.fit(training, {.time = "time"}, {.fit = {.epochs = 1, .verbose = 0}});
    if (each)
      CHECK_THROWS_AS(forecaster.readings(jam), DataError);
    else
      CHECK(forecaster.readings(jam).values(50, 0) == 18);
  }
}

TEST_CASE("rows before a cut become readings without a look at those behind") {
  ReadingsPipeline pipeline(
      {.steps = {Impute{.fill = Fill::linear_interpolation}, Difference{.columns = {"south"}}}, .time = "time"});
  const Table rows = wave_table(100);
  pipeline.fit(rows.part(0, 96));
  const Matrix together = pipeline.prepare(rows).readings.values,
               apart = pipeline.prepare(rows, {}, 96).readings.values;
  REQUIRE(apart.rows() == 100);
  CHECK_FALSE(std::isnan(together(95, 0)));
  CHECK(std::isnan(apart(95, 0)));  // the line ends behind the cut
  CHECK(apart.block(1, 0, 94, 2) == together.block(1, 0, 94, 2));
  CHECK(apart.bottomRows(4) == together.bottomRows(4));  // these may look back
  CHECK(pipeline.prepare(rows, {}, 100).readings.times == pipeline.prepare(rows).readings.times);
  CHECK(pipeline.prepare(rows, {}, 96).readings.times == pipeline.prepare(rows).readings.times);
  CHECK_THROWS_AS(pipeline.prepare(rows, {}, 101), DataError);
  CHECK_THROWS_AS(pipeline.prepare(rows, {}, -1), DataError);
}

TEST_CASE("without times a row between others cannot be left out: windows would run across the hole") {
  const auto dropping = [](const std::string& time, const std::string& series = "") {
    return ReadingsPipeline(ReadingsOptions{
        .steps = {DropMissingRows{.columns = {"north"}}}, .time = time, .sensors = {"north"}, .series = series});
  };
  const Table rows = wave_table(20);  // rows 5 and 15 are without a reading
  const auto message = [](int row, int of) {
    return fmt::format(
        "readings: expected a column of times, by which rows that steps leave out are gaps, got none, and row {} of {} "
        "(counted from 0) left out between readings; name that column, or fill the row (Impute)",
        row, of);
  };
  ReadingsPipeline blind = dropping("");
  blind.fit(rows);
  CHECK_THROWS_WITH(blind.prepare(rows), message(5, 20));
  CHECK_THROWS_WITH(blind.prepare(rows, {}, 10), message(5, 20));
  CHECK_THROWS_WITH(blind.prepare(rows.part(6, 20), {}, 9), message(9, 14));
  Forecaster forecaster(pipeline_options, ForecastNetwork{.hidden = {}});
  CHECK_THROWS_WITH(
      forecaster.fit(rows, {.steps = {DropMissingRows{.columns = {"north"}}}, .sensors = {"north"}}, pipeline_fit()),
      message(5, 20));
  CHECK_FALSE(forecaster.is_fitted());
  // At the ends nothing runs across them.
  CHECK(blind.prepare(rows.part(5, 16)).readings.rows() == 9);
  // With times, those of the options or others, they are gaps.
  for (const Readings& readings :
       {dropping("time").fit(rows).prepare(rows).readings, blind.prepare(rows, "time").readings}) {
    CHECK(readings.rows() == 18);
    CHECK(ForecastWindows(readings, {.lags = 4}).origins() == std::vector<Index>{3, 8, 9, 10, 11, 12});
  }

  // Between two series there is no window anyway.
  Table drives = rows.part(0, 10);
  drives.add({.name = "drive", .type = ColumnType::text, .texts = {"a", "a", "a", "a", "a", "a", "b", "b", "b", "b"}});
  CHECK(dropping("", "drive").fit(drives).prepare(drives).rows == std::vector<Index>{0, 1, 2, 3, 4, 6, 7, 8, 9});
  drives.edit("north")[7] = gap;
  CHECK_THROWS_WITH(dropping("", "drive").fit(drives).prepare(drives), message(7, 10));
}

TEST_CASE("a forecaster learns from raw rows, and keeps the steps in its file") {
  const Table rows = wave_table(120);
  Forecaster forecaster(pipeline_options, ForecastNetwork{.hidden = {8}, .embedding = 2});
  forecaster.fit(rows.part(0, 100), {.steps = {Impute{}}, .time = "time"}, pipeline_fit());
  CHECK(forecaster.learned_readings() == 90);
  const Readings readings = forecaster.readings(rows);
  CHECK_FALSE(readings.values.hasNaN());
  forecaster.save("steps.h5");
  const Forecaster loaded = load_forecaster("steps.h5");
  CHECK(loaded.frame().has_steps());
  CHECK(loaded.frame().config() == forecaster.frame().config());
  CHECK(loaded.readings(rows).values == readings.values);
  CHECK(loaded.predict(loaded.readings(rows)) == forecaster.predict(readings));

  // The same as from the readings that the steps give.
  Forecaster other(pipeline_options, ForecastNetwork{.hidden = {8}, .embedding = 2});
  other.fit(readings.part({0, 100}), pipeline_fit());
  CHECK(other.predict(readings) == forecaster.predict(readings));
  CHECK_FALSE(other.frame().has_steps());
  CHECK(other.readings(rows, "time").values.hasNaN());
}

TEST_CASE("what a forecaster's steps learn is of the rows before the validation share alone") {
  const auto learned_from = [](const Table& rows) {
    Forecaster forecaster(pipeline_options, ForecastNetwork{.hidden = {}});
    forecaster.fit(rows, {.steps = {Impute{}, ClipOutliers{}}, .time = "time", .out_of_range = OutOfRange::pass},
                   pipeline_fit());
    return forecaster.frame().table->config();
  };
  Table planted = wave_table(100);
  planted.edit("north")[91] = 1e6;
  planted.edit("south")[99] = -1e6;
  CHECK(learned_from(planted) == learned_from(wave_table(100)));
  planted.edit("north")[89] = 1e6;  // the last row that is learned from
  CHECK_FALSE(learned_from(planted) == learned_from(wave_table(100)));

  // A line to the next reading is not drawn across the cut: row 95 is the last that is learned from, and has a gap.
  const auto weights_of = [](const Table& rows, double share) {
    Forecaster forecaster(pipeline_options, ForecastNetwork{.hidden = {}});
    ForecastFit fit = pipeline_fit();
    fit.validation_share = share;
    forecaster.fit(
        rows, {.steps = {Impute{.fill = Fill::linear_interpolation}}, .time = "time", .out_of_range = OutOfRange::pass},
        fit);
    return forecaster.model().get_weights();
  };
  Table later = wave_table(100);
  later.edit("north")[96] = 1e6;
  CHECK(weights_of(later, 0.04) == weights_of(wave_table(100), 0.04));
  CHECK_FALSE(weights_of(later, 0.03) == weights_of(wave_table(100), 0.03));

  Table test = wave_table(100);
  test.hold_out();
  Forecaster forecaster(pipeline_options);
  CHECK_THROWS_AS(forecaster.fit(test, {.steps = {Impute{}}, .time = "time"}, pipeline_fit()), DataError);
  CHECK_FALSE(forecaster.is_fitted());
}

TEST_CASE("nothing of a forecaster learns from a table that knows its test rows") {
  Table all = wave_table(100);
  const TimeSplit split = split_by_time(all, 0, 0.2);
  const std::string why =
      "expected training rows to learn from, got 100 rows, of which 20 are held out for validation or test, the first "
      "of "
      "them row 80 (counted from 0)";
  // The test rows lie in the validation share, so that the steps alone would not meet them.
  for (const double share : {0.0, 0.1, 0.5}) {
    ForecastFit fit = pipeline_fit();
    fit.validation_share = share;
    Forecaster forecaster(pipeline_options, ForecastNetwork{.hidden = {}});
    CHECK_THROWS_WITH(forecaster.fit(all, {.steps = {Impute{}}, .time = "time"}, fit), "forecaster: " + why);
    CHECK_THROWS_WITH(forecaster.fit(all.part(0, 81), {.steps = {Impute{}}, .time = "time"}, fit),
                      Catch::Matchers::ContainsSubstring("81 rows, of which 1 is held out"));
    CHECK_FALSE(forecaster.is_fitted());
    forecaster.fit(all.part(0, 80), {.steps = {Impute{}}, .time = "time"}, fit);
    CHECK(forecaster.is_fitted());
    CHECK(forecaster.forecast(forecaster.readings(all)).windows() > 0);  // to be scored
  }
  ReadingsPipeline pipeline({.steps = {Impute{}}, .time = "time"});
  CHECK_THROWS_WITH(pipeline.fit(all), "Pipeline: " + why);
  pipeline.fit(split.train.of(all));
  // Rows before a cut have no mark; joined with those behind it they have.
  for (const Index cut : {0, 50, 80, 90}) CHECK(pipeline.prepare(all, {}, cut).readings.held_out);
  CHECK_FALSE(pipeline.prepare(split.train.of(all), {}, 50).readings.held_out);
  CHECK_THROWS_AS(fit_baselines(ForecastWindows(pipeline.prepare(all, {}, 80).readings, pipeline_options.windows)),
                  DataError);
}
