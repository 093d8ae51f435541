// The model behind make_traffic: demand, a bottleneck with a queue, a detector.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "maas/core/random.hpp"
#include "maas/data/times.hpp"
#include "maas/data/traffic.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Everything is counted in whole numbers: vehicles in thousandths, shares in thousandths.
using Whole = std::int64_t;

inline constexpr Whole readings_a_day = 288;

/// A corner of the line that demand follows over a day.
struct DemandCorner {
  Whole reading;  // of the day
  Whole share;    // of the capacity
};

inline constexpr std::array<DemandCorner, 13> workday_demand{{{0, 90},
                                                              {36, 40},
                                                              {60, 130},
                                                              {76, 500},
                                                              {92, 1070},
                                                              {104, 970},
                                                              {118, 620},
                                                              {168, 600},
                                                              {190, 780},
                                                              {206, 1090},
                                                              {220, 930},
                                                              {246, 380},
                                                              {288, 90}}};
inline constexpr std::array<DemandCorner, 7> weekend_demand{
    {{0, 140}, {54, 40}, {96, 220}, {138, 620}, {204, 660}, {246, 380}, {288, 120}}};

inline Whole demand_share(std::span<const DemandCorner> corners, Whole reading) {
  std::size_t next = 1;
  while (reading > corners[next].reading) ++next;
  const DemandCorner &from = corners[next - 1], &to = corners[next];
  return from.share + (to.share - from.share) * (reading - from.reading) / (to.reading - from.reading);
}

/// The largest whole number whose square is not above n.
inline Whole whole_root(Whole n) {
  Whole root = 0;
  for (Whole bit = Whole{1} << 24; bit > 0; bit /= 2)
    if ((root + bit) * (root + bit) <= n) root += bit;
  return root;
}

/// Draws whole numbers one after the other.
class Dice {
 public:
  explicit Dice(const Random& random) : random_(random) {}

  /// From 0 to bound - 1.
  Whole below(Whole bound) { return static_cast<Whole>(random_.below(drawn_++, static_cast<std::uint64_t>(bound))); }
  /// From low to high, both included.
  Whole between(Whole low, Whole high) { return low + below(high - low + 1); }
  /// About normal, with mean 0 and standard deviation 1000: the sum of twelve uniform numbers less its mean.
  Whole bell() {
    Whole sum = -6000;
    for (int i = 0; i < 12; ++i) sum += between(0, 1000);
    return sum;
  }
  /// True with a probability given in millionths.
  bool happens(Whole millionths) { return below(1000000) < millionths; }

 private:
  Random random_;
  std::uint64_t drawn_ = 0;
};

struct Reading {
  Whole flow = 0;   // vehicles
  Whole speed = 0;  // km/h
};

/// The road, reading by reading.
class Road {
 public:
  Road(const TrafficOptions& options, Whole incident_chance)
      : capacity_(static_cast<Whole>(options.capacity) * 1000),
        incident_chance_(incident_chance),
        demand_dice_(Random(options.seed).stream(1)),
        incident_dice_(Random(options.seed).stream(2)),
        detector_dice_(Random(options.seed).stream(3)) {}

  /// The next reading; `weekday` 0 is Monday.
  Reading next(Whole reading_of_day, Whole weekday) {
    if (reading_of_day == 0 || reading_ == 0) begin_day();
    ++reading_;
    const Whole arriving = demand(reading_of_day, weekday);
    return seen_by_detector(pass_bottleneck(arriving));
  }

 private:
  void begin_day() {
    day_factor_ = 1000 + demand_dice_.bell() * 45 / 1000;
    day_shift_ = demand_dice_.between(-3, 3);
  }

  /// Vehicles that arrive, in thousandths.
  Whole demand(Whole reading, Whole weekday) {
    const Whole shifted = std::clamp<Whole>(reading + day_shift_, 0, readings_a_day);
    const bool workday = weekday < 5;
    const Whole share = workday ? demand_share(workday_demand, shifted) : demand_share(weekend_demand, shifted);
    drift_ = drift_ * 9 / 10 + demand_dice_.bell() * 16 / 1000;
    return capacity_ * share / 1000 * day_factor_ / 1000 * std::max<Whole>(1000 + drift_, 500) / 1000;
  }

