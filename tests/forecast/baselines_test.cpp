#include "maas/forecast/baselines.hpp"

#include <cmath>

#include "io/json.hpp"
#include "maas/forecast/least_squares.hpp"
#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;
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

TEST_CASE("ridge is the closed form on the rows themselves, with more rows than are added up at once and with fewer") {
  for (const Index rows : {3, 700}) {
    CAPTURE(rows);
    Eigen::MatrixXd x(rows, 5), y(rows, 2);
    for (Index row = 0; row < rows; ++row) {
      for (Index i = 0; i < 5; ++i) x(row, i) = 1000 + std::sin(static_cast<double>((i + 2) * row * row + i));
      x(row, 3) = 0.1;  // a constant
      y.row(row) << 5 * x(row, 0) - x(row, 4) + std::cos(static_cast<double>(row)), static_cast<double>(row % 7);
    }
    using Row = Eigen::RowVectorXd;
    const Row x_mean = x.colwise().mean(), y_mean = y.colwise().mean();
    detail::ProductSums sums(Row::Constant(5, 999.5), Row::Constant(2, 1)), first(x_mean, y_mean), rest(x_mean, y_mean);
    for (Index row = 0; row < rows; ++row) {
      const Row of_x = x.row(row), of_y = y.row(row);
      sums.add(of_x.data(), of_y.data());
      (row < rows / 2 ? first : rest).add(of_x.data(), of_y.data());
    }
    for (detail::ProductSums* each : {&sums, &first, &rest}) each->close();
    first += rest;
    Eigen::MatrixXd standard = x.rowwise() - x_mean;
    for (Index i = 0; i < 5; ++i)
      if (i != 3) standard.col(i) /= std::sqrt(standard.col(i).squaredNorm() / static_cast<double>(rows));
    standard.col(3).setZero();
    const Eigen::MatrixXd centered = y.rowwise() - y_mean;
    for (const double alpha : {0.5, 20.0}) {
      const Eigen::MatrixXd weights = sums.ridge(alpha), others = first.ridge(alpha);
      CHECK((weights - others).cwiseAbs().maxCoeff() < 1e-6);
      Eigen::MatrixXd errors = y - x * weights.topRows(5);
      errors.rowwise() -= weights.row(5);
      CHECK(sums.squared_error(weights) == Approx(errors.squaredNorm()));
      CHECK(rest.rows() == rows - rows / 2);
      // At the solution the gradient of errors and penalty is 0.
      Eigen::MatrixXd scaled = weights.topRows(5);
      for (Index i = 0; i < 5; ++i)
        if (i != 3) scaled.row(i) *= std::sqrt((x.col(i).array() - x_mean(i)).square().mean());
      scaled.row(3).setZero();
      const Eigen::MatrixXd gradient = standard.transpose() * (standard * scaled - centered) + alpha * scaled;
      CHECK(gradient.cwiseAbs().maxCoeff() < 1e-6 * static_cast<double>(rows));
    }
    CHECK_FALSE(sums.ridge(0.5).isApprox(sums.ridge(20), 1e-3));
  }
}

TEST_CASE("least squares of rows that come one by one are those of all rows") {
  constexpr Index rows = 500, unknowns = 4;
  Eigen::MatrixXd x(rows, unknowns), y(rows, 2);
  for (Index row = 0; row < rows; ++row) {
    for (Index i = 0; i < unknowns; ++i) x(row, i) = std::sin(static_cast<double>((i + 1) * row * row + i));
    y.row(row) << 3 * x(row, 0) - x(row, 2) + std::cos(static_cast<double>(row)), static_cast<double>(row % 5);
  }
  detail::LeastSquaresRows all(unknowns, 2), most(unknowns, 2), some(unknowns, 1);
  for (Index row = 0; row < rows; ++row) {
    Eigen::RowVectorXd each(unknowns + 2);
    each << x.row(row), y.row(row);
    all.add(each.data());
    if (row % 10 == 3) {
      Eigen::RowVectorXd one(unknowns + 1);
      one << x.row(row), y(row, 1);
      some.add(one.data());
    } else {
      most.add(each.data());
    }
  }
  CHECK(all.rows() == rows);
  const Eigen::MatrixXd normal = x.transpose() * x;
  for (Index side = 0; side < 2; ++side) {
    const Eigen::VectorXd residual = x.transpose() * (y.col(side) - x * all.solve(side));
    CHECK(residual.cwiseAbs().maxCoeff() < 1e-9);
  }
  CHECK(all.solve(1).isApprox(most.solve(1, &some), 1e-9));
  CHECK_FALSE(all.solve(1).isApprox(most.solve(1), 1e-9));
}

