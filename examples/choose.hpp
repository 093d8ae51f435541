// A declared search for the setting of a forecaster that judges within the training part alone. Settings are drawn from
// a grid that the program declares; those that come to the last round are bred, generation by generation: a child has
// each option of one of two of them, but for one or two, which are drawn anew, also from values between those of the
// grid where the program declares some; the best ones of all are the next parents, until several generations have
// found nothing better ("mu plus lambda": Beyer and Schwefel, "Evolution strategies", 2002). What the program has takes
// no part in that: it is judged at the end, by as many networks, and the lower score of the two is chosen.
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
#include <numeric>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// An option of a setting, and all that it may be: texts or numbers.
struct ForecastOption {
  std::string name;
  std::vector<maas::TrialValue> values;

  ForecastOption(std::string option, const std::vector<double>& numbers)
      : name(std::move(option)), values(numbers.begin(), numbers.end()) {}
  ForecastOption(std::string option, const std::vector<std::string>& texts)
      : name(std::move(option)), values(texts.begin(), texts.end()) {}
};

/// What is searched, and what by. A setting is a Trial: its options by name.
struct ForecastSearch {
  maas::Readings training;              ///< all that the search sees
  std::vector<ForecastOption> options;  ///< what may be chosen
  std::vector<ForecastOption> finer{};  ///< more values of the same options, for children; may be none
  maas::Index candidates = 54;          ///< so many are drawn from the grid
  maas::Index parents = 6;              ///< so many at most
  maas::Index children = 27;            ///< of a generation
  maas::Index generations = 8;          ///< at most
  maas::Index patience = 3;             ///< generations in a row without a better setting end the search
  maas::Index folds = 3;      ///< origins: each with the tenth of the readings that follows, the last one at the end
  maas::Index seeds = 3;      ///< networks a fold, for those that come to the last round
  maas::Trial own{0, 0, {}};  ///< the setting that the program has
  std::function<maas::Forecaster(const maas::Trial&)> make = {};
  /// How it learns from so many readings.
  std::function<maas::ForecastFit(const maas::Trial&, maas::Index)> fit = {};
  maas::ScoreOptions scores = {};
  std::vector<maas::Index> horizons = {};          ///< those that count
  std::vector<maas::IntervalOptions> intervals{};  ///< those that may be chosen
  maas::IntervalOptions own_intervals{};           ///< those that the program has
};

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

/// The grid of all options.
inline maas::SearchSpace space_of(const std::vector<ForecastOption>& options) {
  maas::SearchSpace space;
  for (const ForecastOption& option : options) {
    std::vector<std::string> texts;
    std::vector<double> numbers;
    for (const maas::TrialValue& value : option.values)
      if (const auto* text = std::get_if<std::string>(&value))
        texts.push_back(*text);
      else
        numbers.push_back(std::get<double>(value));
    if (texts.empty())
      space.values(option.name, numbers);
    else
      space.choice(option.name, texts);
  }
  return space;
}

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
      scores = &scores_[setting_text(trial)];
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
    const std::vector<double>& scores = scores_.at(setting_text(trial));
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
  std::map<std::string, std::vector<double>> scores_;  // by setting
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// What the numbers of settings that are not drawn begin with, and how many there are of each generation.
constexpr maas::Index first_child = 100000, numbers_a_generation = 1000, number_of_own = 300000;

/// A setting with one option as another one has it.
inline maas::Trial changed(const maas::Trial& setting, const std::pair<std::string, maas::TrialValue>& option,
                           maas::Index number) {
  std::vector<std::pair<std::string, maas::TrialValue>> values = setting.values();
  for (auto& each : values)
    if (each.first == option.first) each.second = option.second;
  return {number, 0, std::move(values)};
}

