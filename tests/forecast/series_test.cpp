// Readings of several series that follow each other: no window, step or figure spans two.
#include <cmath>

#include "maas/forecast/baselines.hpp"
#include "maas/forecast/cross_validate.hpp"
#include "maas/forecast/forecaster.hpp"
#include "maas/forecast/readings_pipeline.hpp"
#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;
using Names = std::vector<std::string>;

/// Two drives of so many rows each: both begin at the same time, and grow by 1 a minute, from 0 and from 1000.
Table drives(Index rows, Index of_second = 0) {
  Column time{.name = "time", .type = ColumnType::time}, speed{.name = "speed"},
      drive{.name = "drive", .type = ColumnType::text};
  for (Index each = 0; each < 2; ++each)
    for (Index row = 0; row < (each == 1 && of_second > 0 ? of_second : rows); ++row) {
      time.numbers.push_back(60 * static_cast<double>(row));
      speed.numbers.push_back(1000 * static_cast<double>(each) + static_cast<double>(row));
      drive.texts.push_back(each == 0 ? "monday" : "friday");
    }
  Table table;
  for (Column* column : {&time, &speed, &drive}) table.add(std::move(*column));
  return table;
}

Readings driven(Index rows) { return readings_of(drives(rows), {.time = "time", .series = "drive"}); }

Forecaster series_forecaster(bool across_gaps = false) {
  return Forecaster({.windows = {.lags = 3, .horizons = {1, 2}, .across_gaps = across_gaps}, .changes = true},
                    ForecastNetwork{.hidden = {4}});
}

ForecastFit series_fit() {
  ForecastFit fit;
  fit.fit.epochs = 2;
  fit.validation_share = 0;
  fit.out_of_range = OutOfRange::pass;
  return fit;
}

}  // namespace

TEST_CASE("no window spans two series, also across gaps and without times") {
  for (const bool across_gaps : {false, true})
    for (const bool timed : {true, false}) {
      Readings readings = driven(6);
      if (!timed) readings.times.clear();
      const ForecastWindows windows(readings, {.lags = 3, .horizons = {1, 2}, .across_gaps = across_gaps});
      CHECK(windows.origins() == std::vector<Index>{2, 3, 8, 9});
      CHECK(windows.seconds_a_reading() == (timed ? 60 : 0));
      const Forecasts forecasts = empty_forecasts("none", windows);
      CHECK(forecasts.series == Names{"monday", "monday", "friday", "friday"});
      CHECK(forecasts.part({1, 3}).series == Names{"monday", "friday"});
    }
  const Readings one = readings_of(drives(6), {.sensors = {"speed"}});
  CHECK(ForecastWindows(one, {.lags = 3, .horizons = {1, 2}}).size() == 8);
}

TEST_CASE("the time between readings is that within series") {
  // Of two readings each: half of the differences lie between series.
  const Readings readings{
      .values = Matrix::Zero(6, 1), .times = {0, 10, 500, 510, 1000, 1010}, .series = {"a", "a", "b", "b", "c", "c"}};
  CHECK(ForecastWindows(readings, {.lags = 1}).seconds_a_reading() == 10);
  CHECK(ForecastWindows(readings, {.lags = 1}).origins() == std::vector<Index>{0, 2, 4});
}

TEST_CASE("a series is on end, its times grow, and each reading is of one") {
  Readings readings = driven(4);
  CHECK_NOTHROW(readings.check());
  CHECK(readings.begins_series(4));
  CHECK_FALSE(readings.begins_series(0));
  CHECK_FALSE(readings.begins_series(5));
  CHECK(readings.part({2, 6}).series == Names{"monday", "monday", "friday", "friday"});
  readings.times[2] = readings.times[1];
  CHECK_THROWS_WITH(readings.check(),
                    Catch::Matchers::StartsWith("Readings: expected times that grow, got 1970-01-01 00:01 "
                                                "after 1970-01-01 00:01 in row 2; "));
  readings = driven(4);
  readings.series[7] = "monday";
  CHECK_THROWS_WITH(readings.check(),
                    "Readings: expected the readings of a series on end, got \"monday\" again in row 7, behind "
                    "\"friday\"");
  readings.series.pop_back();
  CHECK_THROWS_AS(readings.check(), ShapeError);
  CHECK_THROWS_AS(readings.part({0, 2}), ShapeError);
  Table numbered;
  numbered.add({.name = "day", .numbers = {1, 1, 2.5}});
  numbered.add({.name = "speed", .numbers = {5, 6, 7}});
  CHECK(readings_of(numbered, {.series = "day"}).series == Names{"1", "1", "2.5"});
  CHECK(readings_of(numbered, {.series = "day"}).sensors == Names{"speed"});
  numbered.edit("day")[1] = gap;
  CHECK_THROWS_WITH(readings_of(numbered, {.series = "day"}),
                    "readings: expected the name of a series in \"day\", got none in row 1");
  CHECK_THROWS_AS(readings_of(drives(4), {.series = "time"}), DataError);
}

