// The judge of alarms, whether windows come all at once or block by block.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "maas/data/times.hpp"
#include "maas/forecast/alarms.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// How many of the horizons are looked at.
inline Index watched_steps(const std::vector<Index>& horizons, const AlarmOptions& options) {
  require<ConfigError>(options.probability >= 0 && options.probability <= 1,
                       "alarms: expected a probability from 0 to 1, got {}", options.probability);
  require<ConfigError>(std::isfinite(options.value), "alarms: expected a finite value, got {}", options.value);
  for (const auto& [name, value] : options.values)
    require<ConfigError>(std::isfinite(value), "alarms: expected a finite value of \"{}\", got {}", name, value);
  const auto steps = static_cast<Index>(horizons.size());
  return options.horizon == 0 ? steps : Forecasts{.horizons = horizons}.step_of(options.horizon) + 1;
}

/// What alarms are worth, as judge_alarms tells it. A window is judged once all is known that came within the horizon
/// of it, which later windows tell where horizons have holes: so many windows are kept, and no more.
class AlarmJudge {
 public:
  explicit AlarmJudge(AlarmOptions options) : options_(std::move(options)) {}

  /// Takes the next windows, at each reading, whose origins are rows of all readings, with what raise_alarms gives for
  /// them.
  void add(const Forecasts& block, MatrixArg alarms);
  /// Of all windows that came.
  AlarmReport report() const;

 private:
  /// Where one sensor stands.
  struct Sensor {
    double value = 0;
    std::set<Index> below = {};  // rows of readings below the value, behind the origins that are judged
    bool in_alarm = false, right = false;
  };
  /// A window that is not judged yet, and that an event may still look back to.
  struct Seen {
    Index origin = 0;
    bool follows = false;                             // on the window before
    std::vector<bool> is_above = {}, is_raised = {};  // of each sensor: whether its last reading is not below the value
  };
  void begin(const Forecasts& block);
  void note_readings(const Forecasts& block, Index window, Index origin);
  void count_events(const Forecasts& block, Index window, const Seen& now);
  Index lead_of(Index event, std::size_t sensor) const;
  void judge_first();
  void finish(const Sensor& sensor);

  AlarmOptions options_;
  std::vector<Sensor> sensors_;
  std::deque<Seen> seen_;
  AlarmReport sums_;
  Index reach_ = 0, windows_ = 0;
  double lead_readings_ = 0, seconds_ = 0;
};

inline void AlarmJudge::begin(const Forecasts& block) {
  for (double value : options_.values_of(block.sensors)) sensors_.push_back({.value = value});
  reach_ = block.horizons[static_cast<std::size_t>(watched_steps(block.horizons, options_) - 1)];
  seconds_ = block.seconds_a_reading;
}

/// Every reading that a window knows of, before it or behind it.
inline void AlarmJudge::note_readings(const Forecasts& block, Index window, Index origin) {
  for (std::size_t sensor = 0; sensor < sensors_.size(); ++sensor) {
    auto& [value, below, in_alarm, right] = sensors_[sensor];
    const auto place = static_cast<Index>(sensor);
    if (static_cast<double>(block.last(window, place)) < value) below.insert(origin);
    for (std::size_t step = 0; step < block.horizons.size(); ++step)
      if (static_cast<double>(block.truth(window, block.column(static_cast<Index>(step), place))) < value)
        below.insert(origin + block.horizons[step]);
  }
}

/// Readings from the first window that warned of an event to it; 0 where none did.
inline Index AlarmJudge::lead_of(Index event, std::size_t sensor) const {
  Index lead = 0;
  for (auto past = seen_.rbegin(); past != seen_.rend() && event - past->origin <= reach_; ++past) {
    if (!past->is_above[sensor]) break;  // the event before
    if (past->is_raised[sensor]) lead = event - past->origin;
  }
  return lead;
}

inline void AlarmJudge::count_events(const Forecasts& block, Index window, const Seen& now) {
  if (!now.follows) return;
  for (std::size_t sensor = 0; sensor < sensors_.size(); ++sensor) {
    const auto last = static_cast<double>(block.last(window, static_cast<Index>(sensor)));
    if (!seen_.back().is_above[sensor] || !(last < sensors_[sensor].value)) continue;
    ++sums_.events;
    if (const Index lead = lead_of(now.origin, sensor); lead > 0) {
      ++sums_.warned;
      lead_readings_ += static_cast<double>(lead);
    }
  }
}

inline void AlarmJudge::finish(const Sensor& sensor) {
  ++sums_.alarms;
  sums_.right += sensor.right ? 1 : 0;
}

/// The first of the windows that are kept, which goes then.
inline void AlarmJudge::judge_first() {
  const Seen& window = seen_.front();
  for (std::size_t i = 0; i < sensors_.size(); ++i) {
    Sensor& sensor = sensors_[i];
    const bool goes_on = sensor.in_alarm && window.follows && window.is_raised[i];
    if (sensor.in_alarm && !goes_on) finish(sensor);
    sensor.below.erase(sensor.below.begin(), sensor.below.upper_bound(window.origin));
    const bool falls = !sensor.below.empty() && *sensor.below.begin() <= window.origin + reach_;
    sensor.right = window.is_raised[i] && ((goes_on && sensor.right) || falls);
    sensor.in_alarm = window.is_raised[i];
  }
  seen_.pop_front();
}

inline void AlarmJudge::add(const Forecasts& block, MatrixArg alarms) {
  if (sensors_.empty()) begin(block);
  for (Index window = 0; window < block.windows(); ++window) {
    Seen now{.origin = block.origins[static_cast<std::size_t>(window)]};
    now.follows = !seen_.empty() && now.origin == seen_.back().origin + 1;
    for (std::size_t sensor = 0; sensor < sensors_.size(); ++sensor) {
      const auto place = static_cast<Index>(sensor);
      now.is_above.push_back(static_cast<double>(block.last(window, place)) >= sensors_[sensor].value);
      now.is_raised.push_back(alarms(window, place) > 0);
    }
    note_readings(block, window, now.origin);
    count_events(block, window, now);
    while (!seen_.empty() && now.origin - seen_.front().origin > reach_) judge_first();
    seen_.push_back(std::move(now));
    ++windows_;
  }
}

inline AlarmReport AlarmJudge::report() const {
  AlarmJudge done = *this;
  while (!done.seen_.empty()) done.judge_first();
  for (const Sensor& sensor : done.sensors_)
    if (sensor.in_alarm) done.finish(sensor);
  AlarmReport report = done.sums_;
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const auto share = [&](Index part, Index all) {
    return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : none;
  };
  const double seconds = seconds_ > 0 ? seconds_ : none;
  report.days = static_cast<double>(windows_) * seconds / seconds_a_day;
  report.precision = share(report.right, report.alarms);
  report.recall = share(report.warned, report.events);
  report.false_alarms_a_day = static_cast<double>(report.alarms - report.right) / report.days;
  report.mean_lead_minutes =
      report.warned > 0 ? lead_readings_ / static_cast<double>(report.warned) * seconds / seconds_a_minute : none;
  return report;
}

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