/// Judges settings by `first` networks, the best third of them by three times as many, and so on up to `last`: each as
/// far as it came, in their order.
inline std::vector<maas::TrialResult> judged_in_rounds(ForecastJudge& judge, const std::vector<maas::Trial>& settings,
                                                       maas::Index first, maas::Index last) {
  std::vector<double> places(settings.size());
  std::iota(places.begin(), places.end(), 0.0);
  const auto setting_at = [&](const maas::Trial& place) {
    return settings[static_cast<std::size_t>(place.real("place"))].with_resource(place.resource());
  };
  const maas::TunerReport report = maas::successive_halving(
      maas::SearchSpace().values("place", places), [&](const maas::Trial& place) { return judge(setting_at(place)); },
      {.n_candidates = static_cast<maas::Index>(settings.size()),
       .factor = 3,
       .min_resources = first,
       .max_resources = last,
       .seed = 1});
  std::map<maas::Index, maas::TrialResult> furthest;
  for (const maas::TrialResult& result : report.results()) {
    const maas::Trial setting = setting_at(result.trial);
    furthest.insert_or_assign(setting.number(), maas::TrialResult{setting, result.score, result.error});
  }
  std::vector<maas::TrialResult> results;
  for (const maas::Trial& setting : settings) results.push_back(furthest.at(setting.number()));
  return results;
}

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

/// A line of the table of settings.
inline void print_setting(const maas::Trial& trial, maas::Index runs, double score, const std::string& spread) {
  const maas::Index number = trial.number();
  const std::string name = number < first_child     ? fmt::format("drawn {}", number)
                           : number < number_of_own ? fmt::format("child {}", number % numbers_a_generation)
                                                    : "as it is";
  fmt::print("{:<10}{:>9}{:>9.5f}{:>9}{}\n", name, runs, score, spread, setting_text(trial));
}

/// Settings that have had all networks; prints them, and returns them with the lowest mean first.
inline std::vector<maas::Trial> best_first(const ForecastJudge& judge, const std::vector<maas::Trial>& last) {
  maas::require<maas::DataError>(!last.empty(), "choose: expected a setting that can be judged, got none");
  for (const maas::Trial& trial : last) {
    const MeanAndSpread score(judge.by_seed(trial));
    print_setting(trial, judge.runs(), score.mean, fmt::format("{:.4f}", score.spread));
  }
  std::vector<maas::Trial> sorted = last;
  std::ranges::stable_sort(sorted, {},
                           [&](const maas::Trial& trial) { return MeanAndSpread(judge.by_seed(trial)).mean; });
  return sorted;
}

/// Prints those that have not come to the last round; returns the others.
inline std::vector<maas::Trial> print_left_behind(const std::vector<maas::TrialResult>& results, maas::Index runs) {
  std::vector<maas::Trial> last;
  for (const maas::TrialResult& result : results) {
    if (!result.error.empty())
      fmt::print("setting {}: {}\n", result.trial.number(), result.error);
    else if (result.trial.resource() < runs)
      print_setting(result.trial, result.trial.resource(), result.score, "");
    else
      last.push_back(result.trial);
  }
  return last;
}

/// Settings that are drawn, those that come to the last round, the lowest score first; prints all.
inline std::vector<maas::Trial> best_drawn(const ForecastSearch& search, ForecastJudge& judge) {
  const std::vector<maas::Trial> drawn = space_of(search.options).draw_different(1, search.candidates);
  return best_first(judge, print_left_behind(judged_in_rounds(judge, drawn, 1, judge.runs()), judge.runs()));
}

/// The options with all their values, those between the ones of the grid, too.
inline std::vector<ForecastOption> all_values(const ForecastSearch& search) {
  std::vector<ForecastOption> all = search.options;
  for (ForecastOption& option : all)
    if (const auto more = std::ranges::find(search.finer, option.name, &ForecastOption::name);
        more != search.finer.end())
      option.values.insert(option.values.end(), more->values.begin(), more->values.end());
  return all;
}

/// Whole numbers, drawn one after the other.
class Draws {
 public:
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(next_++, bound)); }

 private:
  maas::Random random_{1};
  std::uint64_t next_ = 0;
};

/// A setting of two others: each option as one of them has it, but for one or two, which are as whatever they may be.
inline maas::Trial child_of(const maas::Trial& mother, const maas::Trial& father,
                            const std::vector<ForecastOption>& options, Draws& draws, maas::Index number) {
  maas::Trial child(number, 0, mother.values());
  for (std::size_t i = 0; i < options.size(); ++i)
    if (draws.below(2) == 0) child = changed(child, father.values()[i], number);
  for (std::size_t left = 1 + draws.below(2); left > 0; --left) {
    const ForecastOption& option = options[draws.below(options.size())];
    child = changed(child, {option.name, option.values[draws.below(option.values.size())]}, number);
  }
  return child;
}

