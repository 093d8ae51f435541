// Inputs that are known ahead of what is forecast: holidays, planned works, a weather forecast.
#include <cmath>

#include "maas/core/random.hpp"
#include "maas/forecast/forecaster.hpp"
#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;
using Names = std::vector<std::string>;

/// The flow falls by 20 in rows in which there are works; they are drawn, so that no lag tells of them.
Table works(Index rows) {
  Column time{.name = "time", .type = ColumnType::time}, flow{.name = "flow"}, closed{.name = "works"};
  const Random random(5);
  for (Index row = 0; row < rows; ++row) {
    const bool is_closed = random.uniform(static_cast<std::uint64_t>(row)) < 0.3;
    time.numbers.push_back(300 * static_cast<double>(row));
    closed.numbers.push_back(is_closed ? 1 : 0);
    flow.numbers.push_back(is_closed ? 40 : 60);
  }
  Table table;
  for (Column* column : {&time, &flow, &closed}) table.add(std::move(*column));
  return table;
}

Readings worked(Index rows) { return readings_of(works(rows), {.time = "time", .known = {"works"}}); }

ForecastOptions told(bool masks = false) {
  return {.windows = {.lags = 2, .horizons = {1, 3}}, .known = {"works"}, .known_masks = masks};
}

Forecaster simple(const ForecastOptions& options) { return Forecaster(options, ForecastNetwork{.hidden = {}}); }

ForecastFit steady() {
  ForecastFit fit;
  fit.compile.optimizer = Adam{.learning_rate = 0.02};
  fit.fit.epochs = 40;
  fit.fit.batch_size = 16;
  fit.validation_share = 0;
  return fit;
}

}  // namespace

TEST_CASE("known inputs far beyond those of training are refused by name, or told as the nearest") {
  const Readings all = worked(200);
  Readings far = all.part({100, 130}), nearest = far;
  far.known(20, 0) = 5;
  nearest.known(20, 0) = 1;
  ForecastFit fit = steady();
  fit.fit.epochs = 2;
  Forecaster refusing = simple(told());
  refusing.fit(all.part({0, 100}), fit);
  CHECK_NOTHROW(refusing.forecast(nearest));
  const std::string refusal =
      "forecaster: expected \"works\" from -0.25 to 1.25 (0 to 1 in the training rows, and a margin of 0.25 of that "
      "width), got 5 in row 20 (counted from 0)";
  CHECK_THROWS_WITH(refusing.forecast(far), Catch::Matchers::StartsWith(refusal));
  refusing.save("known_range.h5");
  CHECK_THROWS_WITH(load_forecaster("known_range.h5").forecast(far), Catch::Matchers::StartsWith(refusal));

  fit.out_of_range = OutOfRange::clip;
  Forecaster clipping = simple(told());
  clipping.fit(all.part({0, 100}), fit);
  clipping.save("known_range.h5");
  CHECK(clipping.forecast(far).values == clipping.forecast(nearest).values);
  CHECK(load_forecaster("known_range.h5").forecast(far).values == clipping.forecast(nearest).values);

  // One that was missing in all of training has no range.
  Readings missing = all.part({0, 100});
  missing.known.setConstant(gap);
  fit.out_of_range = OutOfRange::error;
  Forecaster untold = simple(told(true));
  untold.fit(missing, fit);
  untold.save("known_range.h5");
  CHECK(load_forecaster("known_range.h5").forecast(far).values == untold.forecast(far).values);
}

TEST_CASE("a network gets known inputs at the moment of each target, and forecasts by them") {
  const Readings all = worked(500);
  CHECK(all.sensors == Names{"flow"});
  CHECK(all.known_names == Names{"works"});
  const Readings train = all.part({0, 400}), test = all.part({400, 500, true});
  Forecaster knows = simple(told());
  CHECK(knows.shape(1).features == 2 + 2);
  knows.fit(train, steady());
  const Forecasts forecasts = knows.forecast(test);
  CHECK(score(forecasts, 1).mae < 1);
  CHECK(score(forecasts, 3).mae < 1);
  Forecaster blind = simple({.windows = {.lags = 2, .horizons = {1, 3}}});
  blind.fit(train, steady());
  CHECK(score(blind.forecast(test), 1).mae > 5);

  // By hand: behind the two lags the works one and three readings after the origin, standardized.
  const ForecastWindows windows = knows.windows(train);
  const Matrix x = knows.samples(windows).inputs(0, 3)[0];
  const double center = knows.frame().known_center[0], scale = knows.frame().known_scale[0];
  CHECK(center == Approx(train.known.col(0).cast<double>().mean()));
  CHECK(scale == Approx(std::sqrt(center * (1 - center))));
  for (Index window = 0; window < 3; ++window)
    for (Index step = 0; step < 2; ++step)
      CHECK(double(x(window, 2 + step)) ==
            Approx((double(train.known(windows.target_row(window, step), 0)) - center) / scale));
}

