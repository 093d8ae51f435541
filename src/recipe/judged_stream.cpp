#include "recipe/judged_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "maas/forecast/drift.hpp"
#include "recipe/naive.hpp"

namespace maas::inline MAAS_ABI::recipe {

// ---- Calibration ----

namespace {

/// Errors of some columns, in the order in which they came.
class ErrorColumns {
 public:
  /// 0: all are kept, else at least the last so many.
  explicit ErrorColumns(Index most) : most_(static_cast<std::size_t>(most)) {}

  void add(const Forecasts& forecasts, Index window) {
    columns_.resize(static_cast<std::size_t>(forecasts.values.cols()));
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      const auto place = static_cast<Index>(column);
      const auto error = static_cast<Scalar>(static_cast<double>(forecasts.truth(window, place)) -
                                             static_cast<double>(forecasts.values(window, place)));
      std::vector<Scalar>& errors = columns_[column];
      if (!std::isnan(error)) errors.push_back(error);
      if (most_ > 0 && errors.size() >= 2 * most_)
        errors.erase(errors.begin(), errors.end() - static_cast<std::ptrdiff_t>(most_));
    }
  }

  ConformalIntervals intervals(const IntervalOptions& options) const {
    std::size_t longest = 0;
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      require<DataError>(!columns_[column].empty(), "intervals: expected errors to calibrate on, got none in column {}",
                         column);
      longest = std::max(longest, kept(columns_[column]));
    }
    require<DataError>(!columns_.empty(), "intervals: expected forecasts to calibrate on, got none");
    Matrix errors = Matrix::Constant(static_cast<Index>(longest), static_cast<Index>(columns_.size()),
                                     std::numeric_limits<Scalar>::quiet_NaN());
    for (std::size_t column = 0; column < columns_.size(); ++column)
      std::copy(columns_[column].end() - static_cast<std::ptrdiff_t>(kept(columns_[column])), columns_[column].end(),
                errors.col(static_cast<Index>(column)).begin());
    const std::vector<double> alphas(columns_.size(), 1 - options.coverage);
    return ConformalIntervals(options).restored(alphas, errors);
  }

 private:
  std::size_t kept(const std::vector<Scalar>& errors) const {
    return most_ > 0 ? std::min(errors.size(), most_) : errors.size();
  }

  std::size_t most_;
  std::vector<std::vector<Scalar>> columns_;
};

Index count_windows(const StreamedWindows& windows) {
  Index count = 0;
  windows.for_each([&](const ForecastWindows& part, Index) { count += part.size(); });
  return count;
}

/// Errors of forecasts that come block by block, as intervals of these options keep them.
class CalibrationErrors {
 public:
  CalibrationErrors(const IntervalOptions& options, Index windows)
      : options_(options), picked_(DriftReference::looked_at(windows)), some_(0), last_(options.window) {}

  void add(const Forecasts& block) {
    for (Index i = 0; i < block.windows(); ++i, ++window_) {
      if (options_.window > 0) last_.add(block, i);
      if (next_ == picked_.size() || picked_[next_] != window_) continue;
      some_.add(block, i);
      ++next_;
    }
  }
  ConformalIntervals wanted() const { return (options_.window > 0 ? last_ : some_).intervals(options_); }
  ConformalIntervals plain() const { return some_.intervals({.coverage = options_.coverage}); }

 private:
  IntervalOptions options_;
  std::vector<Index> picked_;  // of more than 10 000 windows
  ErrorColumns some_, last_;
  Index window_ = 0;
  std::size_t next_ = 0;
};

}  // namespace

CalibratedIntervals calibrate_in_blocks(const IntervalOptions& options, const Forecaster& forecaster,
                                        const StreamedWindows& windows) {
  CalibrationErrors errors(options, count_windows(windows));
  forecaster.forecast(windows, [&](const Forecasts& block) { errors.add(block); });
  return {.wanted = errors.wanted(), .plain = errors.plain()};
}

