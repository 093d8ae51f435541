// A declared search for the setting of a forecaster that judges within the training part alone. Settings are drawn from
// a space that the program declares; the one with the lowest score is chosen. What the program has takes no part: it is
// held against what is chosen at the end, and nothing else.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <maas/maas.hpp>
#include <map>
#include <mutex>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// What is searched, and what by. A setting is a Trial: its options by name.
struct ForecastSearch {
  maas::Readings training;      ///< all that the search sees
  maas::SearchSpace space;      ///< what may be chosen
  maas::Index candidates = 54;  ///< so many are drawn from it
  maas::Index folds = 3;        ///< origins: each with the tenth of the readings that follows, the last one at the end
  maas::Index seeds = 3;        ///< networks a fold, for those that come to the last round
  maas::Trial own{0, 0, {}};    ///< the setting that the program has, which is not judged
  std::function<maas::Forecaster(const maas::Trial&)> make = {};
  /// How it learns from so many readings.
  std::function<maas::ForecastFit(const maas::Trial&, maas::Index)> fit = {};
  maas::ScoreOptions scores = {};
  std::vector<maas::Index> horizons = {};          ///< those that count
  std::vector<maas::IntervalOptions> intervals{};  ///< those that may be chosen
  maas::IntervalOptions own_intervals{};           ///< those that the program has
};

/// "128 64" as numbers.
inline std::vector<maas::Index> widths_of(const std::string& text) {
  std::istringstream words(text);
  std::vector<maas::Index> widths;
  for (maas::Index width = 0; words >> width;) widths.push_back(width);
  return widths;
}

/// Scores settings: lower is better, 1 is as good as the last reading. A run is one network that learns from the
/// readings before an origin and is judged by the tenth that follows; its score is the mean over horizons of MAE and
/// RMSE, each over that of the last reading. Runs go through the folds from the last one on, then through them again
/// with the next seed; a trial's resource is the number of its runs.
class ForecastJudge {
 public:
  explicit ForecastJudge(const ForecastSearch& search)
      : search_(search),
        folds_(maas::rolling_origin(search.training.rows(),
                                    {.n_splits = search.folds, .test_size = search.training.rows() / 10})) {}

  maas::Index runs() const { return search_.folds * search_.seeds; }
  const std::vector<maas::Fold>& folds() const { return folds_; }

  /// The mean score of the runs that a trial may spend; those that it has had are remembered. Called from threads.
  double operator()(const maas::Trial& trial) {
    std::vector<double>* scores = nullptr;
    {
      const std::lock_guard lock(mutex_);
      scores = &scores_[trial.number()];
    }
    while (static_cast<maas::Index>(scores->size()) < trial.resource()) {
      const auto number = static_cast<maas::Index>(scores->size());
      scores->push_back(run(trial, number));
      tell(trial, number, scores->back());
    }
    double sum = 0;
    for (maas::Index i = 0; i < trial.resource(); ++i) sum += (*scores)[static_cast<std::size_t>(i)];
    return sum / static_cast<double>(trial.resource());
  }

  /// The means over folds, one a seed, of a trial that has had all runs.
  std::vector<double> by_seed(const maas::Trial& trial) const {
    std::vector<double> means(static_cast<std::size_t>(search_.seeds));
    const std::vector<double>& scores = scores_.at(trial.number());
    for (maas::Index i = 0; i < runs(); ++i)
      means[static_cast<std::size_t>(i / search_.folds)] +=
          scores[static_cast<std::size_t>(i)] / static_cast<double>(search_.folds);
    return means;
  }

  /// What one network forecasts for the tenth behind an origin.
  maas::Forecasts forecasts(const maas::Trial& trial, maas::Index fold, maas::Index seed) const {
    const maas::Fold& part = folds_[static_cast<std::size_t>(fold)];
    const maas::Index cut = part.train.size();
    maas::Forecaster forecaster = search_.make(trial);
    forecaster.fit(search_.training.part({0, cut}), fit(trial, cut, seed));
    const maas::Readings seen = search_.training.part({.begin = 0, .end = part.test.rows.back() + 1, .held_out = true});
    return forecaster.forecast(forecaster.windows(seen).targets_from(cut));
  }

 private:
  maas::ForecastFit fit(const maas::Trial& trial, maas::Index readings, maas::Index seed) const {
    maas::ForecastFit result = search_.fit(trial, readings);
    result.fit.seed = static_cast<std::uint64_t>(1 + seed);
    result.validation_share = 0;
    result.networks = 1;
    return result;
  }

