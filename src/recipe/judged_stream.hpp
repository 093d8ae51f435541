// What forecasts are worth that never stand in memory together: coverage of intervals, and the last of them to be
// drawn.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "maas/forecast/alarm_judge-inl.hpp"
#include "maas/forecast/forecaster.hpp"
#include "maas/recipe/evaluation.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// How many windows intervals are calibrated on at most where they keep all errors: of more one in so many, scattered.
inline constexpr Index most_calibration_windows = 10000;

/// Intervals that are calibrated on windows block by block: with `window` the last so many errors of each sensor and
/// horizon, as ConformalIntervals::calibrate keeps them; else those of at most 10 000 windows.
struct CalibratedIntervals {
  ConformalIntervals wanted;                               ///< by the options
  ConformalIntervals plain;                                ///< of the same coverage, which follow nothing
  std::optional<ConformalIntervals> naive = std::nullopt;  ///< of persistence, by the options, to judge alarms beside
};
/// Throws DataError where a sensor and horizon has no error at all, and what Forecaster::forecast throws.
CalibratedIntervals calibrate_in_blocks(const IntervalOptions& options, const Forecaster& forecaster,
                                        const StreamedWindows& windows);
/// Those of persistence by the options, as calibrate_naive makes them of windows in memory.
std::optional<ConformalIntervals> calibrate_naive_in_blocks(const IntervalOptions& options,
                                                            const StreamedWindows& windows);

/// How often intervals hold what came, as judge_intervals tells of all forecasts together.
class RunningCoverage {
 public:
  /// `follows`: before each window they are told what has come by its origin.
  RunningCoverage(std::string kind, const ConformalIntervals& calibrated, bool follows)
      : kind_(std::move(kind)), intervals_(calibrated), follows_(follows) {}

  /// Takes the next forecasts, whose origins are rows of all readings, and gives the intervals around them; with
  /// `values_below`, one a sensor, also the chances of readings below them, as they stood.
  Intervals add(const Forecasts& block, std::span<const double> values_below = {}, Matrix* chances = nullptr);
  /// A line a horizon, and one of all.
  std::vector<IntervalCoverage> lines() const;

 private:
  struct Sums {
    double width = 0;
    Index within = 0, count = 0;

    void add(double low, double high, double reading);
    Coverage coverage() const;
  };
  /// A window of which not all is known yet.
  struct Open {
    Index origin = 0;
    std::size_t told = 0;  // of its steps
    Matrix values, truth;  // one row
  };
  void tell(Index now, const Forecasts& block);

  std::string kind_;
  ConformalIntervals intervals_;
  bool follows_;
  std::vector<Index> horizons_;
  double seconds_ = 0;
  std::vector<Sums> of_step_;
  Sums all_;
  std::deque<Open> open_;
};

/// What alarms are worth, as judge_alarms tells of all forecasts together.
class RunningAlarms {
 public:
  explicit RunningAlarms(AlarmOptions options) : options_(std::move(options)), judge_(options_) {}

  /// Takes the next forecasts, of windows at each reading, whose origins are rows of all readings, with the chances
  /// that alarms go by.
  void add(const Forecasts& block, MatrixArg chances) { judge_.add(block, raise_alarms(block, chances, options_)); }
  AlarmReport report() const { return judge_.report(); }

 private:
  AlarmOptions options_;
  detail::AlarmJudge judge_;
};

/// The last windows of forecasts that come block by block, for drawings: at most a week of five minutes, and a million
/// numbers.
class LastForecasts {
 public:
  void add(const Forecasts& block, const std::optional<Intervals>& around);
  /// Nothing where nothing came.
  const std::optional<Forecasts>& forecasts() const { return forecasts_; }
  const std::optional<Intervals>& intervals() const { return intervals_; }
  /// How many windows came in all.
  Index windows() const { return windows_; }

 private:
  std::optional<Forecasts> forecasts_;
  std::optional<Intervals> intervals_;
  Index windows_ = 0;
};

/// All of it, in one pass; naive alarms take another one, and so do alarms of windows that are no more than one in
/// `stride` readings, as these are judged at each reading.
struct JudgedStream {
  std::vector<IntervalCoverage> coverage = {};
  std::optional<AlarmReport> alarms = std::nullopt;        ///< where the forecaster has an alarm
  std::optional<AlarmReport> naive_alarms = std::nullopt;  ///< and there are naive intervals: those of persistence
  LastForecasts last = {};

  /// What a page says of its drawings where they do not show all; empty where they do.
  std::string note() const;
};
/// `intervals` of the forecaster, if there are some; `also` is shown the forecasts of each block.
JudgedStream judge_in_blocks(const Forecaster& forecaster, const StreamedWindows& windows,
                             const std::optional<CalibratedIntervals>& intervals,
                             const std::function<void(const Forecasts& block)>& also = {});

}  // namespace maas::inline MAAS_ABI::recipe