TEST_CASE("what is forecast next takes known inputs of rows to come") {
  const Readings all = worked(120);
  Forecaster forecaster = simple(told());
  forecaster.fit(all.part({0, 100}), steady());
  Readings latest = all.part({100, 110});
  latest.values.bottomRows(3).setConstant(Scalar(gap));
  const Matrix next = forecaster.predict(latest);
  REQUIRE(next.rows() == 2);
  const Forecasts window = forecaster.forecast(all.part({105, 110}));  // the same as a window of what has come
  REQUIRE(window.windows() == 1);
  CHECK(double(next(0, 0)) == Approx(double(window.values(0, 0))));
  CHECK(double(next(1, 0)) == Approx(double(window.values(0, 1))));
  latest.known(9, 0) = 1 - latest.known(9, 0);
  CHECK(forecaster.predict(latest)(1, 0) != next(1, 0));
  CHECK_THROWS_WITH(forecaster.predict(all.part({100, 110})),
                    "predict: expected the last 3 rows to be those to come, with known inputs and without readings, "
                    "got a reading of \"flow\" in row 2");
  CHECK_THROWS_WITH(forecaster.predict(latest.part({6, 10})),
                    "predict: expected at least 2 readings and 3 rows to come, got 4");
  latest.times[9] += 1000;
  CHECK_THROWS_AS(forecaster.predict(latest), DataError);
}

TEST_CASE("known inputs are kept with the forecaster, whose file is as ever without them") {
  const Readings all = worked(120);
  Forecaster forecaster = simple(told());
  forecaster.fit(all, steady());
  forecaster.save("known.h5");
  const Forecaster loaded = load_forecaster("known.h5");
  CHECK(loaded.options().known == Names{"works"});
  CHECK(loaded.config() == forecaster.config());
  CHECK(loaded.forecast(all).values == forecaster.forecast(all).values);
  CHECK_THROWS_WITH(loaded.forecast(readings_of(works(120), "time", {"flow"})),
                    "forecaster: expected readings with the known input \"works\", got 0 others");
  CHECK_THROWS_WITH(loaded.frame().inputs(Matrix::Zero(2, 1), 0, 0),
                    "forecaster: expected a model that forecasts from readings alone, got one that takes known inputs, "
                    "such as \"works\"");
  // Columns are found by name, and others are passed over.
  Readings more = all;
  more.known_names = {"rain", "works"};
  more.known.resize(all.rows(), 2);
  more.known << Matrix::Constant(all.rows(), 1, 7), all.known;
  CHECK(loaded.forecast(more).values == forecaster.forecast(all).values);

  Forecaster plain = simple({.windows = {.lags = 2, .horizons = {1, 3}}});
  plain.fit(all, steady());
  for (const char* key : {"known_center", "known_scale"}) CHECK(plain.config().find(key) == nullptr);
  for (const char* key : {"known", "known_masks"}) CHECK(plain.config().at("options").find(key) == nullptr);
}

TEST_CASE("a known input that is missing is an error, or the network is told") {
  Readings all = worked(60);
  all.known(30, 0) = Scalar(gap);
  Forecaster strict = simple(told());
  CHECK_THROWS_WITH(strict.fit(all, steady()),
                    "forecaster: expected the known input \"works\" at each moment that is forecast, got none in row "
                    "30; known_masks tells the network of it instead");
  Forecaster tells = simple(told(true));
  CHECK(tells.shape(1).features == 2 + 4);
  tells.fit(all, steady());
  const Matrix x = tells.samples(tells.windows(all)).inputs(0, 40)[0];
  CHECK(x(28, 2) == 0);  // the first target of the window that ends at row 29
  CHECK(x(28, 3) == 0);
  CHECK(x(28, 5) == 1);
  CHECK(x(26, 4) == 0);  // the last one of that which ends at row 27
  CHECK(x(26, 5) == 0);
  CHECK(x(26, 3) == 1);
  CHECK_FALSE(tells.forecast(all).values.hasNaN());

  CHECK_THROWS_AS(simple({.known = {"a", "a"}}), ConfigError);
  CHECK_THROWS_AS(simple({.known = {""}}), ConfigError);
  CHECK_THROWS_AS(simple({.known_masks = true}), ConfigError);
  all.known_names.clear();
  CHECK_THROWS_AS(all.check(), ShapeError);
}