namespace {

struct Own {  // a rule that knows of no parts
  static constexpr std::string_view label = "own";
  void fit(const ForecastWindows&) {}
  Forecasts forecast(const ForecastWindows& windows) const { return empty_forecasts("own", windows); }
};

/// The windows of readings in parts of so many readings, as a stream has them.
WindowParts in_parts(const Readings& readings, const ForecastWindowOptions& options, Index rows) {
  const ForecastWindows all(readings, options);
  return {WindowParts(all).facts(), [=](const WindowParts::Visit& visit) {
            for (Index begin = 0; begin < readings.rows(); begin += rows) {
              const Index before = std::max(Index{0}, begin - options.lags + 1);
              const Index end = std::min(readings.rows(), begin + rows + options.horizons.back());
              std::vector<Index> origins;
              for (Index origin : all.origins())
                if (origin >= begin && origin < begin + rows) origins.push_back(origin - before);
              if (!origins.empty()) visit(ForecastWindows(readings.part({before, end}), options, origins), before);
            }
          }};
}

}  // namespace

TEST_CASE("baselines learn the same bits of windows in parts, wherever these end") {
  Readings readings{.values = Matrix(700, 3)};
  for (Index row = 0; row < 700; ++row) {
    for (Index sensor = 0; sensor < 3; ++sensor)
      readings.values(row, sensor) = static_cast<Scalar>(30 + 9 * std::sin(0.26 * static_cast<double>(row + sensor)) +
                                                         static_cast<double>((row * row + sensor) % 5));
    readings.times.push_back(3600 * static_cast<double>(row + (row > 313 ? 40 : 0)));  // a gap
  }
  for (Index row : {7, 8, 50, 211, 212, 600}) readings.values(row, row % 3) = gap;
  for (const bool fills : {false, true})
    for (const Index stride : {1, 3}) {
      CAPTURE(fills, stride);
      const ForecastWindowOptions options{.lags = 3, .horizons = {1, 4}, .stride = stride, .fill_missing = fills};
      const std::vector<Baseline> whole = fit_baselines(ForecastWindows(readings, options), true);
      REQUIRE(whole.size() == 5);
      for (const Index rows : {2, 50, 313}) {
        CAPTURE(rows);
        const std::vector<Baseline> parted = fit_baselines(in_parts(readings, options, rows), true);
        CHECK(keep_baselines(parted).config() == keep_baselines(whole).config());
      }
    }
  CHECK_THROWS_AS(fit_baselines(in_parts(readings.part({0, 700, true}), {.lags = 3}, 50)), DataError);
}

