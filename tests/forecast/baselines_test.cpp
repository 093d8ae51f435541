#include "maas/forecast/baselines.hpp"

#include <cmath>

#include "io/json.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

constexpr Scalar gap = std::numeric_limits<Scalar>::quiet_NaN();
constexpr double precision = sizeof(Scalar) == 4 ? 1e-4 : 1e-9;

Readings column(std::initializer_list<double> values, double seconds = 0) {
  Readings readings{.values = Matrix(static_cast<Index>(values.size()), 1)};
  Index row = 0;
  for (double value : values) {
    if (seconds > 0) readings.times.push_back(seconds * static_cast<double>(row));
    readings.values(row++, 0) = static_cast<Scalar>(value);
  }
  return readings;
}

/// A wave obeys x(t + 1) = 2 cos(w) x(t) - x(t - 1).
Readings wave(Index rows, double w) {
  Readings readings{.values = Matrix(rows, 1)};
  for (Index row = 0; row < rows; ++row)
    readings.values(row, 0) = static_cast<Scalar>(std::sin(w * static_cast<double>(row)));
  return readings;
}

}  // namespace

TEST_CASE("persistence repeats the last reading") {
  const ForecastWindows windows(column({1, 2, 4, 8}), {.lags = 2, .horizons = {1, 2}});
  Baseline baseline = Persistence{};
  CHECK_THROWS_AS(baseline.forecast(windows), StateError);
  const Forecasts forecasts = baseline.fit(windows).forecast(windows);
  CHECK(forecasts.model == "persistence");
  Matrix expected(1, 2);
  expected << 2, 2;
  CHECK(forecasts.values == expected);
  expected << 4, 8;
  CHECK(forecasts.truth == expected);
  CHECK_THROWS_AS(baseline.fit(windows), StateError);
}

TEST_CASE("the historical average is that of the time of day") {
  // Four readings a day, for two days: 1 2 3 4, 5 6 7 8. The third day is to be forecast.
  const ForecastWindows training(column({1, 2, 3, 4, 5, 6, 7, 8}, 21600), {.lags = 1});
  HistoricalAverage average;
  average.fit(training);
  Readings later = column({0, 0, 0, 0, 0, 0}, 21600);
  for (double& time : later.times) time += 2 * 86400.0 + 60;  // the clock is a minute late
  const Forecasts forecasts = average.forecast(ForecastWindows(later, {.lags = 1}));
  Matrix expected(5, 1);
  expected << 4, 5, 6, 3, 4;
  CHECK(forecasts.values == expected);
  CHECK_THROWS_AS(HistoricalAverage{}.fit(ForecastWindows(column({1, 2, 3}), {.lags = 1})), DataError);
}

TEST_CASE("weekends may have averages of their own") {
  // One reading a day from Thursday 1970-01-01: Saturday and Sunday are readings 2, 3, 9, 10.
  const ForecastWindows training(column({1, 1, 7, 9, 1, 1, 1, 1, 1, 7, 9, 1}, 86400), {.lags = 1});
  HistoricalAverage average{.weekends = true};
  average.fit(training);
  const Forecasts forecasts = average.forecast(training);
  CHECK(forecasts.model == "historical average, weekends apart");
  CHECK(forecasts.values(0, 0) == 1);
  CHECK(forecasts.values(1, 0) == 8);
  CHECK(forecasts.values(2, 0) == 8);
  CHECK(forecasts.values(3, 0) == 1);
}

TEST_CASE("the historical average looks at its training windows alone") {
  const ForecastWindows all(column({1, 2, 3, 4, 5, 6, 1000, 1000}, 21600), {.lags = 1});
  HistoricalAverage average;
  average.fit(all.targets_before(6));
  CHECK(average.forecast(all).values(1, 0) == 3);  // not the mean of 3 and 1000
}

