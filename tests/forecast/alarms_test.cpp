#include "maas/forecast/alarms.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

/// One sensor every five minutes, horizons 1 and 2; the truth follows from the readings.
Forecasts around(const std::vector<Scalar>& readings) {
  const auto windows = static_cast<Index>(readings.size()) - 2;
  Forecasts forecasts{.model = "made", .horizons = {1, 2}, .sensors = {"a"}};
  forecasts.seconds_a_reading = 300;
  forecasts.values = Matrix::Zero(windows, 2);
  forecasts.truth.resize(windows, 2);
  forecasts.last.resize(windows, 1);
  for (Index window = 0; window < windows; ++window) {
    const auto row = static_cast<std::size_t>(window);
    forecasts.origins.push_back(window);
    forecasts.last(window, 0) = readings[row];
    forecasts.truth.row(window) << readings[row + 1], readings[row + 2];
  }
  return forecasts;
}

const std::vector<Scalar> one_jam = {50, 50, 50, 30, 50, 50, 50, 50, 50, 50};
const AlarmOptions below_40 = {.value = 40};

Matrix alarms_at(Index windows, std::initializer_list<Index> raised) {
  Matrix alarms = Matrix::Zero(windows, 1);
  for (Index window : raised) alarms(window, 0) = 1;
  return alarms;
}

}  // namespace

TEST_CASE("alarms are judged as a hand would") {
  const AlarmReport report = judge_alarms(around(one_jam), alarms_at(8, {1, 2, 5}), below_40);
  CHECK(report.events == 1);
  CHECK(report.warned == 1);
  CHECK(report.alarms == 2);  // windows 1 and 2 are one alarm
  CHECK(report.right == 1);
  CHECK(report.precision == 0.5);
  CHECK(report.recall == 1);
  CHECK(report.mean_lead_minutes == Approx(10));
  CHECK(report.days == Approx(8 * 300 / 86400.0));
  CHECK(report.false_alarms_a_day == Approx(1 / (8 * 300 / 86400.0)));
}

TEST_CASE("an alarm too early or none at all has not warned") {
  const AlarmReport early = judge_alarms(around(one_jam), alarms_at(8, {0}), below_40);
  CHECK(early.warned == 0);
  CHECK(early.right == 0);
  CHECK(early.recall == 0);
  CHECK(std::isnan(early.mean_lead_minutes));
  const AlarmReport silent = judge_alarms(around(one_jam), alarms_at(8, {}), below_40);
  CHECK(silent.events == 1);
  CHECK(std::isnan(silent.precision));
  CHECK(silent.recall == 0);
  CHECK(silent.false_alarms_a_day == 0);
  const AlarmReport quiet = judge_alarms(around({50, 50, 50, 50}), alarms_at(2, {}), below_40);
  CHECK(quiet.events == 0);
  CHECK(std::isnan(quiet.recall));
}

TEST_CASE("an alarm of the jam before does not warn of the next one") {
  // Readings 2 and 4 are events; the alarm of window 1 is 3 readings before the second, which is beyond the horizon,
  // and with a jam between.
  const AlarmReport report = judge_alarms(around({50, 50, 30, 50, 30, 50, 50, 50}), alarms_at(6, {1}), below_40);
  CHECK(report.events == 2);
  CHECK(report.warned == 1);
}

TEST_CASE("a gap between windows is no event and ends an alarm") {
  Forecasts forecasts = around(one_jam);
  for (std::size_t window = 3; window < 8; ++window) forecasts.origins[window] += 10;
  const AlarmReport report = judge_alarms(forecasts, alarms_at(8, {2, 3}), below_40);
  CHECK(report.events == 0);
  CHECK(report.alarms == 2);
}

TEST_CASE("alarms are raised where the chance is above, at a horizon that is looked at") {
  const Forecasts forecasts = around(one_jam);
  Matrix chances = Matrix::Zero(8, 2);
  chances(0, 0) = Scalar(0.5);  // not above
  chances(1, 0) = Scalar(0.75);
  chances(2, 1) = Scalar(0.75);
  chances(3, 0) = 1;  // a jam already
  chances(4, 0) = gap;
  const Matrix all = raise_alarms(forecasts, chances, below_40);
  CHECK(all == alarms_at(8, {1, 2}));
  CHECK(raise_alarms(forecasts, chances, {.value = 40, .horizon = 1}) == alarms_at(8, {1}));
  CHECK(raise_alarms(forecasts, chances, {.value = 40, .probability = 0.25}) == alarms_at(8, {0, 1, 2}));
  CHECK_THROWS_AS(raise_alarms(forecasts, chances, {.value = 40, .horizon = 3}), ConfigError);
  CHECK_THROWS_AS(raise_alarms(forecasts, chances, {.value = 40, .probability = 2}), ConfigError);
  CHECK_THROWS_AS(raise_alarms(forecasts, chances, {.value = std::nan("")}), ConfigError);
  CHECK_THROWS_AS(raise_alarms(forecasts, Matrix::Zero(8, 1), below_40), ShapeError);
  CHECK_THROWS_AS(judge_alarms(forecasts, Matrix::Zero(8, 2), below_40), ShapeError);
  Forecasts broken = forecasts;
  broken.last.resize(0, 0);
  CHECK_THROWS_AS(raise_alarms(broken, chances, below_40), ShapeError);
}

