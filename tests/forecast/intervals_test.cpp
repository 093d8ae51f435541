#include "maas/forecast/intervals.hpp"

#include <cmath>

#include "maas/core/random.hpp"
#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

/// Forecasts of 0 for one sensor and horizon, so that errors are what came.
Forecasts with_errors(const std::vector<double>& errors, Index horizon = 1) {
  const auto rows = static_cast<Index>(errors.size());
  Forecasts forecasts{.model = "zero", .horizons = {horizon}, .sensors = {"a"}};
  forecasts.values = Matrix::Zero(rows, 1);
  forecasts.truth.resize(rows, 1);
  for (Index row = 0; row < rows; ++row) {
    forecasts.origins.push_back(row);
    forecasts.truth(row, 0) = static_cast<Scalar>(errors[static_cast<std::size_t>(row)]);
  }
  return forecasts;
}

const std::vector<double> nine = {0, -4, 4, 1, -1, 3, -3, 2, -2};

/// Readings of one sensor, and forecasts of 0 for them, one and two ahead: the first is for row 2.
Readings some_readings(Index rows) { return {.values = Matrix::Random(rows, 1)}; }
Forecasts zeros_for(const Readings& readings) {
  Forecasts forecasts = empty_forecasts("zero", ForecastWindows(readings, {.lags = 2, .horizons = {1, 2}}));
  forecasts.values.setZero();
  return forecasts;
}

Matrix forecast_of(double value) { return Matrix::Constant(1, 1, static_cast<Scalar>(value)); }

}  // namespace

TEST_CASE("intervals end at the places that split conformal prediction gives") {
  const auto ends = [](double coverage) {
    ConformalIntervals intervals({.coverage = coverage});
    intervals.calibrate(with_errors(nine));
    const Intervals result = intervals.around(forecast_of(10));
    return std::pair(result.lower(0, 0), result.upper(0, 0));
  };
  CHECK(ends(0.8) == std::pair(Scalar(6), Scalar(14)));    // places 1 and 9 of 9
  CHECK(ends(0.6) == std::pair(Scalar(7), Scalar(13)));    // places 2 and 8
  CHECK(ends(0.99) == std::pair(Scalar(6), Scalar(14)));   // beyond what was seen
  CHECK(ends(0.001) == std::pair(Scalar(9), Scalar(11)));  // places floor(4.995) and ceil(5.005)
}

TEST_CASE("chances count the errors that would bring a reading below a value") {
  ConformalIntervals intervals;
  intervals.calibrate(with_errors(nine));
  CHECK(intervals.chance_below(forecast_of(10), 10)(0, 0) == Approx(0.45));   // -4 to -1 of nine
  CHECK(intervals.chance_below(forecast_of(10), 0)(0, 0) == Approx(0.05));    // none
  CHECK(intervals.chance_below(forecast_of(10), 100)(0, 0) == Approx(0.95));  // all
  CHECK(std::isnan(intervals.chance_below(Matrix::Constant(1, 1, gap), 0)(0, 0)));
  CHECK(std::isnan(intervals.around(Matrix::Constant(1, 1, gap)).lower(0, 0)));
}

TEST_CASE("chances may be those of another value for each sensor") {
  // Two steps of two sensors, all with the same errors.
  Forecasts forecasts{.model = "made", .horizons = {1, 2}, .sensors = {"a", "b"}};
  forecasts.values = Matrix::Zero(5, 4);
  forecasts.truth.resize(5, 4);
  forecasts.truth.colwise() = Vector::LinSpaced(5, -2, 2);
  forecasts.origins = {0, 1, 2, 3, 4};
  ConformalIntervals intervals({.coverage = 0.5, .window = 4});
  intervals.calibrate(forecasts);
  const std::vector<double> values = {-1.5, 1.5};
  const Matrix mixed = intervals.chance_below(forecasts.values, values);
  for (Index column = 0; column < 4; ++column)
    CHECK(mixed.col(column) == intervals.chance_below(forecasts.values, values[column % 2]).col(column));
  CHECK(mixed(0, 0) != mixed(0, 1));

  Matrix followed, first, second;
  ConformalIntervals(intervals).follow(forecasts, values, followed);
  ConformalIntervals(intervals).follow(forecasts, -1.5, first);
  ConformalIntervals(intervals).follow(forecasts, 1.5, second);
  CHECK(followed.col(2) == first.col(2));
  CHECK(followed.col(3) == second.col(3));
  const std::vector<double> three = {1, 2, 3};
  CHECK_THROWS_AS(intervals.chance_below(forecasts.values, three), ShapeError);
  CHECK_THROWS_AS(intervals.follow(forecasts, std::span<const double>(), first), ShapeError);
}