  /// Moves what it can of the queue and the arriving vehicles; gives vehicles passed (thousandths) and the speed.
  Reading pass_bottleneck(Whole arriving) {
    if (incident_left_ > 0)
      --incident_left_;
    else if (incident_dice_.happens(incident_chance_)) {
      incident_left_ = incident_dice_.between(4, 15);
      incident_share_ = incident_dice_.between(350, 750);
    }
    // A queue once formed dissolves more slowly than it would not have formed: 5 % of the capacity is lost to it.
    Whole open = queue_ > 0 ? capacity_ * 95 / 100 : capacity_;
    if (incident_left_ > 0) open = open * incident_share_ / 1000;
    const Whole passed = std::min(queue_ + arriving, open);
    queue_ += arriving - passed;
    const Whole load = passed * 1000 / capacity_;
    const Whole free_speed = 104 - 22 * load / 1000 * load / 1000;
    return {passed, free_speed * (2 * capacity_) / (2 * capacity_ + queue_)};
  }

  /// Whole vehicles with the scatter of counting, speed with that of measuring.
  Reading seen_by_detector(const Reading& real) {
    const Whole scatter = whole_root(real.flow * 1000) * detector_dice_.bell() / 1000 / 2;
    return {std::max<Whole>((real.flow + scatter + 500) / 1000, 0),
            std::max<Whole>((real.speed * 1000 + detector_dice_.bell() * 2 + 500) / 1000, 5)};
  }

  Whole capacity_, incident_chance_;
  Dice demand_dice_, incident_dice_, detector_dice_;
  Whole reading_ = 0, day_factor_ = 1000, day_shift_ = 0, drift_ = 0;
  Whole queue_ = 0, incident_left_ = 0, incident_share_ = 1000;
};

/// When the detector fails, and how.
class Failures {
 public:
  Failures(std::uint64_t seed, Whole chance) : dice_(Random(seed).stream(4)), chance_(chance) {}

  enum class State { works, silent, absent };
  State next() {
    if (left_ == 0 && dice_.happens(chance_)) {
      const bool long_one = dice_.below(6) == 0;
      left_ = long_one ? dice_.between(6, 72) : dice_.between(1, 4);
      state_ = long_one ? State::absent : State::silent;
    }
    if (left_ == 0) return State::works;
    --left_;
    return state_;
  }

 private:
  Dice dice_;
  Whole chance_, left_ = 0;
  State state_ = State::works;
};

/// Millionths a reading, of so many events a day.
inline Whole chance_of(double events_a_day) {
  return static_cast<Whole>(std::llround(events_a_day * 1e6 / static_cast<double>(readings_a_day)));
}

inline void check_traffic(const TrafficOptions& options) {
  require<ConfigError>(options.days >= 1, "make_traffic: expected at least 1 day, got {}", options.days);
  require<ConfigError>(options.capacity >= 1 && options.capacity <= 1000000,
                       "make_traffic: expected a capacity of 1 to 1000000 vehicles, got {}", options.capacity);
  require<ConfigError>(options.incidents_a_day >= 0 && options.gaps_a_day >= 0 && options.incidents_a_day <= 288 &&
                           options.gaps_a_day <= 288,
                       "make_traffic: expected rates of 0 to 288 a day, got {} incidents and {} gaps",
                       options.incidents_a_day, options.gaps_a_day);
  require<ConfigError>(std::isfinite(options.start), "make_traffic: expected a finite start, got {}", options.start);
}

}  // namespace detail

MAAS_INLINE Table make_traffic(const TrafficOptions& options) {
  detail::check_traffic(options);
  detail::Road road(options, detail::chance_of(options.incidents_a_day));
  detail::Failures failures(options.seed, detail::chance_of(options.gaps_a_day));
  Column times{.name = "time", .type = ColumnType::time}, flow{.name = "flow"}, speed{.name = "speed"};
  constexpr double step = 5 * seconds_a_minute;
  for (Index i = 0; i < options.days * detail::readings_a_day; ++i) {
    const double time = options.start + static_cast<double>(i) * step;
    const double day = std::floor(time / seconds_a_day);
    const auto reading_of_day = static_cast<detail::Whole>((time - day * seconds_a_day) / step);
    const auto weekday = static_cast<detail::Whole>(day - 7 * std::floor((day - 4) / 7) - 4);  // 1970-01-05: Monday
    const detail::Reading reading = road.next(reading_of_day, weekday);
    const auto state = failures.next();
    if (state == detail::Failures::State::absent) continue;
    const bool silent = state == detail::Failures::State::silent;
    constexpr double missing = std::numeric_limits<double>::quiet_NaN();
    times.numbers.push_back(time);
    flow.numbers.push_back(silent ? missing : static_cast<double>(reading.flow));
    speed.numbers.push_back(silent ? missing : static_cast<double>(reading.speed));
  }
  Table table;
  table.add(std::move(times));
  table.add(std::move(flow));
  table.add(std::move(speed));
  return table;
}

}  // namespace maas::inline MAAS_ABI