std::optional<ConformalIntervals> calibrate_naive_in_blocks(const IntervalOptions& options,
                                                            const StreamedWindows& windows) {
  CalibrationErrors errors(options, count_windows(windows));
  naive_forecasts(windows, [&](const Forecasts& block) { errors.add(block); });
  try {
    return errors.wanted();
  } catch (const DataError&) {
    return std::nullopt;
  }
}

// ---- Coverage ----

void RunningCoverage::Sums::add(double low, double high, double reading) {
  if (std::isnan(reading) || std::isnan(low) || std::isnan(high)) return;
  within += reading >= low && reading <= high ? 1 : 0;
  width += high - low;
  ++count;
}

Coverage RunningCoverage::Sums::coverage() const {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const auto n = static_cast<double>(count);
  return {.share = count > 0 ? static_cast<double>(within) / n : none,
          .mean_width = count > 0 ? width / n : none,
          .count = count};
}

// What has come by `now`, step by step, as ConformalIntervals::follow tells it.
void RunningCoverage::tell(Index now, const Forecasts& block) {
  const auto sensors = static_cast<Index>(block.sensors.size());
  for (std::size_t step = 0; step < horizons_.size(); ++step)
    for (Open& past : open_) {
      if (past.origin + horizons_[step] > now) break;
      if (past.told != step) continue;
      for (Index sensor = 0; sensor < sensors; ++sensor) {
        const Index column = block.column(static_cast<Index>(step), sensor);
        intervals_.tell(column, static_cast<double>(past.values(0, column)),
                        static_cast<double>(past.truth(0, column)));
      }
      ++past.told;
    }
  while (!open_.empty() && open_.front().told == horizons_.size()) open_.pop_front();
}

Intervals RunningCoverage::add(const Forecasts& block, std::span<const double> values_below, Matrix* chances) {
  if (of_step_.empty()) {
    horizons_ = block.horizons;
    seconds_ = block.seconds_a_reading;
    of_step_.resize(horizons_.size());
  }
  Intervals around = intervals_.around(block.values);
  if (chances != nullptr) *chances = intervals_.chance_below(block.values, values_below);
  const auto sensors = static_cast<Index>(block.sensors.size());
  for (Index window = 0; window < block.windows(); ++window) {
    if (follows_) {
      const Index origin = block.origins[static_cast<std::size_t>(window)];
      tell(origin, block);
      const Intervals now = intervals_.around(block.values.row(window));
      around.lower.row(window) = now.lower.row(0);
      around.upper.row(window) = now.upper.row(0);
      if (chances != nullptr)
        chances->row(window) = intervals_.chance_below(block.values.row(window), values_below).row(0);
      open_.push_back({origin, 0, block.values.row(window), block.truth.row(window)});
    }
    for (Index column = 0; column < block.values.cols(); ++column) {
      const auto low = static_cast<double>(around.lower(window, column)),
                 high = static_cast<double>(around.upper(window, column)),
                 reading = static_cast<double>(block.truth(window, column));
      of_step_[static_cast<std::size_t>(column / sensors)].add(low, high, reading);
      all_.add(low, high, reading);
    }
  }
  return around;
}

std::vector<IntervalCoverage> RunningCoverage::lines() const {
  std::vector<IntervalCoverage> found;
  const auto add_line = [&](const std::string& name, const Sums& sums) {
    const Coverage got = sums.coverage();
    found.push_back({kind_ + ", " + name, intervals_.options().coverage, got.share, got.mean_width});
  };
  for (std::size_t step = 0; step < of_step_.size(); ++step)
    add_line(horizon_text(horizons_[step], seconds_), of_step_[step]);
  add_line("all horizons", all_);
  return found;
}

// ---- Drawings ----

namespace {

void append(Matrix& to, const Matrix& more) {
  to.conservativeResize(to.rows() + more.rows(), more.cols());
  to.bottomRows(more.rows()) = more;
}

// The last windows of both, at most so many.
Forecasts joined(const Forecasts& first, const Forecasts& next, Index most) {
  const Index kept = std::min(first.windows(), std::max<Index>(most - next.windows(), 0));
  Forecasts all = first.part({first.windows() - kept, first.windows()});
  const Forecasts more = next.part({std::max<Index>(next.windows() - most, 0), next.windows()});
  all.origins.insert(all.origins.end(), more.origins.begin(), more.origins.end());
  all.times.insert(all.times.end(), more.times.begin(), more.times.end());
  append(all.values, more.values);
  append(all.truth, more.truth);
  append(all.last, more.last);
  all.marks = {};  // for drawings alone
  return all;
}

}  // namespace

