// WindowParts: training windows that come part by part, as often as they are asked for.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "maas/forecast/readings.hpp"

namespace maas::inline MAAS_ABI {

/// Windows to learn from of which not all need be in memory at once. Parts follow each other in order of time: each has
/// the windows whose origin lies in it, and readings around: the lags before, the horizons behind. What is learned of
/// them does not depend on where one part ends and the next one begins.
class WindowParts {
 public:
  /// Told of a part, and which row of all readings its first one is.
  using Visit = std::function<void(const ForecastWindows& part, Index first)>;
  /// Tells of all parts that have a window, in order.
  using Pass = std::function<void(const Visit& visit)>;

  /// What all parts have in common.
  struct Facts {
    ForecastWindowOptions windows = {};
    Index sensors = 0;             ///< how many
    double seconds_a_reading = 0;  ///< 0 where it is not known
    bool has_times = false;
  };

  /// Windows that are in memory: one part. Throws DataError where their readings are held out.
  explicit WindowParts(const ForecastWindows& whole)
      : facts_{.windows = whole.options(),
               .sensors = whole.readings().sensor_count(),
               .seconds_a_reading = whole.seconds_a_reading(),
               .has_times = !whole.readings().times.empty()},
        pass_([whole](const Visit& visit) { visit(whole, 0); }) {
    detail::require_training("baselines", whole.readings());
  }
  /// Windows that come from elsewhere: `pass` may be called any number of times, and tells the same parts each time.
  WindowParts(Facts facts, Pass pass) : facts_(std::move(facts)), pass_(std::move(pass)) {}

  const Facts& facts() const { return facts_; }
  Index steps() const { return static_cast<Index>(facts_.windows.horizons.size()); }
  /// Calls `visit` for all parts, in order. Throws DataError where a part is held out: these are windows to learn from.
  void for_each(const Visit& visit) const {
    pass_([&](const ForecastWindows& part, Index first) {
      detail::require_training("baselines", part.readings());
      visit(part, first);
    });
  }

 private:
  Facts facts_;
  Pass pass_;
};

namespace detail {

/// Readings that lie in a window or are a target of one, each of them once and in order, whatever parts they come in.
class UsedReadings {
 public:
  /// Told of a reading: its time (0 where there is none) and its row of all sensors.
  using Visit = std::function<void(double time, const Scalar* values)>;

  explicit UsedReadings(Visit visit) : visit_(std::move(visit)) {}

  void add(const ForecastWindows& part, Index first);
  /// What is left at the end of a pass.
  void finish() { report_before(std::numeric_limits<Index>::max()); }

 private:
  struct Kept {
    double time;
    std::vector<Scalar> values;
  };
  void report_before(Index row);

  Visit visit_;
  std::map<Index, Kept> kept_;  // behind the last origin's lags, where the next part may have some between them
  Index done_ = 0;              // the rows before it are over
};

/// Which readings lie in a window or are a target of one: others are not of the training part.
std::vector<bool> rows_of_windows(const ForecastWindows& windows);

}  // namespace detail

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/forecast/window_parts-inl.hpp"
#endif
