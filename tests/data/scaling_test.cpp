#include "maas/data/scaling.hpp"

#include "data/step_tables.hpp"
#include "maas/data/scalers.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

const Table scaled_training = table_of("a", {0, 4, gap, 2, 10});
const Table later = table_of("a", {5, 20, gap});

std::vector<double> scaled(const Step& step) { return step.fit(scaled_training).apply(later).numbers("a"); }

// Any step that scales: back to where it came from, in double.
void check_back(const Step& step, double tolerance = 1e-12) {
  const Step fitted = step.fit(scaled_training);
  check_numbers(fitted.invert(fitted.apply(later)).numbers("a"), later.numbers("a"), tolerance);
}

}  // namespace

TEST_CASE("min-max, standard and robust steps by hand") {
  check_numbers(scaled(MinMax{}), {0.5, 2, gap});
  check_numbers(scaled(MinMax{.range_min = -1, .range_max = 1}), {0, 3, gap});
  check_numbers(scaled(Standard{}), {1 / std::sqrt(14.0), 16 / std::sqrt(14.0), gap});  // mean 4, variance 56 / 4
  check_numbers(scaled(Robust{}), {2 / 4.0, 17 / 4.0, gap});  // median 3, quartiles 1.5 and 5.5
}

TEST_CASE("the robust step gives scikit-learn's numbers") {
  // The example of its RobustScaler.
  Table table = table_of("a", {1, -2, 4});
  table.add({.name = "b", .numbers = {-2, 1, 1}});
  table.add({.name = "c", .numbers = {2, 3, -2}});
  const Table result = Step(Robust{}).fit(table).apply(table);
  check_numbers(result.numbers("a"), {0, -1, 1});
  check_numbers(result.numbers("b"), {-2, 0, 0});
  check_numbers(result.numbers("c"), {0, 0.4, -1.6});
}

TEST_CASE("the power step gives scikit-learn's numbers") {
  // The example of its PowerTransformer: data, lambdas to three digits, and what becomes of the data.
  Table table = table_of("a", {1, 3, 4});
  table.add({.name = "b", .numbers = {2, 2, 5}});
  const Step step = Step(Power{}).fit(table);
  const Power& power = *step.as<Power>();
  CHECK(std::abs(power.lambda[0] - 1.386) < 0.001);
  CHECK(std::abs(power.lambda[1] + 3.100) < 0.001);
  const Table result = step.apply(table);
  check_numbers(result.numbers("a"), {-1.316, 0.209, 1.106}, 1e-3);
  check_numbers(result.numbers("b"), {-0.707, -0.707, 1.414}, 1e-3);
}

TEST_CASE("the transform of Yeo and Johnson by hand") {
  const auto transformed = [](double lambda, double x) {
    const Step step{Power{.fitted_columns = {"a"}, .lambda = {lambda}, .mean = {0}, .scale = {1}}};
    const Table result = step.apply(table_of("a", {x}));
    check_numbers(step.invert(result).numbers("a"), {x});
    return result.numbers("a")[0];
  };
  CHECK(transformed(2, 3) == Approx(7.5));  // (4^2 - 1) / 2
  CHECK(transformed(0, 3) == Approx(std::log(4.0)));
  CHECK(transformed(1, 3) == Approx(3));
  CHECK(transformed(1, -3) == Approx(-3));
  CHECK(transformed(0, -3) == Approx(-7.5));
  CHECK(transformed(2, -3) == Approx(-std::log(4.0)));
  CHECK(transformed(-1, 1) == Approx(0.5));
  // With lambda -1 nothing is beyond 1, so nothing leads back from there.
  const Step step{Power{.fitted_columns = {"a"}, .lambda = {-1}, .mean = {0}, .scale = {1}}};
  CHECK(std::isnan(step.invert(table_of("a", {2})).numbers("a")[0]));
}

TEST_CASE("the power step finds the likeliest lambda") {
  std::vector<double> numbers;
  for (int i = 1; i <= 200; ++i) numbers.push_back(std::exp(i * 0.02) - 1);  // log1p makes these even
  const Step step = Step(Power{.standardize = false}).fit(table_of("a", numbers));
  const double lambda = step.as<Power>()->lambda[0];
  const auto cost = [&](double at) {
    std::vector<double> transformed;
    double logs = 0, mean = 0, variance = 0;
    for (double x : numbers) {
      transformed.push_back(std::abs(at) < 1e-9 ? std::log1p(x) : (std::pow(x + 1, at) - 1) / at);
      logs += std::log1p(x);
      mean += transformed.back() / 200;
    }
    for (double y : transformed) variance += (y - mean) * (y - mean) / 200;
    return 100 * std::log(variance) - (at - 1) * logs;
  };
  CHECK(cost(lambda) < cost(lambda + 1e-3));
  CHECK(cost(lambda) < cost(lambda - 1e-3));
  CHECK(std::abs(lambda) < 0.3);
  CHECK(step.as<Power>()->mean[0] == 0);
  CHECK(step.as<Power>()->scale[0] == 1);
}

