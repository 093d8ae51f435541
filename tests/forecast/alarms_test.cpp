#include "maas/forecast/alarms.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/gap.hpp"

using namespace maas;

namespace {

using tests::gap;

/// One sensor every five minutes; the truth follows from the readings.
Forecasts at_horizons(const std::vector<Scalar>& readings, const std::vector<Index>& horizons) {
  const Index windows = static_cast<Index>(readings.size()) - horizons.back();
  Forecasts forecasts{.model = "made", .horizons = horizons, .sensors = {"a"}};
  forecasts.seconds_a_reading = 300;
  forecasts.values = Matrix::Zero(windows, static_cast<Index>(horizons.size()));
  forecasts.truth = forecasts.values;
  forecasts.last.resize(windows, 1);
  for (Index window = 0; window < windows; ++window) {
    forecasts.origins.push_back(window);
    forecasts.last(window, 0) = readings[static_cast<std::size_t>(window)];
    for (std::size_t step = 0; step < horizons.size(); ++step)
      forecasts.truth(window, static_cast<Index>(step)) = readings[static_cast<std::size_t>(window + horizons[step])];
  }
  return forecasts;
}
Forecasts around(const std::vector<Scalar>& readings) { return at_horizons(readings, {1, 2}); }

/// One more window, of forecasts without times.
void append_window(Forecasts& to, const Forecasts& from, Index window) {
  to.origins.push_back(from.origins[static_cast<std::size_t>(window)]);
  for (auto part : {&Forecasts::values, &Forecasts::truth, &Forecasts::last}) {
    Matrix& rows = to.*part;
    rows.conservativeResize(rows.rows() + 1, (from.*part).cols());
    rows.bottomRows(1) = (from.*part).row(window);
  }
}

/// The others, as if time jumped there.
Forecasts without_windows(const Forecasts& forecasts, Index begin, Index end) {
  Forecasts left = forecasts.part({0, begin});
  for (Index window = end; window < forecasts.windows(); ++window) append_window(left, forecasts, window);
  return left;
}

/// Dips below 40 of one to four readings, and readings that are missing.
std::vector<Scalar> jams_and_holes(Index count) {
  std::vector<Scalar> readings;
  for (Index row = 0; row < count; ++row)
    readings.push_back(row % 31 == 5 ? gap : row % 23 < row / 23 % 4 + 1 ? Scalar(30) : Scalar(50));
  return readings;
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

TEST_CASE("an alarm is right where the value is passed between horizons, and one that comes too late is not") {
  // One horizon, three readings ahead, which the dip of reading 3 is for the window of reading 0 alone.
  Forecasts forecasts = at_horizons(one_jam, {3});
  CHECK(forecasts.windows() == 7);
  for (const Index window : {0, 1, 2}) {
    CAPTURE(window);
    const AlarmReport report = judge_alarms(forecasts, alarms_at(7, {window}), below_40);
    CHECK(report.alarms == 1);
    CHECK(report.right == 1);
    CHECK(report.warned == 1);
    CHECK(report.mean_lead_minutes == Approx(5.0 * static_cast<double>(3 - window)));
  }
  CHECK(judge_alarms(forecasts, alarms_at(7, {4}), below_40).right == 0);
  // The last windows have no later ones, but earlier ones that tell.
  forecasts = at_horizons({50, 50, 50, 50, 50, 50, 50, 50, 30, 50}, {3});
  CHECK(judge_alarms(forecasts, alarms_at(7, {6}), below_40).right == 1);
  CHECK(judge_alarms(forecasts, alarms_at(7, {4}), below_40).right == 0);
  // Of horizons that are not looked at, only what came within those that are.
  forecasts = at_horizons(one_jam, {1, 3, 6});
  const AlarmOptions to_3{.value = 40, .horizon = 3};
  CHECK(judge_alarms(forecasts, alarms_at(4, {1}), to_3).right == 1);
  forecasts = at_horizons({50, 50, 50, 50, 50, 30, 50, 50, 50, 50}, {1, 3, 6});
  CHECK(judge_alarms(forecasts, alarms_at(4, {0, 1}), to_3).right == 0);
  CHECK(judge_alarms(forecasts, alarms_at(4, {0, 1}), below_40).right == 1);
}

TEST_CASE("alarms are those that a look at the readings themselves counts") {
  for (const auto& horizons : {std::vector<Index>{1, 2}, {3}, {2, 5, 9}, {1, 2, 3, 6, 12}}) {
    CAPTURE(horizons);
    const std::vector<Scalar> readings = jams_and_holes(400);
    Forecasts forecasts = at_horizons(readings, horizons);
    forecasts = without_windows(forecasts, 100, 130);
    Matrix alarms = Matrix::Zero(forecasts.windows(), 1);
    for (Index window = 0; window < alarms.rows(); ++window)
      alarms(window, 0) = forecasts.last(window, 0) >= 40 && (window * 7 + window / 11) % 5 < 2 ? 1 : 0;
    const AlarmReport found = judge_alarms(forecasts, alarms, below_40);
    const auto falls = [&](Index window) {
      for (Index ahead = 1; ahead <= horizons.back(); ++ahead)
        if (readings[static_cast<std::size_t>(forecasts.origins[static_cast<std::size_t>(window)] + ahead)] < 40)
          return true;
      return false;
    };
    AlarmReport expected;
    bool right = false;
    for (Index window = 0; window < alarms.rows(); ++window) {
      const auto place = static_cast<std::size_t>(window);
      if (!(alarms(window, 0) > 0)) continue;
      const bool goes_on =
          window > 0 && alarms(window - 1, 0) > 0 && forecasts.origins[place] == forecasts.origins[place - 1] + 1;
      expected.alarms += goes_on ? 0 : 1;
      if (goes_on && right) continue;
      right = falls(window);
      expected.right += right ? 1 : 0;
    }
    CHECK(expected.right >= 10);
    CHECK(expected.right < expected.alarms);
    CHECK(found.alarms == expected.alarms);
    CHECK(found.right == expected.right);
    CHECK(found.events > 5);
    CHECK(found.warned <= found.events);
  }
}

TEST_CASE("windows some readings apart are refused, but for those that a gap or series part") {
  const Forecasts all = around(one_jam);
  Forecasts third = all.part({0, 0});
  for (const Index window : {0, 3, 6}) append_window(third, all, window);
  CHECK_THROWS_WITH(
      judge_alarms(third, alarms_at(3, {}), below_40),
      "alarms: expected windows at each reading, as a stride of 1 gives them, got none that are less than "
      "3 readings apart");
  CHECK_THROWS_AS(judge_alarms(third, alarms_at(3, {}), below_40), ConfigError);
  Forecasts parted = third;
  parted.series = {"a", "b", "c"};
  CHECK_NOTHROW(judge_alarms(parted, alarms_at(3, {}), below_40));
  parted.series = {"a", "a", "c"};
  CHECK_THROWS_AS(judge_alarms(parted, alarms_at(3, {}), below_40), ConfigError);
  parted = third;
  parted.times = {0, 9000, 18000};
  CHECK_NOTHROW(judge_alarms(parted, alarms_at(3, {}), below_40));
  parted.times = {0, 9000, 9900};
  CHECK_THROWS_AS(judge_alarms(parted, alarms_at(3, {}), below_40), ConfigError);
  CHECK_NOTHROW(judge_alarms(third.part({1, 2}), alarms_at(1, {}), below_40));
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
