#include "maas/forecast/readings.hpp"

#include <cmath>

#include "maas/data/folds.hpp"
#include "maas/forecast/baselines.hpp"
#include "maas/forecast/forecaster.hpp"
#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

/// 0, 10, 20, ... and 1, 11, 21, ..., five minutes apart.
Readings counting(Index rows) {
  Readings readings{.values = Matrix(rows, 2)};
  for (Index row = 0; row < rows; ++row) {
    readings.values.row(row) << static_cast<Scalar>(10 * row), static_cast<Scalar>(10 * row + 1);
    readings.times.push_back(300 * static_cast<double>(row));
  }
  return readings;
}

}  // namespace

TEST_CASE("forecast windows end at their origins, and hold all targets") {
  const ForecastWindows windows(counting(7), {.lags = 3, .horizons = {1, 3}});
  CHECK(windows.origins() == std::vector<Index>{2, 3});
  CHECK(windows.seconds_a_reading() == 300);
  CHECK(windows.target_row(1, 1) == 6);
  Matrix truth(2, 4);
  truth << 30, 31, 50, 51, 40, 41, 60, 61;
  CHECK(windows.truth() == truth);
  CHECK(ForecastWindows(counting(8), {.lags = 3, .horizons = {2}, .stride = 2}).origins() == std::vector<Index>{2, 4});
}