TEST_CASE("baselines of parts remember what they have learned from, and rules of other kinds say what they lack") {
  const Readings readings = wave(100, 0.2);
  const ForecastWindowOptions options{.lags = 2};
  for (Baseline baseline : {Baseline(Persistence{}), Baseline(LinearAutoregression{})}) {
    baseline.fit(in_parts(readings.part({0, 60}), options, 7));
    CHECK_THROWS_AS(baseline.forecast(ForecastWindows(readings.part({40, 100, true}), options)), DataError);
    CHECK_NOTHROW(baseline.forecast(ForecastWindows(readings.part({60, 100, true}), options)));
  }
  CHECK_THROWS_WITH(Baseline(Own{}).fit(in_parts(readings, options, 7)),
                    "own: expected a rule that learns of windows part by part, got one without such a fit");
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

TEST_CASE("baselines answer for windows with missing readings where these are to be filled") {
  const ForecastWindowOptions options{.lags = 2, .horizons = {1}, .fill_missing = true};
  Readings readings = column({1, 2, gap, 8, 16, gap, gap, 3}, 3600);
  const ForecastWindows windows(readings, options);
  const Matrix last = Baseline(Persistence{}).fit(windows).forecast(windows).values;
  REQUIRE(last.rows() == 6);
  CHECK(last.topRows(5) == (Matrix(5, 1) << 2, 2, 8, 16, 16).finished());
  CHECK(std::isnan(last(5, 0)));  // no reading at all
  ForecastWindowOptions unfilled = options;
  unfilled.fill_missing = false;
  CHECK(std::isnan(Baseline(Persistence{}).fit(windows).forecast(ForecastWindows(readings, unfilled)).values(1, 0)));

  // x(t + 1) = x(t) + 1, but that readings are missing here and there: the mean stands for them.
  Readings rising{.values = Matrix(40, 2)};
  for (Index row = 0; row < 40; ++row) rising.values.row(row).setConstant(static_cast<Scalar>(row));
  rising.values(10, 0) = rising.values(20, 0) = rising.values(30, 1) = gap;
  const ForecastWindows training(rising, options);
  LinearAutoregression linear;
  linear.fit(training);
  RidgeVAR ridge;
  ridge.fit(training);
  REQUIRE(linear.fill_.cols() == 2);
  CHECK(linear.fill_(0, 0) == Approx((780.0 - 30) / 38));
  CHECK(linear.fill_(0, 1) == Approx((780.0 - 30) / 39));
  CHECK(ridge.fill_ == linear.fill_);
  Readings whole = rising;
  for (Index row : {10, 20}) whole.values(row, 0) = static_cast<Scalar>(linear.fill_(0, 0));
  whole.values(30, 1) = static_cast<Scalar>(linear.fill_(0, 1));
  const ForecastWindows stood_for(whole, unfilled);
  const auto same = [&](const Matrix& a, const Matrix& b) { return (a - b).cwiseAbs().maxCoeff() < precision; };
  CHECK(same(linear.forecast(training).values, linear.forecast(stood_for).values));
  CHECK(same(ridge.forecast(training).values, ridge.forecast(stood_for).values));
  // Without it the same windows have no answer.
  LinearAutoregression strict;
  strict.fit(ForecastWindows(rising, unfilled));
  CHECK(strict.fill_.size() == 0);
  CHECK(strict.forecast(training).values.hasNaN());

  const KeptBaselines kept = keep_baselines({Baseline::learned(linear), Baseline::learned(ridge)});
  const KeptBaselines again = KeptBaselines::from(io::parse_json(io::write_json(kept.config()), "kept"), options, 2);
  CHECK(again.config() == kept.config());
  CHECK(again.baselines[0].forecast(training).values == linear.forecast(training).values);
  CHECK(again.baselines[1].forecast(training).values == ridge.forecast(training).values);
  Config::List all = kept.config().at("baselines").as_list();
  all[0].set("fill", Config::List{1.0});
  CHECK_THROWS_WITH(KeptBaselines::from(kept.config().set("baselines", all), options, 2),
                    "baselines: linear autoregression: expected 1 x 2 numbers, got 1");
}

TEST_CASE("large baselines are kept where that is asked for, their numbers behind the tree") {
  const ForecastWindowOptions options{.lags = 10, .horizons = every_step(10)};
  Readings many{.values = Matrix::Random(60, 40)};  // 401 x 400 weights
  const ForecastWindows training(many, options);
  const Index all = std::numeric_limits<Index>::max();
  const KeptBaselines kept = fit_kept_baselines(training, false, all);
  REQUIRE(kept.baselines.size() == 3);
  CHECK(kept.left_out.empty());
  const std::vector<double> numbers = kept.large_numbers();
  CHECK(numbers.size() == 401 * 400);
  const std::string text = io::write_json(kept.config());
  CHECK(text.size() < 500000);  // those of the linear autoregression
  const Config tree = io::parse_json(text, "kept");
  const KeptBaselines again = KeptBaselines::from(tree, options, 40, numbers);
  CHECK(again.config() == kept.config());
  CHECK(again.large_numbers() == numbers);
  CHECK(again.baselines[2].forecast(training).values == kept.baselines[2].forecast(training).values);
  CHECK(keep_baselines(kept.baselines, 401 * 400 - 1).left_out ==
        std::vector<std::string>{"ridge VAR: it has learned 160400 numbers, more than 160399"});
  CHECK(keep_baselines(kept.baselines, 401 * 400).left_out.empty());

  const auto refusal = [&](const Config& given, std::vector<double> behind) {
    try {
      KeptBaselines::from(given, options, 40, behind);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  std::vector<double> other = numbers;
  CHECK(refusal(tree, other) == "accepted");
  CHECK(refusal(tree, {}) == "baselines: ridge VAR: expected 401 x 400 numbers, got 160400 of 0 behind the tree");
  other.push_back(1);
  CHECK(refusal(tree, other) == "baselines: expected no numbers behind those of the tree, got 1 more");
  other = numbers;
  other[7] = std::nan("");
  CHECK(refusal(tree, other) == "baselines: ridge VAR: expected numbers from -1e30 to 1e30, got nan");
  Config::List list = tree.at("baselines").as_list();
  list[2].set("weights", std::int64_t{1} << 62);
  CHECK(refusal(Config(tree).set("baselines", list), numbers) ==
        "baselines: ridge VAR: expected 401 x 400 numbers, got 4611686018427387904 of 160400 behind the tree");
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
        "baselines: historical average: expected 86400 x 2 numbers, got 48");
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
