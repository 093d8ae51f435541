#include "maas/forecast/drift.hpp"

#include <cmath>
#include <limits>

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
  for (const double none : {std::nan(""), std::numeric_limits<double>::infinity()}) CHECK_FALSE(test.update(none));
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
  CHECK(StabilityIndex(std::vector<double>(10, 3.0)).edges() == std::vector<double>{3 - 3e-6, 3 + 3e-6});
  CHECK_THROWS_AS(StabilityIndex(reference, 11), DataError);
  CHECK_THROWS_AS(StabilityIndex(reference, 1), ConfigError);
  CHECK_THROWS_AS(StabilityIndex(std::vector<double>(20, std::nan("")), 10), DataError);
}

TEST_CASE("a watch of readings sees a constant and a rare number change as one of a kept reference does") {
  Readings training{.values = Matrix(200, 3)}, now = training;
  for (Index row = 0; row < 200; ++row) {
    const Index rain = row < 188 ? 0 : row;  // more different numbers than bins, and one of them fills nine bins
    training.values.row(row) << 5, static_cast<Scalar>(row % 20 == 0), static_cast<Scalar>(rain);
    now.values.row(row) << 50, 1, 300;
  }
  const std::vector<double> stability = DriftWatch(training).stability(now);
  const auto moved = [](double from, double to) { return (to - from) * std::log(to / from); };
  CHECK(stability[0] == Approx(2 * moved(1e-4, 1)));
  CHECK(stability[1] == Approx(moved(0.95, 1e-4) + moved(0.05, 1)));
  CHECK(stability[2] > 1);
  const std::vector<double> kept = DriftWatch(DriftReference::of(training.values)).stability(now);
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(stability[i] == Approx(kept[i]));
  for (double index : DriftWatch(training).stability(training)) CHECK(index == 0);
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

TEST_CASE("a watch takes no readings that are held out for its reference") {
  Readings all{.values = Matrix::Random(100, 1)};
  const TimeSplit split = split_by_time(100, 0.1, 0.2);
  const auto first_psi = [&] { return DriftWatch(all.part(split.train)).stability(all.part(split.train)); };
  const std::vector<double> before = first_psi();
  all.values.bottomRows(30).setConstant(1000);  // planted in the rows that are held out
  CHECK(first_psi() == before);
  for (const RowRange& part : {split.validation, split.test})
    CHECK_THROWS_WITH(DriftWatch(all.part(part)),
                      Catch::Matchers::StartsWith("DriftWatch: expected readings to learn from, got "));
  CHECK_NOTHROW(DriftWatch(all.part(split.train)).stability(all.part(split.test)));  // to look at
  all.held_out.set();
  CHECK_THROWS_AS(DriftWatch(all), DataError);
}

TEST_CASE("a watch needs no readings of training where their shares are kept") {
  Readings training{.values = Matrix::Random(200, 2), .sensors = {"north", "south"}};
  const DriftReference reference =
      DriftReference::from(DriftReference::of(training.values, {"north", "south"}).config());
  DriftWatch watch(reference, {.tolerance = 0, .threshold = 5});
  CHECK_FALSE(watch.tell(3, 4));
  Readings recent = training;
  recent.values.col(1).array() += Scalar(0.5);
  // No number comes twice, so that the bins are those of the readings themselves.
  const std::vector<double> stability = watch.stability(recent);
  const std::vector<double> expected = DriftWatch(training).stability(recent);
  REQUIRE(stability.size() == 2);
  CHECK(stability[0] == Approx(expected[0]).margin(1e-12));
  CHECK(stability[1] == Approx(expected[1]));
  CHECK(stability[1] > 0.25);
  CHECK(watch.figures(recent)[4] == std::pair(std::string("psi_max"), stability[1]));
  // A sensor of too few numbers is not watched.
  training.values.col(0).setConstant(std::numeric_limits<Scalar>::quiet_NaN());
  const DriftWatch partial(DriftReference::of(training.values));
  CHECK(std::isnan(partial.stability(recent)[0]));
  CHECK(partial.figures(recent)[5].second == Approx(stability[1]));
  CHECK_THROWS_WITH(DriftWatch(DriftReference{}), "DriftWatch: expected a reference of at least 1 input, got none");
  DriftReference broken = reference;
  broken.inputs[0].shares.pop_back();
  CHECK_THROWS_AS(DriftWatch(broken), ConfigError);
  CHECK_THROWS_WITH(StabilityIndex({1, 2}, {0.5, 0.5}), "StabilityIndex: expected 3 shares, one a bin, got 2");
}

// ---- Kept with a model ----

TEST_CASE("a reference has the bins and shares worked out by hand") {
  Matrix rows(20, 5);
  for (Index row = 0; row < 20; ++row) {
    rows(row, 0) = static_cast<Scalar>(row);                                          // 20 different numbers: two a bin
    rows(row, 1) = static_cast<Scalar>(row < 15);                                     // 0 five times, 1 fifteen times
    rows(row, 2) = 3;                                                                 // always the same
    rows(row, 3) = row < 9 ? Scalar(row) : std::numeric_limits<Scalar>::quiet_NaN();  // too few
    rows(row, 4) = static_cast<Scalar>(row % 2 == 0 ? row : 0);                       // 11 times 0, the others once
  }
  const DriftReference reference = DriftReference::of(rows, {"number", "bit", "same", "few", "half"});
  const auto& inputs = reference.inputs;
  CHECK(inputs[0].edges == std::vector<double>{2, 4, 6, 8, 10, 12, 14, 16, 18});
  for (double share : inputs[0].shares) CHECK(share == Approx(0.1));
  CHECK(inputs[1].edges == std::vector<double>{1});
  CHECK(inputs[1].shares == std::vector<double>{0.25, 0.75});
  CHECK(inputs[2].edges == std::vector<double>{3 - 3e-6, 3 + 3e-6});
  CHECK(inputs[2].shares == std::vector<double>{1e-4, 1, 1e-4});
  CHECK(inputs[3].edges.empty());
  CHECK(inputs[3].shares.empty());
  CHECK(inputs[4].edges == std::vector<double>{2, 4, 6, 8, 10, 12, 14, 16, 18});
  CHECK(inputs[4].shares[0] == Approx(0.55));

  using Counts = std::vector<std::uint64_t>;
  CHECK(inputs[1].stability(Counts{25, 75}) == 0);
  CHECK(inputs[1].stability(Counts{2, 2}) == Approx(0.25 * std::log(0.5 / 0.25) - 0.25 * std::log(0.5 / 0.75)));
  CHECK(inputs[1].stability(Counts{0, 9}) == Approx((1e-4 - 0.25) * std::log(1e-4 / 0.25) + 0.25 * std::log(1 / 0.75)));
  CHECK(std::isnan(inputs[1].stability(Counts{0, 0})));
  CHECK(std::isnan(inputs[1].stability(Counts{1, 2, 3})));
  // As StabilityIndex, where no number comes twice.
  std::vector<double> numbers, now;
  for (Index row = 0; row < 20; ++row) numbers.push_back(static_cast<double>(row)), now.push_back(row < 12 ? 3 : 15);
  Counts counts(10, 0);
  for (double number : now)
    ++counts[static_cast<std::size_t>(std::ranges::upper_bound(inputs[0].edges, number) - inputs[0].edges.begin())];
  CHECK(inputs[0].stability(counts) == Approx(StabilityIndex(numbers).of(now)));
  // Of many rows one in so many is enough, and not always the same one of a period.
  Matrix many(300000, 1);
  for (Index row = 0; row < many.rows(); ++row) many(row, 0) = static_cast<Scalar>(row % 3 == 0);
  CHECK(DriftReference::of(many).inputs[0].edges == std::vector<double>{1});
  CHECK(DriftReference::of(many).inputs[0].shares[1] == Approx(1.0 / 3).margin(0.02));
  CHECK(DriftReference::of(many).inputs[0].name == "0");
  CHECK(DriftReference::of(Matrix(0, 2)).inputs[1].edges.empty());
  CHECK_THROWS_AS(DriftReference::of(rows, {"one"}), ShapeError);
}

TEST_CASE("a reference comes back from its tree, and is refused by name where that is damaged") {
  DriftReference reference = DriftReference::of(Matrix::Random(50, 2), {"a", "b"});
  reference.errors = {0.5, 0};
  const Config good = reference.config();
  CHECK(DriftReference::from(good).config() == good);
  const auto refusal = [&](const char* key, Config value) {
    Config::List inputs = good.at("inputs").as_list();
    inputs[1].set(key, std::move(value));
    try {
      DriftReference::from(Config(good).set("inputs", inputs));
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const double nan = std::nan(""), infinite = std::numeric_limits<double>::infinity();
  CHECK(refusal("name", "c") == "accepted");
  CHECK(refusal("edges", to_config(std::vector<double>{1, 2})) ==
        "reference: input \"b\": expected a share for each bin");
  for (const std::vector<double>& edges : std::vector<std::vector<double>>{
           {1, 2, 3, 4, 5, 6, 7, 8, 8}, {1, 2, 3, 4, 5, 6, 7, 8, infinite}, {1, 2, 3, 4, nan, 6, 7, 8, 9}})
    CHECK(refusal("edges", to_config(edges)) == "reference: input \"b\": expected finite edges that grow");
  CHECK(refusal("edges", to_config(std::vector<double>(1000, 1))) ==
        "reference: input \"b\": expected at most 1000 bins, got more");
  for (double share : {nan, 0.0, -1.0, 2.0, infinite})
    CHECK(refusal("shares", to_config(std::vector<double>(10, share))) ==
          "reference: input \"b\": expected shares above 0 and of at most 1");
  CHECK(refusal("shares", "all").find("reference shares: ") == 0);
  CHECK_THROWS_AS(DriftReference::from(Config(good).set("errors", to_config(std::vector<double>{1}))), ConfigError);
  for (double error : {nan, -1.0, infinite})
    CHECK_THROWS_WITH(DriftReference::from(Config(good).set("errors", to_config(std::vector<double>{1, error}))),
                      fmt::format("reference: expected errors of at least 0, got {}", error));
  CHECK_THROWS_AS(DriftReference::from(Config()), ConfigError);
  CHECK_THROWS_WITH(reference.check(3), "reference: expected 3 inputs, got 2");
  reference.check(2);
}

TEST_CASE("a watch tells of each sensor apart") {
  const Readings training{.values = Matrix::Random(200, 2), .sensors = {"north", "south"}};
  DriftWatch watch(training, {.tolerance = 0, .threshold = 3, .least_count = 2});
  CHECK_FALSE(watch.tell(0, 1, 2));
  for (const double error : {1.0, 1.0, 4.0}) CHECK_FALSE(watch.tell(1, 10, 10 - error));
  CHECK(watch.tell(1, 10, 14));  // as worked out by hand above: 3.5
  Readings recent = training;
  recent.values.col(0).array() += 3;
  const std::vector<DriftWatch::SensorFigures> figures = watch.sensor_figures(recent);
  REQUIRE(figures.size() == 2);
  CHECK(figures[0].sensor == "north");
  CHECK(figures[0].psi == watch.stability(recent)[0]);
  CHECK(figures[0].psi > 1);
  CHECK(figures[0].errors == 1);
  CHECK(figures[0].statistic == 0);
  CHECK_FALSE(figures[0].drifted);
  CHECK(figures[1].sensor == "south");
  CHECK(figures[1].psi == 0);
  CHECK(figures[1].errors == 4);
  CHECK(figures[1].error_mean == Approx(2.5));
  CHECK(figures[1].statistic == Approx(3.5));
  CHECK(figures[1].drifted);
  // The test of all hears of each sensor, and what is told of none is its alone.
  CHECK(watch.test().count_ == 5);
  watch.tell(0.0, 1.0);
  CHECK(watch.test().count_ == 6);
  CHECK(watch.test(0).count_ == 1);
  CHECK(watch.figures(recent).size() == 6);
  CHECK_THROWS_AS(watch.tell(2, 0, 1), ShapeError);
  CHECK_THROWS_AS(watch.test(-1), ShapeError);
  const DriftWatch kept(DriftReference::of(training.values, {"a", "b"}));
  CHECK(kept.sensor_figures(training)[1].sensor == "b");
}