TEST_CASE("steps look at no other series, and a row is doubled within its own alone") {
  Table table = drives(4);
  table.edit("speed")[4] = gap;  // the first of friday: monday's last is 3
  table.edit("speed")[6] = gap;
  table.edit("speed")[1] = 0;
  const ReadingsOptions options{
      .steps = {Impute{.columns = {"speed"}, .fill = Fill::forward_fill}}, .time = "time", .series = "drive"};
  ReadingsPipeline pipeline(options);
  pipeline.fit(table);
  CHECK(pipeline.sensors() == Names{"speed"});
  const PreparedReadings prepared = pipeline.prepare(table);
  CHECK(prepared.rows == std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(std::isnan(prepared.readings.values(4, 0)));
  CHECK(prepared.readings.values(6, 0) == 1001);
  CHECK(prepared.readings.series == table.texts("drive"));
  CHECK(prepared.readings.times == table.times("time"));
  const PreparedReadings cut = pipeline.prepare(table, {}, 6);  // within friday
  CHECK(std::isnan(cut.readings.values(4, 0)));
  CHECK(cut.readings.values(6, 0) == 1001);
  CHECK(cut.readings.series == prepared.readings.series);
  const ReadingsPipeline again = ReadingsPipeline::from(pipeline.config());
  CHECK(again.series() == "drive");
  CHECK(again.prepare(table).readings.series == prepared.readings.series);
  // A file of one drive need not name it; and without series nothing is kept of them.
  Table one = drives(4).part(4, 8);
  one.remove("drive");
  CHECK(pipeline.prepare(one).readings.series.empty());
  CHECK(pipeline.prepare(one).readings.values(3, 0) == 1003);
  CHECK(ReadingsPipeline(ReadingsOptions{.time = "time"}).fit(drives(4).part(0, 4)).config().find("series") == nullptr);
  CHECK_THROWS_AS(ReadingsPipeline(options).fit(one), DataError);

  Table twice = drives(3);
  twice.edit("speed")[3] = 0;  // as the first row of monday
  twice.edit("time")[5] = 60;
  twice.edit("speed")[5] = 1001;  // as the row before
  ReadingsPipeline once(
      {.steps = {DropDuplicateRows{.columns = {"time", "speed"}}}, .time = "time", .series = "drive"});
  CHECK(once.fit(twice).prepare(twice).rows == std::vector<Index>{0, 1, 2, 3, 4});
}

TEST_CASE("marks of rows go with them through series, and held-out ones are known") {
  Table table = drives(10);
  const TimeSplit split = split_by_time(table, 0, 0.3);
  ReadingsPipeline pipeline({.steps = {Impute{}}, .time = "time", .series = "drive"});
  pipeline.fit(split.train.of(table));
  const Readings readings = pipeline.prepare(table).readings;
  CHECK(readings.held_out);
  CHECK(readings.marks.held_out_rows() == std::vector<Index>{14, 15, 16, 17, 18, 19});
  CHECK_FALSE(pipeline.prepare(split.train.of(table)).readings.held_out);
}

TEST_CASE("a forecaster and baselines learn within series; its file says which column they are of") {
  const Table table = drives(30);
  Forecaster forecaster = series_forecaster();
  forecaster.fit(table, {.time = "time", .series = "drive"}, series_fit());
  Forecaster of_readings = series_forecaster();
  of_readings.fit(driven(30), series_fit());
  const Readings readings = forecaster.readings(table);
  CHECK(readings.series == driven(30).series);
  CHECK(forecaster.forecast(readings).values == of_readings.forecast(driven(30)).values);
  CHECK(forecaster.samples(forecaster.windows(readings)).size() == 2 * (30 - 4));

  // What grows by 1 is forecast exactly: a window from one drive into the other would have spoilt that.
  const ForecastWindows windows = forecaster.windows(readings);
  for (const Baseline& baseline : fit_baselines(windows))
    if (baseline.name() == LinearAutoregression::label) {
      const Forecasts exact = baseline.forecast(windows);
      CHECK((exact.values - exact.truth).cwiseAbs().maxCoeff() < 1e-2);
    }
  CHECK_NOTHROW(HistoricalAverage().fit(windows));

  forecaster.save("driven.h5");
  const Forecaster loaded = load_forecaster("driven.h5");
  CHECK(loaded.frame().table->series() == "drive");
  CHECK(loaded.forecast(loaded.readings(table)).values == forecaster.forecast(readings).values);
  CHECK(loaded.predict(loaded.readings(table)) == forecaster.predict(readings));
  CHECK_THROWS_WITH(loaded.predict(loaded.readings(drives(30, 2))),
                    "predict: expected the last 3 readings of one series, got some of \"monday\" and of \"friday\"");
}

TEST_CASE("folds score no window that spans two series, and intervals and alarms tell series apart") {
  const Readings readings = driven(20);
  Fold fold;
  for (Index row = 0; row < 40; ++row) (row < 15 ? fold.train : fold.test).rows.push_back(row);
  const std::vector<Fold> folds{fold};
  const ForecastFoldOptions options{.fit = series_fit(), .horizons = {1, 2}};
  const ForecastFoldScores scores = cross_validate([] { return series_forecaster(); }, readings, folds, options);
  // Targets from row 15 on: of monday origins 14 to 17, of friday 22 to 37.
  CHECK(scores.at("network", 1).mean.count == 4 + 16);
  CHECK(scores.at("persistence", 2).mean.count == 4 + 16);

  const Table table = drives(20);
  const ForecastFoldScores of_rows =
      cross_validate([] { return series_forecaster(); }, table,
                     {.time = "time", .series = "drive", .out_of_range = OutOfRange::pass}, folds, options);
  CHECK(of_rows.at("network", 1).mean.count == 4 + 16);
  CHECK(of_rows.at("network", 1).mean.mae == scores.at("network", 1).mean.mae);

  // Between the last origin of one series and the first of the next lies more than a reading: no event is seen there.
  Forecaster forecaster = series_forecaster(true);
  forecaster.fit(readings, series_fit());
  const Forecasts forecasts = forecaster.forecast(readings);
  const AlarmOptions alarm{.value = 500};
  Matrix alarms = Matrix::Zero(forecasts.windows(), 1);
  CHECK(judge_alarms(forecasts, alarms, alarm).events == 0);
  alarms.setOnes();
  CHECK(judge_alarms(forecasts, alarms, alarm).alarms == 2);
}
