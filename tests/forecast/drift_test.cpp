#include "maas/forecast/drift.hpp"

#include <cmath>

#include "maas/core/random.hpp"
#include "support/catch.hpp"

using namespace maas;

TEST_CASE("the test of Page and Hinkley is the one worked out by hand") {
  PageHinkley test{.tolerance = 0, .threshold = 3, .least_count = 2};
  test.update(1);
  test.update(1);
  CHECK(test.statistic() == 0);
  CHECK_FALSE(test.update(4));  // mean 2, sum 4 - 2
  CHECK(test.statistic() == Approx(2));
  CHECK_FALSE(test.update(std::nan("")));
  CHECK(test.count_ == 3);
  CHECK(test.update(4));  // mean 2.5, sum 2 + 1.5
  CHECK(test.statistic() == Approx(3.5));
  CHECK(test.mean_ == Approx(2.5));
  test.reset();
  CHECK(test.statistic() == 0);
  CHECK(test.threshold == 3);
  CHECK_FALSE(test.update(100));
  CHECK_THROWS_AS((PageHinkley{.tolerance = -1}.update(1)), ConfigError);
  CHECK_THROWS_AS((PageHinkley{.threshold = std::nan("")}.update(1)), ConfigError);
}

TEST_CASE("errors that grow are noticed, those that fall or stay are not") {
  const Random random(3);
  PageHinkley test;
  for (std::uint64_t i = 0; i < 1000; ++i) test.update(1 + 0.1 * random.normal(i));
  CHECK_FALSE(test.drifted());
  PageHinkley falling = test;
  for (std::uint64_t i = 0; i < 500; ++i) falling.update(0.2);
  CHECK_FALSE(falling.drifted());
  int needed = 0;
  while (!test.update(2) && needed < 500) ++needed;
  CHECK(needed < 100);
}

TEST_CASE("the stability index is the one worked out by hand") {
  const std::vector<double> reference = {9, 1, 2, 3, 4, 0, 6, 7, 8, 5}, now = {1, 2, 3, 7};
  const StabilityIndex index(reference, 2);
  CHECK(index.edges() == std::vector<double>{5});
  CHECK(index.of(now) == Approx(0.25 * std::log(1.5) - 0.25 * std::log(0.5)));
  CHECK(index.of(reference) == 0);
  CHECK(index.of(std::vector<double>{1, std::nan(""), 7}) == 0);
  CHECK(std::isnan(index.of(std::vector<double>{std::nan("")})));
  // All in one bin: 0.9999 or so of a share that was 0.5.
  CHECK(index.of(std::vector<double>{9, 1e300}) == Approx(0.5 * std::log(2) + (1e-4 - 0.5) * std::log(2e-4)));
  CHECK(StabilityIndex(std::vector<double>(10, 3.0)).edges() == std::vector<double>{3});
  CHECK_THROWS_AS(StabilityIndex(reference, 11), DataError);
  CHECK_THROWS_AS(StabilityIndex(reference, 1), ConfigError);
  CHECK_THROWS_AS(StabilityIndex(std::vector<double>(20, std::nan("")), 10), DataError);
}

TEST_CASE("a watch gives its figures by name") {
  Readings training{.values = Matrix(200, 2), .sensors = {"north", "south"}};
  const Random random(8);
  for (Index row = 0; row < 200; ++row)
    training.values.row(row) << static_cast<Scalar>(random.normal(2 * static_cast<std::uint64_t>(row))),
        static_cast<Scalar>(random.normal(2 * static_cast<std::uint64_t>(row) + 1));
  DriftWatch watch(training, {.tolerance = 0, .threshold = 5});
  CHECK_FALSE(watch.tell(3, 4));
  CHECK_FALSE(watch.tell(3, std::nan("")));
  Readings recent = training;
  recent.values.col(1).array() += 3;
  const std::vector<double> stability = watch.stability(recent);
  CHECK(stability[0] == 0);
  CHECK(stability[1] > 1);
  const auto figures = watch.figures(recent);
  REQUIRE(figures.size() == 6);
  CHECK(figures[0] == std::pair(std::string("forecast_errors_total"), 1.0));
  CHECK(figures[1] == std::pair(std::string("forecast_error_mean"), 1.0));
  CHECK(figures[3] == std::pair(std::string("page_hinkley_drifted"), 0.0));
  CHECK(figures[4] == std::pair(std::string("psi_max"), stability[1]));
  CHECK(figures[5].second == Approx(stability[1] / 2));
  recent.values.conservativeResize(200, 1);
  CHECK_THROWS_AS(watch.stability(recent), ShapeError);
  training.values.col(1).setConstant(std::numeric_limits<Scalar>::quiet_NaN());
  CHECK_THROWS_WITH(
      DriftWatch(training),
      "DriftWatch: sensor \"south\": StabilityIndex: expected at least 10 numbers for as many bins, got 0");
}