  double run(const maas::Trial& trial, maas::Index number) const {
    const maas::Fold& fold = folds_[static_cast<std::size_t>(search_.folds - 1 - number % search_.folds)];
    const maas::ForecastFoldScores scores =
        maas::cross_validate([&] { return search_.make(trial); }, search_.training, std::span(&fold, 1),
                             {.fit = fit(trial, fold.train.size(), number / search_.folds),
                              .scores = search_.scores,
                              .horizons = search_.horizons,
                              .baselines = {maas::Persistence{}}});
    double sum = 0;
    for (const maas::Index horizon : search_.horizons) {
      const maas::Scores &network = scores.at("network", horizon).mean, &last = scores.at("persistence", horizon).mean;
      sum += (network.mae / last.mae + network.rmse / last.rmse) / 2;
    }
    return sum / static_cast<double>(search_.horizons.size());
  }

  void tell(const maas::Trial& trial, maas::Index number, double score) {
    const std::lock_guard lock(mutex_);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    fmt::print(stderr, "{:6.0f} s: setting {:3}, network {} of {}: {:.4f}\n", seconds, trial.number(), number + 1,
               runs(), score);
  }

  const ForecastSearch& search_;
  std::vector<maas::Fold> folds_;
  std::mutex mutex_;
  std::map<maas::Index, std::vector<double>> scores_;  // by number of the trial
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Mean and standard deviation (by n - 1) of numbers; of one number the deviation is 0.
struct MeanAndSpread {
  double mean = 0, spread = 0;