TEST_CASE("alpha moves by the rate, as Gibbs and Candès have it") {
  ConformalIntervals intervals({.coverage = 0.6, .rate = 0.1});
  intervals.calibrate(with_errors(nine));
  CHECK(intervals.alpha(0) == Approx(0.4));
  intervals.tell(0, 10, 11);
  CHECK(intervals.alpha(0) == Approx(0.44));
  intervals.tell(0, 10, 20);
  CHECK(intervals.alpha(0) == Approx(0.38));
  intervals.tell(0, 10, gap);
  CHECK(intervals.alpha(0) == Approx(0.38));
  for (int i = 0; i < 10; ++i) intervals.tell(0, 10, 1000);
  CHECK(intervals.alpha(0) == 0);  // and not below
  CHECK(intervals.around(forecast_of(10)).upper(0, 0) == 14);
}

TEST_CASE("errors kept are the last ones") {
  ConformalIntervals intervals({.window = 3});
  intervals.calibrate(with_errors({100, 1, 2, 3}));
  CHECK(intervals.chance_below(forecast_of(0), 1.5)(0, 0) == Approx(1.5 / 4));
  intervals.tell(0, 0, 10);
  CHECK(intervals.chance_below(forecast_of(0), 1.5)(0, 0) == Approx(0.5 / 4));
  CHECK(intervals.chance_below(forecast_of(0), 9)(0, 0) == Approx(2.5 / 4));
  intervals.tell(0, 0, 10);
  intervals.tell(0, 0, 10);
  CHECK(intervals.around(forecast_of(0)).lower(0, 0) == 10);
  // Fewer than the window: it fills first.
  ConformalIntervals filling({.window = 3});
  filling.calibrate(with_errors({1}));
  filling.tell(0, 0, 5);
  CHECK(filling.chance_below(forecast_of(0), 3)(0, 0) == Approx(1.5 / 3));
}

TEST_CASE("what came is known when it has come, and not before") {
  ConformalIntervals intervals({.window = 1});
  intervals.calibrate(with_errors({7}));
  const Intervals followed = intervals.follow(with_errors({1, 2, 3, 4}, 2));
  Matrix expected(4, 1);
  expected << 7, 7, 1, 2;  // the first, made at reading 0 for reading 2, is known from then on
  CHECK(followed.lower == expected);
  CHECK(followed.upper == expected);

  // A value planted at the end changes nothing before it.
  ConformalIntervals other({.window = 1});
  other.calibrate(with_errors({7}));
  CHECK(other.follow(with_errors({1, 2, 3e6, 4e6}, 2)).lower == expected);
}

TEST_CASE("following without a rate and a window changes nothing") {
  ConformalIntervals intervals;
  intervals.calibrate(with_errors(nine));
  const Forecasts forecasts = with_errors({5, 6, 7, 8});
  Matrix chances;
  const Intervals followed = intervals.follow(forecasts, 0, chances);
  CHECK(followed.lower == intervals.around(forecasts.values).lower);
  CHECK(followed.upper == intervals.around(forecasts.values).upper);
  CHECK(chances == intervals.chance_below(forecasts.values, 0));
}

TEST_CASE("adaptive intervals cover what they should when errors grow, plain ones do not") {
  const Random random(5);
  std::vector<double> before, after;
  for (std::uint64_t i = 0; i < 300; ++i) before.push_back(random.normal(i));
  for (std::uint64_t i = 0; i < 3000; ++i) after.push_back(2.5 * random.normal(1000 + i));
  const auto share = [&](const IntervalOptions& options) {
    ConformalIntervals intervals(options);
    const Forecasts forecasts = with_errors(after);
    return coverage(intervals.calibrate(with_errors(before)).follow(forecasts), forecasts).share;
  };
  CHECK(share({}) < 0.6);
  CHECK(share({.window = 200}) == Approx(0.9).margin(0.03));
  CHECK(share({.rate = 0.01, .window = 200}) == Approx(0.9).margin(0.015));
}