TEST_CASE("linear autoregression finds the recurrence of a wave") {
  const double w = 0.3, c = std::cos(w);
  const ForecastWindows windows(wave(200, w), {.lags = 2, .horizons = {1, 2}});
  LinearAutoregression baseline;
  baseline.fit(windows);
  REQUIRE(baseline.weights_.size() == 1);
  const Eigen::MatrixXd& weights = baseline.weights_[0];
  CHECK(std::abs(weights(0, 0) - -1) < precision);
  CHECK(std::abs(weights(1, 0) - 2 * c) < precision);
  CHECK(std::abs(weights(0, 1) - -2 * c) < precision);
  CHECK(std::abs(weights(1, 1) - (4 * c * c - 1)) < precision);
  CHECK(std::abs(weights(2, 0)) < precision);
  const Forecasts forecasts = baseline.forecast(windows);
  CHECK((forecasts.values - forecasts.truth).cwiseAbs().maxCoeff() < static_cast<Scalar>(precision));
}

TEST_CASE("linear autoregression copes with a constant sensor, and leaves missing readings out") {
  Readings readings = wave(60, 0.4);
  readings.values.conservativeResize(60, 2);
  readings.values.col(1).setConstant(7);
  readings.values(30, 0) = gap;
  const ForecastWindows windows(readings, {.lags = 3});
  LinearAutoregression baseline;
  baseline.fit(windows);
  const Forecasts forecasts = baseline.forecast(windows);
  CHECK((forecasts.values.col(1).array() - 7).abs().maxCoeff() < static_cast<Scalar>(precision));
  CHECK(std::abs(forecasts.values(5, 0) - forecasts.truth(5, 0)) < static_cast<Scalar>(precision));
  CHECK(std::isnan(forecasts.values(29, 0)));  // its lags hold the gap
  readings.values.col(0).setConstant(gap);
  CHECK_THROWS_AS(LinearAutoregression{}.fit(ForecastWindows(readings, {.lags = 3})), DataError);
}

TEST_CASE("ridge VAR is the closed form worked out by hand") {
  // x 1 2 4 3, y 2 4 3 5: sum of products 2, variance of x 1.25; weight 2 / 1.25 / (4 + alpha).
  RidgeVAR ridge{.alphas = {4}};
  ridge.fit(ForecastWindows(column({1, 2, 4, 3, 5}), {.lags = 1}));
  CHECK(ridge.alpha_ == 4);
  CHECK(ridge.weights_(0, 0) == Approx(0.2));
  CHECK(ridge.weights_(1, 0) == Approx(3));
}