TEST_CASE("sensors may have values of their own, beside that of all others") {
  // The second sensor reads twice as much: its jam is a reading of 60.
  const Forecasts one = around(one_jam);
  Forecasts two = one;
  two.sensors = {"a", "b"};
  two.truth.resize(8, 4);
  two.truth << one.truth.col(0), one.truth.col(0) * 2, one.truth.col(1), one.truth.col(1) * 2;
  two.values = Matrix::Zero(8, 4);
  two.last.resize(8, 2);
  two.last << one.last, one.last * 2;
  const AlarmOptions options{.value = 40, .values = {{"b", 80}}};
  CHECK(options.values_of(two.sensors) == std::vector<double>{40, 80});
  Matrix raised(8, 2);
  raised << alarms_at(8, {1, 2, 5}), alarms_at(8, {1, 2, 5});
  const AlarmReport single = judge_alarms(one, alarms_at(8, {1, 2, 5}), below_40);
  const AlarmReport both = judge_alarms(two, raised, options);
  CHECK(both.events == 2 * single.events);
  CHECK(both.warned == 2 * single.warned);
  CHECK(both.right == 2 * single.right);
  CHECK(judge_alarms(two, raised, below_40).events == 1);  // 60 is not below 40

  const Matrix certain = Matrix::Ones(8, 4);
  Matrix expected(8, 2);
  expected << alarms_at(8, {0, 1, 2, 4, 5, 6, 7}), alarms_at(8, {0, 1, 2, 4, 5, 6, 7});
  CHECK(raise_alarms(two, certain, options) == expected);
  CHECK(raise_alarms(two, certain, below_40)(3, 1) == 1);  // 60 is a jam for its own value alone

  const AlarmOptions second = options.of("b");
  CHECK(second.value == 80);
  CHECK(second.values.empty());
  CHECK(options.of("a").value == 40);
  const std::vector<Scalar> chances = {0, 1};
  CHECK(name_of(warning_of(chances, 60, second, {1, 2}).state) == "reached");
  CHECK(name_of(warning_of(chances, 60, options.of("a"), {1, 2}).state) == "raised");
  CHECK_THROWS_WITH(warning_of(chances, 60, options, {1, 2}),
                    "alarms: expected the options of one sensor, as AlarmOptions::of gives them, got values of 1");

  const AlarmOptions unknown{.value = 40, .values = {{"c", 30}}};
  const std::string problem = "alarms: unknown sensor \"c\" in values: expected one of a, b";
  CHECK_THROWS_WITH(raise_alarms(two, certain, unknown), problem);
  CHECK_THROWS_WITH(judge_alarms(two, raised, unknown), problem);
  CHECK_NOTHROW(unknown.check({1, 2}));
  CHECK_THROWS_WITH(AlarmOptions({.values = {{"b", std::nan("")}}}).check({1, 2}),
                    "alarms: expected a finite value of \"b\", got nan");
}

TEST_CASE("options of an alarm are read and written by name; files with one value still are") {
  const AlarmOptions options{.value = 40, .probability = 0.25, .horizon = 2, .values = {{"a", 30}, {"b c", 50.5}}};
  AlarmOptions back;
  from_config(to_config(options), "alarm", back);
  CHECK(back.values == options.values);
  CHECK(back.value == 40);
  const Config plain = to_config(AlarmOptions{.value = 7});
  CHECK(plain.find("values") == nullptr);
  from_config(plain, "alarm", back);
  CHECK(back.value == 7);
  CHECK(back.values.empty());
  CHECK_THROWS_WITH(from_config(Config(plain).set("values", Config{}.set("a", "low")), "alarm", back),
                    Catch::Matchers::Contains("alarm values a"));
  CHECK_THROWS_AS(from_config(Config(plain).set("values", 3.0), "alarm", back), ConfigError);
}

TEST_CASE("the warning of one window is what raise_alarms raises") {
  const std::vector<Index> horizons = {1, 2};
  const std::vector<Scalar> chances = {Scalar(0.25), Scalar(0.75)};
  const auto state = [&](double last, const AlarmOptions& options) {
    return std::string(name_of(warning_of(chances, last, options, horizons).state));
  };
  CHECK(state(50, {.value = 40}) == "raised");
  CHECK(state(50, {.value = 40, .probability = 0.75}) == "clear");
  CHECK(state(50, {.value = 40, .horizon = 1}) == "clear");
  CHECK(state(30, {.value = 40}) == "reached");
  CHECK(state(std::nan(""), {.value = 40}) == "unknown");
  CHECK(warning_of(chances, 50, {.value = 40}, horizons).probability == 0.75);
  CHECK(warning_of(chances, 50, {.value = 40, .horizon = 1}, horizons).probability == 0.25);
  CHECK(warning_of(std::vector<Scalar>{gap, Scalar(0.5)}, 50, {.value = 40}, horizons).probability == 0.5);
  const Warning nothing = warning_of(std::vector<Scalar>{gap, gap}, 50, {.value = 40}, horizons);
  CHECK(nothing.state == Warning::State::unknown);
  CHECK(std::isnan(nothing.probability));
  CHECK_THROWS_AS(warning_of(std::vector<Scalar>{1}, 50, {.value = 40}, horizons), ShapeError);
  CHECK_THROWS_AS(warning_of(chances, 50, {.value = 40, .horizon = 3}, horizons), ConfigError);
  CHECK_THROWS_AS(AlarmOptions({.probability = 2}).check(horizons), ConfigError);
  const Forecasts forecasts = around(one_jam);
  Matrix all(8, 2);
  all.col(0).setConstant(Scalar(0.4));
  all.col(1) << 1, 0, 1, 0, 1, 0, 1, 0;
  const Matrix raised = raise_alarms(forecasts, all, below_40);
  for (Index window = 0; window < 8; ++window) {
    const Warning warning = warning_of(std::vector<Scalar>{all(window, 0), all(window, 1)},
                                       static_cast<double>(forecasts.last(window, 0)), below_40, forecasts.horizons);
    CHECK((warning.state == Warning::State::raised) == (raised(window, 0) > 0));
  }
}