TEST_CASE("coverage counts by horizon, and leaves out what is missing") {
  Forecasts forecasts{.model = "two", .horizons = {1, 2}, .sensors = {"a"}, .origins = {0, 1}};
  forecasts.values = Matrix::Zero(2, 2);
  forecasts.truth.resize(2, 2);
  forecasts.truth << 1, 5, 3, gap;
  const Intervals intervals{Matrix::Constant(2, 2, -2), Matrix::Constant(2, 2, 2)};
  CHECK(coverage(intervals, forecasts, 1).share == 0.5);
  CHECK(coverage(intervals, forecasts, 1).mean_width == 4);
  CHECK(coverage(intervals, forecasts, 2).share == 0);
  CHECK(coverage(intervals, forecasts, 2).count == 1);
  CHECK(coverage(intervals, forecasts).share == Approx(1.0 / 3));
  forecasts.truth.setConstant(gap);
  CHECK(std::isnan(coverage(intervals, forecasts).share));
  CHECK_THROWS_AS(coverage(intervals, forecasts, 3), ConfigError);
  CHECK_THROWS_AS(coverage(Intervals{}, forecasts), ShapeError);
}

TEST_CASE("intervals say what they need") {
  CHECK_THROWS_AS(ConformalIntervals({.coverage = 1}), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals({.coverage = std::nan("")}), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals({.rate = -1}), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals({.window = -1}), ConfigError);
  ConformalIntervals intervals;
  CHECK_THROWS_AS(intervals.around(forecast_of(0)), StateError);
  CHECK_THROWS_AS(intervals.tell(0, 1, 2), StateError);
  CHECK_THROWS_AS(intervals.alpha(0), StateError);
  CHECK_THROWS_AS(intervals.calibrate(with_errors({})), DataError);
  CHECK_THROWS_AS(intervals.calibrate(with_errors({std::nan("")})), DataError);
  intervals.calibrate(with_errors(nine));
  CHECK_THROWS_AS(intervals.calibrate(with_errors(nine)), StateError);
  CHECK_THROWS_AS(intervals.around(Matrix::Zero(1, 2)), ShapeError);
  CHECK_THROWS_AS(intervals.tell(1, 0, 0), ShapeError);
  CHECK_THROWS_AS(intervals.alpha(-1), ShapeError);
  Forecasts broken = with_errors(nine);
  broken.origins.pop_back();
  CHECK_THROWS_AS(intervals.follow(broken), ShapeError);
}

TEST_CASE("a part of intervals is those columns, and learns on its own") {
  Forecasts forecasts{.model = "two", .horizons = {1}, .sensors = {"a", "b"}, .origins = {0, 1, 2}};
  forecasts.values = Matrix::Zero(3, 2);
  forecasts.truth.resize(3, 2);
  forecasts.truth << 1, 10, 2, 20, 3, gap;
  ConformalIntervals all({.rate = 0.1, .window = 3});
  all.calibrate(forecasts);
  CHECK(all.columns() == 2);
  const std::vector<Index> second = {1};
  ConformalIntervals part = all.part(second);
  CHECK(part.around(forecast_of(0)).upper(0, 0) == 20);
  CHECK(part.tell(0, 0, 100));
  CHECK_FALSE(part.tell(0, 0, 50));
  CHECK_FALSE(part.tell(0, 0, std::nan("")));
  CHECK(part.around(forecast_of(0)).upper(0, 0) == 100);
  CHECK(all.around(Matrix::Zero(1, 2)).upper(0, 1) == 20);  // not told
  CHECK(all.alpha(1) == Approx(0.1));
  const std::vector<Index> third = {2};
  CHECK_THROWS_AS(all.part(third), ShapeError);
}

TEST_CASE("intervals come back from a tree and a matrix, and go on as they would have") {
  for (const Index window : {0, 5}) {
    ConformalIntervals intervals({.coverage = 0.6, .rate = 0.1, .window = window});
    intervals.calibrate(with_errors(nine));
    for (const double reading : {0.5, 7.0, -3.5}) intervals.tell(0, 0, reading);
    ConformalIntervals back = ConformalIntervals::from(intervals.config(), intervals.errors());
    CHECK(back.config() == intervals.config());
    for (const double reading : {1.0, 2.5, -9.0, 0.0, 4.0, 5.0}) {
      CHECK(back.tell(0, 0, reading) == intervals.tell(0, 0, reading));
      CHECK(back.around(forecast_of(1)).lower == intervals.around(forecast_of(1)).lower);
      CHECK(back.around(forecast_of(1)).upper == intervals.around(forecast_of(1)).upper);
      CHECK(back.chance_below(forecast_of(1), 2) == intervals.chance_below(forecast_of(1), 2));
    }
    CHECK(intervals.restored({0.25}, Matrix()).alpha(0) == 0.25);
    CHECK(intervals.restored({0.25}, Matrix()).errors() == intervals.errors());
  }
  ConformalIntervals uneven;
  Forecasts forecasts = with_errors({2, 1});
  forecasts.values = Matrix::Zero(2, 2);
  forecasts.truth.resize(2, 2);
  forecasts.truth << 2, 5, 1, gap;
  const Matrix errors = uneven.calibrate(forecasts).errors();
  CHECK(errors(0, 0) == 1);
  CHECK(errors(1, 0) == 2);
  CHECK(errors(0, 1) == 5);
  CHECK(std::isnan(errors(1, 1)));
}

