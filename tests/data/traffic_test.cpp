#include "maas/data/traffic.hpp"

#include <cmath>
#include <cstdint>

#include "maas/data/times.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

/// A figure of all cells that changes when any of them does.
std::uint64_t signature(const Table& table) {
  std::uint64_t sum = 0;
  for (Index row = 0; row < table.rows(); ++row)
    for (Index column = 0; column < table.columns(); ++column) {
      const double cell = table.column(column).numbers[static_cast<std::size_t>(row)];
      sum = sum * 6364136223846793005u + (std::isnan(cell) ? 999999u : static_cast<std::uint64_t>(cell));
    }
  return sum;
}

/// The mean of a column over the readings that a rule picks by weekday (0 = Monday) and hour.
template <class Rule>
double mean_where(const Table& table, const char* column, Rule rule) {
  double sum = 0;
  Index count = 0;
  for (Index row = 0; row < table.rows(); ++row) {
    const double time = table.times("time")[static_cast<std::size_t>(row)];
    const double value = table.numbers(column)[static_cast<std::size_t>(row)];
    const double hour = std::fmod(time, 86400) / 3600;
    const int weekday = static_cast<int>(std::fmod(time / 86400 - 4, 7));
    if (std::isnan(value) || !rule(weekday, hour)) continue;
    sum += value;
    ++count;
  }
  REQUIRE(count > 0);
  return sum / static_cast<double>(count);
}

}  // namespace

TEST_CASE("made-up traffic has the same numbers on every machine") {
  const Table table = make_traffic();
  CHECK(table.rows() == 17041);
  CHECK(signature(table) == 1400012707699161016u);
  CHECK(signature(make_traffic({.days = 3, .seed = 7})) == signature(make_traffic({.days = 3, .seed = 7})));
  CHECK(signature(make_traffic({.days = 3, .seed = 7})) != signature(make_traffic({.days = 3, .seed = 8})));
}

TEST_CASE("made-up traffic has rush hours on working days, quiet nights, queues and gaps") {
  const Table table = make_traffic();
  const auto workday = [](double from, double to) {
    return [=](int weekday, double hour) { return weekday < 5 && hour >= from && hour < to; };
  };
  const double night = mean_where(table, "flow", workday(2, 4)), morning = mean_where(table, "flow", workday(7, 9));
  const double noon = mean_where(table, "flow", workday(11, 13));
  const double weekend_morning =
      mean_where(table, "flow", [](int weekday, double hour) { return weekday >= 5 && hour >= 7 && hour < 9; });
  CHECK(morning > 5 * night);
  CHECK(morning > 1.2 * noon);
  CHECK(morning > 2 * weekend_morning);
  CHECK(mean_where(table, "speed", workday(17, 19)) < 0.8 * mean_where(table, "speed", workday(2, 4)));

  Index missing = 0, jumps = 0, slow = 0;
  const std::vector<double>&times = table.times("time"), &flow = table.numbers("flow"), &speed = table.numbers("speed");
  for (std::size_t i = 0; i < flow.size(); ++i) {
    missing += std::isnan(flow[i]);
    slow += speed[i] < 50;
    jumps += i > 0 && times[i] - times[i - 1] != 300;
    CHECK(std::isnan(flow[i]) == std::isnan(speed[i]));
    CHECK_FALSE(flow[i] < 0);
    CHECK_FALSE(speed[i] < 5);
  }
  CHECK(missing > 20);
  CHECK(jumps > 2);
  CHECK(slow > 100);
}

TEST_CASE("made-up traffic without failures has every reading") {
  const Table table = make_traffic({.days = 2, .start = 1451865600, .gaps_a_day = 0});
  CHECK(table.rows() == 2 * 288);
  CHECK(format_time(table.times("time").front()) == "2016-01-04 00:00");
  CHECK(format_time(table.times("time").back()) == "2016-01-05 23:55");
}

TEST_CASE("made-up traffic refuses options out of range") {
  CHECK_THROWS_AS(make_traffic({.days = 0}), ConfigError);
  CHECK_THROWS_AS(make_traffic({.capacity = 0}), ConfigError);
  CHECK_THROWS_AS(make_traffic({.incidents_a_day = -1}), ConfigError);
  CHECK_THROWS_AS(make_traffic({.gaps_a_day = NAN}), ConfigError);
  CHECK_THROWS_AS(make_traffic({.start = INFINITY}), ConfigError);
}