/// Different ones of the parents, and of `seen`, to which they are added.
inline std::vector<maas::Trial> children_of(const std::vector<maas::Trial>& parents, const ForecastSearch& search,
                                            Draws& draws, std::set<std::string>& seen, maas::Index first) {
  const std::vector<ForecastOption> options = all_values(search);
  std::vector<maas::Trial> children;
  constexpr int most_draws = 10000;  // a small grid may have no more
  for (int i = 0; i < most_draws && static_cast<maas::Index>(children.size()) < search.children; ++i) {
    const maas::Trial &mother = parents[draws.below(parents.size())], &father = parents[draws.below(parents.size())];
    maas::Trial child = child_of(mother, father, options, draws, first + static_cast<maas::Index>(children.size()));
    if (seen.insert(setting_text(child)).second) children.push_back(std::move(child));
  }
  return children;
}

/// What generations make of the settings that came to the last round, the lowest score first; prints all.
inline maas::Trial bred(const ForecastSearch& search, ForecastJudge& judge, std::vector<maas::Trial> parents) {
  Draws draws;
  std::set<std::string> seen;
  for (const maas::Trial& each : parents) seen.insert(setting_text(each));
  const auto score_of = [&](const maas::Trial& each) { return MeanAndSpread(judge.by_seed(each)).mean; };
  maas::Index in_vain = 0;
  for (maas::Index i = 0; i < search.generations && in_vain < search.patience; ++i) {
    if (static_cast<maas::Index>(parents.size()) > search.parents)
      parents.erase(parents.begin() + search.parents, parents.end());
    fmt::print("\ngeneration {}, of {} parents:\n", i + 1, parents.size());
    std::fflush(stdout);
    const std::vector<maas::Trial> children =
        children_of(parents, search, draws, seen, first_child + i * numbers_a_generation);
    if (children.empty()) break;
    const maas::Trial best = parents.front();
    const std::vector<maas::Trial> last =
        print_left_behind(judged_in_rounds(judge, children, 1, judge.runs()), judge.runs());
    if (!last.empty()) best_first(judge, last);
    parents.insert(parents.end(), last.begin(), last.end());
    std::ranges::stable_sort(parents, {}, score_of);
    in_vain = parents.front().values() == best.values() ? in_vain + 1 : 0;
  }
  return parents.front();
}

/// Prints all settings, and returns the one to take.
inline maas::Trial choose_setting(const ForecastSearch& search, ForecastJudge& judge) {
  fmt::print("{:<10}{:>9}{:>9}{:>9}", "setting", "networks", "score", "spread");
  for (const auto& [name, value] : search.own.values())
    fmt::print("  {:>{}}", name, std::max<std::size_t>(name.size(), name == "layers" ? 15 : 6));
  fmt::print("\n");
  std::vector<maas::Trial> last{bred(search, judge, best_drawn(search, judge))};
  const maas::Trial own(number_of_own, judge.runs(), search.own.values());
  fmt::print("\nthe lowest score is chosen of what was found and what the program has:\n");
  for (const maas::Trial& each :
       print_left_behind(judged_in_rounds(judge, {own}, judge.runs(), judge.runs()), judge.runs()))
    last.insert(last.begin(), each);
  return best_first(judge, last).front();
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
/// to but for one point (if there are any): what covers two points less on the mean does so by more on every other day.
/// Of these the lowest interval score counts. Prints all, and returns the one to take.
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
    may_be.push_back(std::abs(shares[i] - search.intervals[i].coverage) <= 0.01);
  const bool any = std::find(may_be.begin(), may_be.end(), true) != may_be.end();
  if (!any) may_be.assign(all.size(), true);
  const std::size_t chosen = chosen_of(all, may_be);
  fmt::print("\nchosen, by the lowest score of {}: rate {}, window {}\n",
             any ? "those within a point" : "all, as none is within a point", search.intervals[chosen].rate,
             search.intervals[chosen].window);
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