TEST_CASE("ridge gives the same weights whether rows or columns are fewer") {
  Eigen::MatrixXd wide(3, 5), y(3, 2);
  wide << 1, 2, 3, 4, 5, 2, 1, 0, 1, 2, 5, 3, 1, 0, 2;
  y << 1, 2, 3, 1, 0, 1;
  Eigen::MatrixXd tall = Eigen::MatrixXd::Zero(7, 5), longer = Eigen::MatrixXd::Zero(7, 2);
  tall.topRows(3) = wide;
  longer.topRows(3) = y;
  const auto by_rows = detail::ridge(wide, y, {0.5, 2}), by_columns = detail::ridge(tall, longer, {0.5, 2});
  REQUIRE(by_rows.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK(by_rows[i].isApprox(by_columns[i], 1e-10));
  CHECK_FALSE(by_rows[0].isApprox(by_rows[1], 1e-3));
}

TEST_CASE("ridge VAR learns what one sensor says of another, and chooses its penalty") {
  // The second sensor repeats the first one reading later.
  Readings readings{.values = Matrix(120, 2)};
  for (Index row = 0; row < 120; ++row) {
    readings.values(row, 0) = static_cast<Scalar>((row * row * 7 + row * 3) % 11);
    readings.values(row, 1) = row > 0 ? readings.values(row - 1, 0) : 0;
  }
  const ForecastWindows windows(readings, {.lags = 1});
  RidgeVAR ridge{.alphas = {1e5, 1e-6, 1e3}};
  ridge.fit(windows);
  CHECK(ridge.alpha_ == 1e-6);
  const Forecasts forecasts = ridge.forecast(windows);
  CHECK((forecasts.values.col(1) - forecasts.truth.col(1)).cwiseAbs().maxCoeff() < Scalar(1e-4));
  CHECK_THROWS_AS(RidgeVAR{.alphas = {0}}.fit(windows), ConfigError);
  CHECK_THROWS_AS(RidgeVAR{.alphas = {}}.fit(windows), ConfigError);
  CHECK_THROWS_AS(ridge.forecast(ForecastWindows(readings, {.lags = 2})), ShapeError);
}

TEST_CASE("all baselines are fitted to the same windows") {
  Readings readings = wave(100, 0.2);
  const ForecastWindows untimed(readings, {.lags = 4});
  CHECK(fit_baselines(untimed).size() == 3);
  for (Index row = 0; row < 100; ++row) readings.times.push_back(3600 * static_cast<double>(row));
  const ForecastWindows windows(readings, {.lags = 4});
  const std::vector<Baseline> baselines = fit_baselines(windows, true);
  REQUIRE(baselines.size() == 5);
  for (const Baseline& baseline : baselines) {
    CHECK(baseline.is_fitted());
    CHECK(baseline.forecast(windows).windows() == windows.size());
  }
  CHECK(baselines[4].as<RidgeVAR>() != nullptr);
  CHECK(baselines[4].as<Persistence>() == nullptr);
}

// ---- Kept with a forecaster ----

namespace {

Readings two_waves(Index rows) {
  Readings readings{.values = Matrix(rows, 2), .sensors = {"north", "south"}};
  for (Index row = 0; row < rows; ++row) {
    const auto t = static_cast<double>(row);
    readings.values(row, 0) = static_cast<Scalar>(50 + 10 * std::sin(0.3 * t));
    readings.values(row, 1) = static_cast<Scalar>(20 + 4 * std::cos(0.21 * t));
    readings.times.push_back(3600 * t);
  }
  return readings;
}

struct Seven {  // a baseline of the user's own
  static constexpr std::string_view label = "seven";
  void fit(const ForecastWindows&) {}
  Forecasts forecast(const ForecastWindows& windows) const {
    Forecasts result = empty_forecasts("seven", windows);
    result.values.setConstant(7);
    return result;
  }
};

}  // namespace

TEST_CASE("baselines that are kept come back with the same bits") {
  const ForecastWindowOptions options{.lags = 3, .horizons = {1, 2}};
  const ForecastWindows training(two_waves(300), options), test(two_waves(400).part({280, 400}), options);
  const std::vector<Baseline> fitted = fit_baselines(training, true);
  const KeptBaselines kept = keep_baselines(fitted);
  CHECK(kept.left_out.empty());
  const std::string text = io::write_json(kept.config());
  const KeptBaselines again = KeptBaselines::from(io::parse_json(text, "kept"), options, 2);
  REQUIRE(again.baselines.size() == 5);
  for (std::size_t i = 0; i < fitted.size(); ++i) {
    CAPTURE(i);
    const Forecasts before = fitted[i].forecast(test), after = again.baselines[i].forecast(test);
    CHECK(after.model == before.model);
    CHECK(after.values == before.values);
  }
  CHECK(again.config() == kept.config());
  CHECK(again.baselines[4].as<RidgeVAR>()->alpha_ == fitted[4].as<RidgeVAR>()->alpha_);
  CHECK_THROWS_AS(Baseline(again.baselines[0]).fit(training), StateError);
  CHECK(fit_kept_baselines(training, true).config() == kept.config());
}

TEST_CASE("baselines that are too large, not the library's or not finite are left out, and why is told") {
  const ForecastWindowOptions options{.lags = 2, .horizons = {1}};
  const ForecastWindows training(two_waves(60), options);
  RidgeVAR large;
  large.fit(training);
  large.weights_ = Eigen::MatrixXd::Zero(KeptBaselines::most_numbers + 1, 1);
  HistoricalAverage broken;
  broken.fit(training);
  broken.means_(3, 1) = std::nan("");
  const KeptBaselines kept = keep_baselines({Baseline(Seven{}).fit(training), Baseline::learned(large),
                                             Baseline::learned(broken), Baseline(Persistence{}).fit(training)});
  REQUIRE(kept.baselines.size() == 1);
  CHECK(kept.baselines[0].name() == "persistence");
  CHECK(kept.left_out == std::vector<std::string>{"seven: it is none of the library's",
                                                  "ridge VAR: it has learned 131073 numbers, more than 131072",
                                                  "historical average: it has learned numbers that are not finite"});
  CHECK_THROWS_AS(keep_baselines({Baseline(Persistence{})}), StateError);
  // 40 sensors of 10 lags and 10 horizons would be 401 x 400 weights: they are not even fitted.
  Readings many{.values = Matrix::Random(60, 40)};
  const KeptBaselines some = fit_kept_baselines(ForecastWindows(many, {.lags = 10, .horizons = every_step(10)}));
  REQUIRE(some.baselines.size() == 2);
  CHECK(some.left_out == std::vector<std::string>{"ridge VAR: it would learn more than 131072 numbers"});
  // Readings a week apart have no times of day.
  Readings weekly = two_waves(60);
  for (double& time : weekly.times) time *= 168;
  const KeptBaselines slow = fit_kept_baselines(ForecastWindows(weekly, options));
  CHECK(slow.baselines.size() == 3);
  REQUIRE(slow.left_out.size() == 1);
  CHECK(slow.left_out[0].find("historical average: expected from 1 second to 1 day between readings") == 0);
}

TEST_CASE("kept baselines that are damaged are refused by name") {
  const ForecastWindowOptions options{.lags = 2, .horizons = {1, 3}};
  const Config good = fit_kept_baselines(ForecastWindows(two_waves(80), options)).config();
  const auto refusal = [&](std::size_t place, const char* key, Config value) {
    Config::List all = good.at("baselines").as_list();
    all[place].set(key, std::move(value));
    try {
      KeptBaselines::from(Config(good).set("baselines", all), options, 2);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const auto with_first = [&](std::size_t place, const char* key, Config number) {
    Config::List numbers = good.at("baselines").as_list()[place].at(key).as_list();
    numbers[0] = std::move(number);
    return Config(numbers);
  };
  CHECK(refusal(0, "rule", "persistence") == "accepted");
  CHECK(refusal(0, "rule", "oracle") ==
        "baselines: expected persistence, historical average, linear autoregression or ridge VAR, got \"oracle\"");
  CHECK(refusal(1, "slots", std::int64_t{0}) == "baselines: historical average: expected from 1 to 86400 slots, got 0");
  CHECK(refusal(1, "slots", std::int64_t{1} << 62) ==
        "baselines: historical average: expected from 1 to 86400 slots, got 4611686018427387904");
  CHECK(refusal(1, "slots", std::int64_t{86400}) ==
        "baselines: historical average: expected at most 131072 numbers, got more");
  CHECK(refusal(1, "slots", std::int64_t{23}) == "baselines: historical average: expected 23 x 2 numbers, got 48");
  CHECK(refusal(1, "means", with_first(1, "means", Config())).find("baselines: historical average: expected") == 0);
  CHECK(refusal(1, "means", with_first(1, "means", 1e300)) ==
        "baselines: historical average: expected numbers from -1e30 to 1e30, got 1e+300");
  CHECK(refusal(1, "means", with_first(1, "means", std::nan(""))) ==
        "baselines: historical average: expected numbers from -1e30 to 1e30, got nan");
  CHECK(refusal(2, "weights", Config::List{}) ==
        "baselines: linear autoregression: expected weights of 2 sensors, got 0");
  CHECK(refusal(2, "weights", Config::List{Config::List{}, Config::List{}}) ==
        "baselines: linear autoregression: expected 3 x 2 numbers, got 0");
  CHECK(refusal(3, "weights", "many").find("baselines: ridge VAR: expected") == 0);
  CHECK_THROWS_AS(KeptBaselines::from(good, {.lags = 3, .horizons = {1, 3}}, 2), ConfigError);
  CHECK_THROWS_AS(KeptBaselines::from(good, options, 3), ConfigError);
  // Sizes whose product is larger than any number.
  CHECK_THROWS_AS(KeptBaselines::from(good, {.lags = 1000000, .horizons = {1, 3}}, 1000000), ConfigError);
  CHECK_THROWS_AS(KeptBaselines::from(Config(), options, 2), ConfigError);
}