TEST_CASE("forecast windows never span a jump of time, unless asked to") {
  Readings readings = counting(9);
  for (std::size_t row = 4; row < 9; ++row) readings.times[row] += 86400;
  CHECK(ForecastWindows(readings, {.lags = 2, .horizons = {1, 2}}).origins() == std::vector<Index>{1, 5, 6});
  CHECK(ForecastWindows(readings, {.lags = 2, .horizons = {1, 2}, .across_gaps = true}).origins() ==
        std::vector<Index>{1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH(ForecastWindows(readings, {.lags = 6}),
                    "forecast windows: expected 7 readings on end without a gap (lags and the last horizon), got none "
                    "in 9 readings of 2 sensors");
}

TEST_CASE("the time between readings is the lower middle one of an even number") {
  Readings readings = counting(3);
  readings.times[2] = 100300;
  const ForecastWindows windows(readings, {.lags = 1});
  CHECK(windows.seconds_a_reading() == 300);
  CHECK(windows.origins() == std::vector<Index>{0});
}

TEST_CASE("forecast windows are parted by where their targets lie") {
  const ForecastWindows windows(counting(10), {.lags = 2, .horizons = {1, 2}});
  CHECK(windows.origins() == std::vector<Index>{1, 2, 3, 4, 5, 6, 7});
  CHECK(windows.targets_before(6).origins() == std::vector<Index>{1, 2, 3});
  CHECK(windows.targets_from(6).origins() == std::vector<Index>{5, 6, 7});
  CHECK_THROWS_AS(windows.targets_from(10), DataError);
  CHECK_THROWS_AS(windows.targets_before(3), DataError);
}

TEST_CASE("options and readings out of range are named") {
  const auto refusal = [](const ForecastWindowOptions& options) {
    try {
      options.check();
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(refusal({.lags = 0}) == "forecast windows: expected lags from 1 to 1000000, got 0");
  CHECK(refusal({.lags = std::numeric_limits<Index>::max()}).starts_with("forecast windows: expected lags"));
  CHECK(refusal({.horizons = {}}) == "forecast windows: expected at least 1 horizon, got none");
  CHECK(refusal({.horizons = {3, 3}}) == "forecast windows: expected horizons that grow, got 3 after 3");
  CHECK(refusal({.horizons = {0}}) == "forecast windows: expected horizons from 1 to 1000000, got 0");
  CHECK(refusal({.stride = -1}) == "forecast windows: expected a stride from 1 to 1000000, got -1");
  CHECK(refusal({.seconds_a_reading = -1}) == "forecast windows: expected seconds_a_reading of at least 0, got -1");
  CHECK(refusal({.seconds_a_reading = std::nan("")}).starts_with("forecast windows: expected seconds_a_reading"));

  Readings readings = counting(4);
  readings.values(2, 1) = gap;
  readings.check();
  readings.values(2, 1) = std::numeric_limits<Scalar>::infinity();
  CHECK_THROWS_WITH(readings.check(),
                    "Readings: expected finite numbers, or NaN where one is missing, got inf in row 2, sensor 1");
  readings = counting(4);
  readings.times[2] = readings.times[1];
  CHECK_THROWS_WITH(
      readings.check(),
      "Readings: expected times that grow, got 1970-01-01 00:05 after 1970-01-01 00:05 in row 2; where clocks are "
      "put back, times in UTC go on");
  readings.times.pop_back();
  CHECK_THROWS_AS(readings.check(), ShapeError);
  CHECK_THROWS_AS(readings.part({0, 2}), ShapeError);
  CHECK_THROWS_AS(counting(4).part({2, 5}), ShapeError);
  readings = counting(4);
  readings.sensors = {"one"};
  CHECK_THROWS_AS(readings.check(), ShapeError);
  CHECK_THROWS_AS(ForecastWindows(Readings{.values = Matrix(5, 0)}, {.lags = 2}), DataError);
}

TEST_CASE("a horizon is told in minutes, or in readings") {
  CHECK(horizon_text(3, 300) == "15 minutes");
  CHECK(horizon_text(1, 30) == "0.5 minutes");
  CHECK(horizon_text(3, 0) == "3 readings");
}

TEST_CASE("neither forecasters nor baselines learn from readings that are held out") {
  Readings readings = counting(40);
  const TimeSplit split = split_by_time(40, 0.0, 0.5);
  const Readings train = readings.part(split.train), test = readings.part(split.test);
  CHECK_FALSE(train.held_out);
  CHECK(test.held_out);
  CHECK(test.part({0, 10}).held_out);
  Table table = table_of(readings.values);
  CHECK_FALSE(readings_of(table).held_out);
  CHECK(readings_of(split.test.of(table)).held_out);

  const ForecastWindowOptions options{.lags = 2};
  const auto refused = Catch::Matchers::ContainsSubstring("held out for validation or test");
  CHECK_THROWS_WITH(fit_baselines(ForecastWindows(test, options)), refused);
  for (Baseline baseline :
       {Baseline(Persistence{}), Baseline(HistoricalAverage{}), Baseline(LinearAutoregression{}), Baseline(RidgeVAR{})})
    CHECK_THROWS_WITH(baseline.fit(ForecastWindows(test, options)), refused);
  Forecaster forecaster({.windows = options}, ForecastNetwork{.hidden = {2}});
  CHECK_THROWS_WITH(forecaster.fit(test), refused);
  CHECK_FALSE(forecaster.is_fitted());
  forecaster.fit(train, {.fit = {.epochs = 1, .verbose = 0}, .validation_share = 0, .out_of_range = OutOfRange::pass});
  CHECK(forecaster.forecast(test).windows() > 0);  // to be scored is what they are for
}

TEST_CASE("a mark of readings is not taken away, and a table that knows its test rows gives readings that have it") {
  static_assert(std::is_same_v<decltype(Readings::held_out), HeldOut<Readings>>);
  static_assert(!std::is_assignable_v<HeldOut<Readings>&, bool>);
  static_assert(!std::is_assignable_v<HeldOut<Readings>&, HeldOut<Readings>>);
  Readings marked{.values = counting(40).values, .held_out = true};
  CHECK(marked.held_out);
  CHECK(Readings(marked).held_out);
  Readings other = counting(40);
  other.held_out.set();
  CHECK(other.held_out);
  other = counting(40);  // other readings
  CHECK_FALSE(other.held_out);

  Table table = table_of(counting(40).values);
  const TimeSplit split = split_by_time(table, 0, 0.25);
  CHECK(readings_of(table).held_out);
  CHECK(readings_of(table).part({0, 5}).held_out);  // as a whole: cut the table instead
  CHECK_FALSE(readings_of(split.train.of(table)).held_out);
  CHECK_FALSE(readings_of(table.part(0, 30)).held_out);
  CHECK(readings_of(table.part(20, 31)).held_out);
}

TEST_CASE("readings come from a table, by name or all numbers") {
  Table table;
  table.add({.name = "time", .type = ColumnType::time, .numbers = {0, 60}});
  table.add({.name = "a", .numbers = {1, 2}});
  table.add({.name = "road", .type = ColumnType::text, .texts = {"x", "y"}});
  table.add({.name = "b", .numbers = {3, std::nan("")}});
  const Readings all = readings_of(table, "time");
  CHECK(all.sensors == std::vector<std::string>{"a", "b"});
  CHECK(all.times == std::vector<double>{0, 60});
  CHECK(all.values(1, 0) == 2);
  CHECK(std::isnan(all.values(1, 1)));
  CHECK(readings_of(table, "", {"b"}).values(0, 0) == 3);
  CHECK(readings_of(table, "", {"b"}).times.empty());
  CHECK_THROWS_AS(readings_of(table, "a"), DataError);
  CHECK_THROWS_AS(readings_of(table, "time", {"road"}), DataError);
  CHECK_THROWS_AS(readings_of(Table(), ""), DataError);
}

TEST_CASE("forecasts know their columns, horizons and parts") {
  const ForecastWindows windows(counting(7), {.lags = 2, .horizons = {1, 3}});
  const Forecasts forecasts = empty_forecasts("none", windows);
  CHECK(forecasts.sensors == std::vector<std::string>{"sensor 0", "sensor 1"});
  CHECK(forecasts.column(1, 0) == 2);
  CHECK(forecasts.step_of(3) == 1);
  CHECK_THROWS_WITH(forecasts.step_of(2), "forecasts: there is no horizon 2; there are 1, 3");
  CHECK(forecasts.times == std::vector<double>{300, 600, 900});
  CHECK(forecasts.values.hasNaN());
  const Forecasts last = forecasts.part({2, 3});
  CHECK(last.windows() == 1);
  CHECK(last.origins == std::vector<Index>{3});
  CHECK(last.times == std::vector<double>{900});
  CHECK(last.truth(0, 3) == 61);
  CHECK_THROWS_AS(forecasts.part({2, 4}), ShapeError);
}