TEST_CASE("a step may make what is known, of a column of times or of others") {
  Table table = works(400);  // a day has 288 rows
  const ForecastOptions options{.windows = {.lags = 2, .horizons = {1, 3}}, .known = {"time_holiday", "works"}};
  const ReadingsOptions rows{
      .steps = {TimeFeatures{
                    .columns = {"time"}, .time_of_day = false, .day_of_week = false, .holidays = {"1970-01-02"}},
                Impute{.columns = {"flow"}, .fill = Fill::forward_fill}},
      .time = "time"};
  Forecaster forecaster = simple(options);
  forecaster.fit(table, rows, steady());
  CHECK(forecaster.sensors() == Names{"flow"});
  const Readings readings = forecaster.readings(table);
  CHECK(readings.known_names == options.known);
  CHECK(readings.known(287, 0) == 0);
  CHECK(readings.known(288, 0) == 1);
  CHECK(readings.known.col(1) == worked(400).known.col(0));

  // Rows to come: forward_fill would put the last reading there, which is none that has come.
  for (Index row = 397; row < 400; ++row) table.edit("flow")[static_cast<std::size_t>(row)] = gap;
  forecaster.save("made.h5");
  const Forecaster loaded = load_forecaster("made.h5");
  const Readings latest = loaded.latest(table);
  CHECK(latest.values.bottomRows(3).array().isNaN().all());
  CHECK(latest.values(396, 0) == readings.values(396, 0));
  CHECK(latest.known == readings.known);
  CHECK(loaded.predict(latest) == forecaster.predict(latest));
  CHECK_THROWS_AS(loaded.predict(loaded.readings(table)), DataError);
  table.edit("flow")[398] = 60;
  CHECK_THROWS_WITH(loaded.latest(table),
                    "forecaster: expected the last 3 rows to be those to come, with known inputs and without readings, "
                    "got a reading of \"flow\" in row 398");
  CHECK_THROWS_AS(loaded.latest(table.part(0, 3)), DataError);

  Forecaster drops = simple(told());
  drops.fit(works(60), {.steps = {DropMissingRows{}}, .time = "time"}, steady());
  Table to_come = works(60);
  for (std::size_t row = 57; row < 60; ++row) to_come.edit("flow")[row] = gap;
  CHECK_THROWS_WITH(drops.latest(to_come),
                    "forecaster: expected steps that leave the 3 rows to come where they are, got 0 of them behind the "
                    "steps");

  ForecastOptions unknown = told();
  unknown.known = {"weather"};
  CHECK_THROWS_AS(simple(unknown).fit(works(60), {.time = "time"}, steady()), DataError);
  CHECK_THROWS_WITH(simple(told()).fit(works(60), {.time = "time", .sensors = {"flow", "works"}}, steady()),
                    "readings: expected \"works\" to be a sensor or a known input, got both");
}

TEST_CASE("known inputs stand behind lags and the time of day, in joint networks and with several sensors, too") {
  Readings all = worked(80);
  all.values.conservativeResize(Eigen::NoChange, 2);
  all.values.col(1) = all.values.col(0) * 2;
  all.sensors = {"flow", "double"};
  ForecastOptions options = told();
  options.time_of_day = true;
  for (const SensorMode mode : {SensorMode::shared, SensorMode::joint}) {
    options.sensors = mode;
    Forecaster forecaster = simple(options);
    const bool joint = mode == SensorMode::joint;
    const Index lags = joint ? 4 : 2;
    CHECK(forecaster.shape(2).features == lags + 2 + 2);
    forecaster.fit(all, steady());
    const Matrix x = forecaster.samples(forecaster.windows(all)).inputs(0, 2)[0];
    CHECK(x(0, lags) == forecaster.frame().known({all.times[1]})(0, 0));
    CHECK(x(0, lags + 2) == forecaster.frame().known_inputs(all, {1})(0, 0));
    CHECK(forecaster.forecast(all).windows() == 76);
  }
}