TEST_CASE("the power step learns from large numbers of both signs") {
  const Step step = Step(Power{}).fit(table_of("a", {-3e100, 1e100, 2e100, -1e100, 5e100}));
  CHECK(step.as<Power>()->lambda[0] == Approx(1).margin(0.2));
  const Table applied = step.apply(table_of("a", {-3e100, 1e100, 5e100}));
  for (double number : applied.numbers("a")) CHECK(std::abs(number) < 3);
  check_numbers(step.invert(applied).numbers("a"), {-3e100, 1e100, 5e100}, 1e-6);
}

TEST_CASE("logarithms, and what has none") {
  check_numbers(scaled(Log{}), {std::log(6.0), std::log(21.0), gap});
  check_numbers(scaled(Log{.offset = 3}), {std::log(8.0), std::log(23.0), gap});
  const Step step = Step(Log{}).fit(scaled_training);
  CHECK_THROWS_WITH(step.apply(table_of("a", {-1})), "Log: expected numbers above -1 in column \"a\", got -1");
  CHECK_NOTHROW(step.apply(table_of("a", {-0.5})));
}

TEST_CASE("scaling leads back") {
  check_back(MinMax{.range_min = -2});
  check_back(Standard{});
  check_back(Robust{});
  check_back(Log{});
  check_back(Log{.offset = 2.5});
  check_back(Power{});
  check_back(Power{.standardize = false});
}

TEST_CASE("a constant column, and a single row, are only shifted") {
  const Table constant = table_of("a", {3, 3, 3}), one = table_of("a", {3}), other = table_of("a", {4});
  for (const Step& step : {Step(MinMax{}), Step(Standard{}), Step(Robust{}), Step(Power{})}) {
    CAPTURE(step.class_name());
    for (const Table& table : {constant, one}) {
      CHECK(step.fit(table).apply(table).numbers("a")[0] == Approx(0).margin(1e-12));
      CHECK(step.fit(table).apply(other).numbers("a")[0] == Approx(1));
    }
  }
}

TEST_CASE("steps and scalers agree") {
  Matrix rows(4, 1);
  rows << 0, 4, 2, 10;
  CHECK(Step(MinMax{}).fit(scaled_training).apply(table_of("a", {0, 4, 2, 10})).matrix() ==
        MinMaxScaler{}.fit(TrainingRows::all_of(rows)).apply(rows));
  CHECK(Step(Standard{}).fit(scaled_training).apply(table_of("a", {0, 4, 2, 10})).matrix() ==
        StandardScaler{}.fit(TrainingRows::all_of(rows)).apply(rows));
}

TEST_CASE("large numbers keep their digits in either precision") {
  const Table table = table_of("a", {1.7e9, 1.7e9 + 1, 1.7e9 + 2});
  check_numbers(Step(MinMax{}).fit(table).apply(table).numbers("a"), {0, 0.5, 1});
}

TEST_CASE("scaling says what it cannot use") {
  for (const Step& step : {Step(MinMax{}), Step(Standard{}), Step(Robust{}), Step(Power{})}) {
    const std::string name(step.class_name());
    CHECK_THROWS_WITH(step.apply(later), name + ": call fit first");
    CHECK_THROWS_WITH(step.invert(later), name + ": call fit first");
    CHECK_THROWS_WITH(step.fit(table_of("a", {gap})), name + ": expected a number in column \"a\", got none");
    CHECK_THROWS_WITH(step.fit(table_of("a", {1, INFINITY})),
                      name + ": expected finite numbers in column \"a\", got inf");
    CHECK_THROWS_WITH(step.fit(texts_of("a", {"x"})), name + ": expected a column of numbers, got none");
    CHECK_THROWS_WITH(step.fit(scaled_training).apply(texts_of("a", {"x"})),
                      name + ": expected numbers in column \"a\", got text");
  }
  CHECK_THROWS_WITH(Step(Standard{.columns = {"b"}}).fit(scaled_training),
                    "Standard: expected a column \"b\", got columns \"a\"");
  CHECK_THROWS_WITH(Step(MinMax{.range_min = 1, .range_max = 1}),
                    "MinMax: expected range_min below range_max, got 1 and 1");
  CHECK_THROWS_AS(Step(Log{.offset = INFINITY}), ConfigError);
  CHECK_THROWS_AS(Step(Standard{.columns = {"a", "a"}}), ConfigError);
}

TEST_CASE("numbers that are too far apart for a scale are refused") {
  Table table;
  table.add({.name = "x", .numbers = {1e308, -1e308, 5}});
  CHECK_THROWS_AS(MinMax{}.fit(table), DataError);
  for (const std::vector<double>& far : {std::vector<double>{1e200, -1e200, 5}, {1e200, 2e200}, {1.7e308, 1.7e308}}) {
    CHECK_THROWS_AS(Standard{}.fit(table_of("x", far)), DataError);  // not taken for a constant
    CHECK_THROWS_AS(Power{}.fit(table_of("x", far)), DataError);
    CHECK_THROWS_AS(Power{.standardize = false}.fit(table_of("x", far)), DataError);
  }
}