void LastForecasts::add(const Forecasts& block, const std::optional<Intervals>& around) {
  constexpr Index a_week = 2016, numbers = 1 << 20;
  const Index most = std::clamp<Index>(numbers / std::max<Index>(block.values.cols(), 1), 1, a_week);
  const Forecasts none = block.part({0, 0});
  forecasts_ = joined(forecasts_.value_or(none), block, most);
  windows_ += block.windows();
  if (!around) return;
  if (!intervals_) intervals_.emplace();
  for (auto ends : {&Intervals::lower, &Intervals::upper}) {
    append((*intervals_).*ends, (*around).*ends);
    (*intervals_).*ends = Matrix(((*intervals_).*ends).bottomRows(forecasts_->windows()));
  }
}

std::string JudgedStream::note() const {
  if (!last.forecasts() || last.forecasts()->windows() == last.windows()) return "";
  return fmt::format(
      "Drawings and the errors beside them are of the last {} of {} windows; the tables of scores and coverage are of "
      "all.",
      last.forecasts()->windows(), last.windows());
}

namespace {

bool follows(const ConformalIntervals& intervals) {
  return intervals.options().rate > 0 || intervals.options().window > 0;
}

using Visit = std::function<void(const Forecasts& block)>;

// By the chances of calibrated intervals; `forecast` shows what it is given the forecasts of each block.
AlarmReport judge_alarms_in_blocks(const ConformalIntervals& calibrated, const AlarmOptions& options,
                                   const std::function<void(const Visit& visit)>& forecast) {
  RunningCoverage intervals("alarms", calibrated, follows(calibrated));
  RunningAlarms alarms(options);
  forecast([&](const Forecasts& block) {
    Matrix chances;
    intervals.add(block, options.values_of(block.sensors), &chances);
    alarms.add(block, chances);
  });
  return alarms.report();
}

}  // namespace

JudgedStream judge_in_blocks(const Forecaster& forecaster, const StreamedWindows& windows,
                             const std::optional<CalibratedIntervals>& intervals, const Visit& also) {
  std::optional<RunningCoverage> split, adaptive;
  if (intervals) split.emplace("split", intervals->plain, false);
  if (intervals && follows(intervals->wanted)) adaptive.emplace("adaptive", intervals->wanted, true);
  const std::optional<AlarmOptions> alarm = intervals ? forecaster.alarm() : std::nullopt;
  std::optional<RunningAlarms> alarms;  // in the same pass where it is at each origin
  if (alarm && windows.options().stride == 1) alarms.emplace(*alarm);
  JudgedStream result;
  forecaster.forecast(windows, [&](const Forecasts& block) {
    std::optional<Intervals> around;
    Matrix chances;
    std::vector<double> below(1, 0);
    if (alarms) below = alarm->values_of(block.sensors);
    if (split) around = split->add(block, below, &chances);
    if (adaptive) around = adaptive->add(block, below, &chances);
    if (alarms) alarms->add(block, chances);
    result.last.add(block, around);
    if (also) also(block);
  });
  for (const auto* each : {&split, &adaptive})
    if (*each) {
      const std::vector<IntervalCoverage> lines = (*each)->lines();
      result.coverage.insert(result.coverage.end(), lines.begin(), lines.end());
    }
  if (!alarm) return result;
  const StreamedWindows each_origin = windows.at_each_origin();
  result.alarms = alarms ? alarms->report()
                         : judge_alarms_in_blocks(intervals->wanted, *alarm,
                                                  [&](const Visit& visit) { forecaster.forecast(each_origin, visit); });
  if (intervals->naive)
    result.naive_alarms = judge_alarms_in_blocks(*intervals->naive, *alarm,
                                                 [&](const Visit& visit) { naive_forecasts(each_origin, visit); });
  return result;
}

}  // namespace maas::inline MAAS_ABI::recipe