  explicit MeanAndSpread(const std::vector<double>& numbers) {
    for (const double number : numbers) mean += number / static_cast<double>(numbers.size());
    double squares = 0;
    for (const double number : numbers) squares += (number - mean) * (number - mean);
    if (numbers.size() > 1) spread = std::sqrt(squares / static_cast<double>(numbers.size() - 1));
  }
};

/// Which of several to take: the one with the lowest mean among those that may be taken, of which there is one.
inline std::size_t chosen_of(const std::vector<MeanAndSpread>& all, const std::vector<bool>& may_be) {
  auto best = static_cast<std::size_t>(std::find(may_be.begin(), may_be.end(), true) - may_be.begin());
  for (std::size_t i = 0; i < all.size(); ++i)
    if (may_be[i] && all[i].mean < all[best].mean) best = i;
  return best;
}

/// The options of a setting, in columns.
inline std::string setting_text(const maas::Trial& trial) {
  std::string text;
  for (const auto& [name, value] : trial.values())
    text += fmt::format(
        "  {:>{}}",
        std::holds_alternative<std::string>(value) ? trial.text(name) : fmt::format("{:.4g}", trial.real(name)),
        std::max<std::size_t>(name.size(), name == "layers" ? 15 : 6));
  return text;
}

/// A line of the table of settings.
inline void print_setting(const maas::Trial& trial, maas::Index runs, double score, const std::string& spread) {
  fmt::print("{:<10}{:>9}{:>9.5f}{:>9}{}\n", fmt::format("drawn {}", trial.number()), runs, score, spread,
             setting_text(trial));
}

/// Draws settings; prints all, and returns the one to take: of those that have come to the last round the one with the
/// lowest mean over folds and seeds.
inline maas::Trial choose_setting(const ForecastSearch& search, ForecastJudge& judge) {
  std::vector<maas::Trial> last;
  const maas::TunerReport report = maas::successive_halving(
      search.space, [&](const maas::Trial& trial) { return judge(trial); },
      {.n_candidates = search.candidates, .factor = search.folds, .max_resources = judge.runs(), .seed = 1});

  fmt::print("{:<10}{:>9}{:>9}{:>9}", "setting", "networks", "score", "spread");
  for (const auto& [name, value] : search.own.values())
    fmt::print("  {:>{}}", name, std::max<std::size_t>(name.size(), name == "layers" ? 15 : 6));
  fmt::print("\n");
  // Each once, as far as it came.
  std::map<maas::Index, maas::TrialResult> furthest;
  for (const maas::TrialResult& result : report.results()) furthest.insert_or_assign(result.trial.number(), result);
  for (const auto& [number, result] : furthest) {
    if (result.trial.resource() == judge.runs() && std::isfinite(result.score)) last.push_back(result.trial);
    if (!result.error.empty()) fmt::print("drawn {}: {}\n", number, result.error);
    if (result.trial.resource() < judge.runs()) print_setting(result.trial, result.trial.resource(), result.score, "");
  }
  std::vector<MeanAndSpread> scores;
  for (const maas::Trial& trial : last) {
    scores.emplace_back(judge.by_seed(trial));
    print_setting(trial, judge.runs(), scores.back().mean, fmt::format("{:.4f}", scores.back().spread));
  }
  maas::require<maas::DataError>(!last.empty(), "choose: expected a setting that can be judged, got none");
  const std::size_t chosen = chosen_of(scores, std::vector<bool>(scores.size(), true));
  fmt::print("\nchosen, by the lowest score:\n");
  print_setting(last[chosen], judge.runs(), scores[chosen].mean, fmt::format("{:.4f}", scores[chosen].spread));
  return last[chosen];
}

/// The mean interval score of intervals for nine of ten readings (Gneiting and Raftery 2007): their width, and 20 times
/// how far outside of it a reading lies.
inline double interval_score(const maas::Intervals& intervals, const maas::Forecasts& forecasts, double covered) {
  double sum = 0;
  maas::Index count = 0;
  for (maas::Index i = 0; i < forecasts.truth.size(); ++i) {
    const auto low = static_cast<double>(intervals.lower.data()[i]),
               high = static_cast<double>(intervals.upper.data()[i]),
               reading = static_cast<double>(forecasts.truth.data()[i]);
    if (std::isnan(reading) || std::isnan(low) || std::isnan(high)) continue;
    sum += high - low + 2 / (1 - covered) * (std::max(low - reading, 0.0) + std::max(reading - high, 0.0));
    ++count;
  }
  return sum / static_cast<double>(count);
}

/// Holds ways to make intervals against each other: calibrated on the tenth behind an origin, they follow the one
/// behind the next origin, with the forecasts of that network. Only those may be taken that there cover what they are
/// to but for two points (if there are any); of these the lowest interval score counts. Prints all, and returns the one
/// to take.
inline maas::IntervalOptions choose_intervals(const ForecastSearch& search, const ForecastJudge& judge,
                                              const maas::Trial& setting) {
  std::vector<std::vector<double>> scores(search.intervals.size());
  std::vector<double> shares(search.intervals.size());
  for (maas::Index seed = 0; seed < search.seeds; ++seed) {
    fmt::print(stderr, "intervals: networks of seed {} of {}\n", seed + 1, search.seeds);
    for (auto& each : scores) each.push_back(0);
    maas::Forecasts before = judge.forecasts(setting, 0, seed);
    for (maas::Index fold = 1; fold < search.folds; ++fold) {
      const maas::Forecasts forecasts = judge.forecasts(setting, fold, seed);
      for (std::size_t i = 0; i < search.intervals.size(); ++i) {
        maas::ConformalIntervals calibrated = maas::ConformalIntervals(search.intervals[i]).calibrate(before);
        calibrated.require_unseen("choose", forecasts);
        const maas::Intervals intervals = calibrated.follow(forecasts);
        const auto share = 1 / static_cast<double>(search.folds - 1);
        scores[i].back() += share * interval_score(intervals, forecasts, search.intervals[i].coverage);
        shares[i] += share * maas::coverage(intervals, forecasts).share / static_cast<double>(search.seeds);
      }
      before = forecasts;
    }
  }
  std::vector<MeanAndSpread> all;
  fmt::print("\n{:<10}{:>8}{:>8}{:>10}{:>9}{:>9}\n", "intervals", "rate", "window", "score", "spread", "within");
  for (std::size_t i = 0; i < scores.size(); ++i) {
    all.emplace_back(scores[i]);
    fmt::print("{:<10}{:>8}{:>8}{:>10.4f}{:>9.4f}{:>7.1f} %\n", "listed", search.intervals[i].rate,
               search.intervals[i].window, all[i].mean, all[i].spread, 100 * shares[i]);
  }
  std::vector<bool> may_be;
  for (std::size_t i = 0; i < all.size(); ++i)
    may_be.push_back(std::abs(shares[i] - search.intervals[i].coverage) <= 0.02);
  if (std::find(may_be.begin(), may_be.end(), true) == may_be.end()) may_be.assign(all.size(), true);
  const std::size_t chosen = chosen_of(all, may_be);
  fmt::print("\nchosen, by the lowest score of those within 2 points: rate {}, window {}\n",
             search.intervals[chosen].rate, search.intervals[chosen].window);
  return search.intervals[chosen];
}

/// Searches, prints, and returns the exit code: 0 where what the program has is what is chosen, else 2.
inline int choose(const ForecastSearch& search) {
  ForecastJudge judge(search);
  fmt::print("{} readings of {} sensors to choose by; origins behind", search.training.rows(),
             search.training.sensor_count());
  for (const maas::Fold& fold : judge.folds()) fmt::print(" {}", fold.train.size());
  fmt::print(", each judged by the {} that follow\n\n", judge.folds().front().test.size());
  const maas::Trial setting = choose_setting(search, judge);
  std::fflush(stdout);
  const maas::IntervalOptions intervals = choose_intervals(search, judge, setting);
  const bool stays =
      setting.values() == search.own.values() && maas::to_config(intervals) == maas::to_config(search.own_intervals);
  fmt::print("{}\n", stays ? "the program has what is chosen" : "the program has another setting than what is chosen");
  return stays ? 0 : 2;
}

/// Each of these rates with each of these windows, but for no change at all.
inline std::vector<maas::IntervalOptions> intervals_to_choose_from(const std::vector<double>& rates,
                                                                   const std::vector<maas::Index>& windows) {
  std::vector<maas::IntervalOptions> all;
  for (const double rate : rates)
    for (const maas::Index window : windows)
      if (rate > 0 || window > 0) all.push_back({.rate = rate, .window = window});
  return all;
}