TEST_CASE("what is no interval's tree or errors is refused") {
  ConformalIntervals intervals({.window = 2});
  intervals.calibrate(with_errors({1, 2}));
  const Config good = intervals.config();
  const Matrix errors = intervals.errors();
  const auto with = [&](std::string_view key, Config value) { return Config(good).set(key, std::move(value)); };
  CHECK_THROWS_AS(ConformalIntervals::from(3, errors), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals::from(with("coverage", 2.0), errors), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals::from(with("window", -1), errors), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals::from(with("alphas", Config::List{}), errors), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals::from(with("alphas", Config::List{2.0}), errors), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals::from(with("alphas", Config::List{std::nan("")}), errors), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals::from(with("alphas", Config::List{0.1, 0.1}), errors), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals::from(good, Matrix()), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals::from(good, Matrix::Zero(3, 1)), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals::from(good, Matrix::Constant(2, 1, gap)), ConfigError);
  CHECK_THROWS_AS(ConformalIntervals::from(good, Matrix::Constant(2, 1, std::numeric_limits<Scalar>::infinity())),
                  ConfigError);
}

TEST_CASE("intervals know which readings they were calibrated on, whatever these are taken for") {
  const Readings all = some_readings(100);
  ConformalIntervals intervals({.rate = 0.01, .window = 20});
  intervals.calibrate(zeros_for(all.part({0, 60})));
  CHECK_THROWS_WITH(intervals.require_unseen("judge", zeros_for(all.part({0, 60}))),
                    "judge: expected forecasts of readings that the intervals were not calibrated on, got those of 58 "
                    "readings, of which 58, the first of them row 2 (counted from 0) of the readings they were first "
                    "in, they were calibrated on");
  CHECK_THROWS_AS(intervals.require_unseen("judge", zeros_for(all)), DataError);
  const Readings held_out = all.part({.begin = 57, .end = 100, .held_out = true});
  CHECK_THROWS_WITH(intervals.require_unseen("judge", zeros_for(held_out)),
                    Catch::Matchers::ContainsSubstring("got those of 41 readings, of which 1, row 59 (counted"));
  // Readings that lead up to those that are judged by may be among them, and so may all of other readings.
  CHECK_NOTHROW(intervals.require_unseen("judge", zeros_for(all.part({58, 100}))));
  CHECK_NOTHROW(intervals.require_unseen("judge", zeros_for({.values = all.values})));
  // Parts of forecasts know their rows; windows without a forecast judge nothing.
  Forecasts of_all = zeros_for(all);
  CHECK_NOTHROW(intervals.require_unseen("judge", of_all.part({58, of_all.windows()})));
  CHECK_THROWS_AS(intervals.require_unseen("judge", of_all.part({57, of_all.windows()})), DataError);
  of_all.values.topRows(58).setConstant(gap);
  CHECK_NOTHROW(intervals.require_unseen("judge", of_all));
  CHECK_NOTHROW(intervals.require_unseen("judge", with_errors(nine)));  // made by hand
}

TEST_CASE("what intervals were calibrated on goes along with copies and parts; a file, and what comes later, do not") {
  const Readings all = some_readings(100);
  const Forecasts calibration = zeros_for(all.part({0, 60})), later = zeros_for(all.part({58, 100}));
  ConformalIntervals intervals({.window = 20});
  intervals.require_unseen("judge", calibration);  // of nothing yet
  intervals.calibrate(calibration);
  const std::vector<Index> second = {1};
  CHECK_THROWS_AS(ConformalIntervals(intervals).require_unseen("judge", calibration), DataError);
  CHECK_THROWS_AS(intervals.part(second).require_unseen("judge", calibration), DataError);
  CHECK_THROWS_AS(intervals.restored({0.1, 0.1}, Matrix()).require_unseen("judge", calibration), DataError);
  CHECK_NOTHROW(ConformalIntervals::from(intervals.config(), intervals.errors()).require_unseen("judge", calibration));
  intervals.follow(later);
  CHECK_NOTHROW(intervals.require_unseen("judge", later));
  CHECK_THROWS_AS(intervals.require_unseen("judge", calibration), DataError);
}
