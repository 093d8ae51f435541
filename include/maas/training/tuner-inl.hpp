// Bodies of the tuner.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <limits>
#include <set>
#include <system_error>
#include <thread>

#include "maas/core/parallel.hpp"
#include "maas/core/random.hpp"
#include "maas/data/csv.hpp"
#include "maas/training/tuner.hpp"

namespace maas::inline MAAS_ABI {

// ---- Trials ----

MAAS_INLINE const TrialValue& Trial::at(std::string_view name) const {
  std::string known;
  for (const auto& [key, value] : values_) {
    if (key == name) return value;
    known += (known.empty() ? "\"" : ", \"") + key + "\"";
  }
  fail<ConfigError>("Trial: there is no option \"{}\"; there are {}", name, known);
}

MAAS_INLINE double Trial::real(std::string_view name) const {
  const TrialValue& value = at(name);
  if (const double* number = std::get_if<double>(&value)) return *number;
  if (const Index* number = std::get_if<Index>(&value)) return static_cast<double>(*number);
  fail<ConfigError>("Trial: expected a number in \"{}\", got text", name);
}

MAAS_INLINE Index Trial::integer(std::string_view name) const {
  const TrialValue& value = at(name);
  if (const Index* number = std::get_if<Index>(&value)) return *number;
  const double* number = std::get_if<double>(&value);
  require<ConfigError>(number != nullptr && std::abs(*number) <= 0x1p53 && *number == std::floor(*number),
                       "Trial: expected a whole number in \"{}\", got another value", name);
  return static_cast<Index>(*number);
}

MAAS_INLINE const std::string& Trial::text(std::string_view name) const {
  const std::string* text = std::get_if<std::string>(&at(name));
  require<ConfigError>(text != nullptr, "Trial: expected text in \"{}\", got a number", name);
  return *text;
}

MAAS_INLINE Trial Trial::with_resource(Index resource) const {
  Trial trial = *this;
  trial.resource_ = resource;
  return trial;
}

// ---- Search spaces ----

MAAS_INLINE SearchSpace& SearchSpace::add(Dimension dimension) {
  for (const std::string_view taken : {"trial", "resource", "score", "seed", "error"})
    require<ConfigError>(dimension.name != taken, "SearchSpace: \"{}\" is the name of a column of every report", taken);
  for (const Dimension& other : dimensions_)
    require<ConfigError>(other.name != dimension.name, "SearchSpace: there is an option \"{}\" already",
                         dimension.name);
  dimensions_.push_back(std::move(dimension));
  return *this;
}

MAAS_INLINE SearchSpace& SearchSpace::choice(std::string name, std::vector<std::string> options) {
  require<ConfigError>(!options.empty(), "SearchSpace: expected choices for \"{}\", got none", name);
  return add({.name = std::move(name), .kind = Kind::choice, .texts = std::move(options)});
}

MAAS_INLINE SearchSpace& SearchSpace::values(std::string name, std::vector<double> options) {
  require<ConfigError>(!options.empty(), "SearchSpace: expected values for \"{}\", got none", name);
  for (double value : options)
    require<ConfigError>(std::isfinite(value), "SearchSpace: expected finite values for \"{}\", got {}", name, value);
  return add({.name = std::move(name), .kind = Kind::values, .numbers = std::move(options)});
}

MAAS_INLINE SearchSpace& SearchSpace::uniform(std::string name, double low, double high) {
  require<ConfigError>(std::isfinite(low) && std::isfinite(high) && low <= high && std::isfinite(high - low),
                       "SearchSpace: expected finite bounds for \"{}\", the lower one first, got {} and {}", name, low,
                       high);
  return add({.name = std::move(name), .kind = Kind::uniform, .low = low, .high = high});
}

MAAS_INLINE SearchSpace& SearchSpace::log_uniform(std::string name, double low, double high) {
  require<ConfigError>(low > 0 && std::isfinite(high) && low <= high,
                       "SearchSpace: expected finite bounds above 0 for \"{}\", the lower one first, got {} and {}",
                       name, low, high);
  return add({.name = std::move(name), .kind = Kind::log_uniform, .low = low, .high = high});
}

MAAS_INLINE SearchSpace& SearchSpace::integer(std::string name, Index low, Index high) {
  constexpr Index most = Index{1} << 53;
  require<ConfigError>(low >= -most && high <= most && low <= high,
                       "SearchSpace: expected bounds of at most 2^53 for \"{}\", the lower one first, got {} and {}",
                       name, low, high);
  return add({.name = std::move(name), .kind = Kind::integer, .first = low, .last = high});
}

MAAS_INLINE SearchSpace& SearchSpace::log_integer(std::string name, Index low, Index high) {
  constexpr Index most = Index{1} << 53;
  require<ConfigError>(low >= 1 && high <= most && low <= high,
                       "SearchSpace: expected bounds of 1 to 2^53 for \"{}\", the lower one first, got {} and {}", name,
                       low, high);
  return add({.name = std::move(name), .kind = Kind::log_integer, .first = low, .last = high});
}

MAAS_INLINE std::vector<std::string> SearchSpace::names() const {
  std::vector<std::string> names;
  for (const Dimension& each : dimensions_) names.push_back(each.name);
  return names;
}

MAAS_INLINE Trial SearchSpace::draw(std::uint64_t seed, Index number) const {
  require<ConfigError>(!dimensions_.empty(), "SearchSpace: expected options to try, got none");
  const Random random = Random(seed).stream(0x74756e65u).stream(static_cast<std::uint64_t>(number));
  const auto between = [](double low, double high, double share) {
    return std::clamp(low + share * (high - low), low, high);
  };
  std::vector<std::pair<std::string, TrialValue>> values;
  for (std::size_t i = 0; i < dimensions_.size(); ++i) {
    const Dimension& d = dimensions_[i];
    TrialValue value;
    if (d.kind == Kind::choice) {
      value = d.texts[random.below(i, d.texts.size())];
    } else if (d.kind == Kind::values) {
      value = d.numbers[random.below(i, d.numbers.size())];
    } else if (d.kind == Kind::uniform) {
      value = between(d.low, d.high, random.uniform(i));
    } else if (d.kind == Kind::log_uniform) {
      value = std::clamp(std::exp(between(std::log(d.low), std::log(d.high), random.uniform(i))), d.low, d.high);
    } else if (d.kind == Kind::integer) {
      value = d.first + static_cast<Index>(random.below(i, static_cast<std::uint64_t>(d.last - d.first) + 1));
    } else {
      const double low = std::log(static_cast<double>(d.first)), high = std::log(static_cast<double>(d.last) + 1);
      value = std::clamp(static_cast<Index>(std::exp(between(low, high, random.uniform(i)))), d.first, d.last);
    }
    values.emplace_back(d.name, std::move(value));
  }
  return {number, random.stream(1).bits(0) >> 11, std::move(values)};
}

/// How many different values an option has; infinite where it is any number.
MAAS_INLINE double SearchSpace::count_of(const Dimension& d) {
  if (d.kind == Kind::choice) return static_cast<double>(std::set(d.texts.begin(), d.texts.end()).size());
  if (d.kind == Kind::values) return static_cast<double>(std::set(d.numbers.begin(), d.numbers.end()).size());
  if (d.kind == Kind::integer || d.kind == Kind::log_integer) return static_cast<double>(d.last - d.first) + 1;
  return d.low < d.high ? std::numeric_limits<double>::infinity() : 1;
}

MAAS_INLINE std::vector<Trial> SearchSpace::draw_different(std::uint64_t seed, Index count) const {
  double different = 1;
  for (const Dimension& each : dimensions_) different *= count_of(each);
  const auto wanted = static_cast<std::size_t>(std::min(different, static_cast<double>(std::max<Index>(count, 0))));
  // The last of a long list may be long in coming, and bounds next to each other have few numbers between them.
  const Index most_draws = 1000 + 100 * static_cast<Index>(wanted);
  std::set<std::vector<std::pair<std::string, TrialValue>>> seen;
  std::vector<Trial> trials;
  for (Index number = 0; trials.size() < wanted && number < most_draws; ++number)
    if (Trial trial = draw(seed, number); seen.insert(trial.values()).second) trials.push_back(std::move(trial));
  return trials;
}

// ---- Running ----

namespace detail {

inline void run_trial(TrialResult& result, const TrialScore& score) {
  result.score = std::numeric_limits<double>::quiet_NaN();
  try {
    const double value = score(result.trial);
    if (std::isfinite(value))
      result.score = value;
    else
      result.error = "expected a finite score, got " + std::to_string(value);
  } catch (const Error& error) {
    result.error = error.what();
  }
}

/// All trials, on several threads. Each has its own place, so that who is first changes nothing.
inline void run_trials(std::span<TrialResult> results, const TrialScore& score, int threads) {
  std::atomic<std::size_t> next{0};
  std::vector<std::exception_ptr> stopped(results.size());
  const auto work = [&] {
    for (std::size_t i = next++; i < results.size(); i = next++) try {
        run_trial(results[i], score);
      } catch (...) {
        stopped[i] = std::current_exception();
      }
  };
  std::vector<std::thread> others;
  const auto wanted = static_cast<std::size_t>(threads > 0 ? threads : maas::threads());
  try {
    while (others.size() + 1 < std::min(wanted, results.size())) others.emplace_back(work);
  } catch (const std::system_error&) {  // no more threads: those there are do it
  }
  work();
  for (std::thread& other : others) other.join();
  for (const std::exception_ptr& error : stopped)
    if (error) std::rethrow_exception(error);
}

inline bool is_better(const TrialResult& a, const TrialResult& b, bool maximize) {
  if (std::isnan(a.score) || std::isnan(b.score)) return !std::isnan(a.score) && std::isnan(b.score);
  return maximize ? a.score > b.score : a.score < b.score;
}

inline void check_search(std::string_view who, const TrialScore& score, int threads) {
  require<ConfigError>(static_cast<bool>(score), "{}: expected a score of trials, got none", who);
  require<ConfigError>(threads >= 0 && threads <= 1024, "{}: expected 0 to 1024 threads, got {}", who, threads);
}

/// How often a number can be divided by the factor, and once more.
inline Index rounds_of(Index number, Index factor) {
  Index rounds = 1;
  for (; number >= factor; number /= factor) ++rounds;
  return rounds;
}

}  // namespace detail

MAAS_INLINE TunerReport random_search(const SearchSpace& space, const TrialScore& score,
                                      const RandomSearchOptions& options) {
  detail::check_search("random_search", score, options.threads);
  require<ConfigError>(options.trials >= 1 && options.trials <= 1000000,
                       "random_search: expected 1 to 1000000 trials, got {}", options.trials);
  std::vector<TrialResult> results;
  for (Trial& trial : space.draw_different(options.seed, options.trials)) results.push_back({std::move(trial)});
  detail::run_trials(results, score, options.threads);
  return {std::move(results), options.maximize};
}

MAAS_INLINE TunerReport successive_halving(const SearchSpace& space, const TrialScore& score,
                                           const HalvingOptions& options) {
  constexpr std::string_view who = "successive_halving";
  constexpr Index most = 1000000;
  detail::check_search(who, score, options.threads);
  require<ConfigError>(options.n_candidates >= 1 && options.n_candidates <= most && options.factor >= 2,
                       "{}: expected 1 to {} candidates and a factor of at least 2, got {} and {}", who, most,
                       options.n_candidates, options.factor);
  require<ConfigError>(options.min_resources >= 1 && options.max_resources >= options.min_resources,
                       "{}: expected min_resources of at least 1 and max_resources not below, got {} and {}", who,
                       options.min_resources, options.max_resources);
  std::vector<TrialResult> all, round;
  for (Trial& trial : space.draw_different(options.seed, options.n_candidates)) round.push_back({std::move(trial)});
  const Index rounds = std::min(detail::rounds_of(static_cast<Index>(round.size()), options.factor),
                                detail::rounds_of(options.max_resources / options.min_resources, options.factor));
  Index resource = options.min_resources;
  for (Index i = 0; i < rounds; ++i) {
    for (TrialResult& result : round) result = {result.trial.with_resource(resource)};
    detail::run_trials(round, score, options.threads);
    all.insert(all.end(), round.begin(), round.end());
    std::stable_sort(round.begin(), round.end(), [&](const TrialResult& a, const TrialResult& b) {
      return detail::is_better(a, b, options.maximize);
    });
    const auto count = static_cast<Index>(round.size());
    round.erase(round.begin() + ((count - 1) / options.factor + 1), round.end());
    std::stable_sort(round.begin(), round.end(),
                     [](const TrialResult& a, const TrialResult& b) { return a.trial.number() < b.trial.number(); });
    if (i + 1 < rounds) resource *= options.factor;
  }
  return {std::move(all), options.maximize};
}

// ---- Reports ----

MAAS_INLINE const TrialResult& TunerReport::best() const {
  require<DataError>(!results_.empty(), "TunerReport: expected results, got none");
  Index most = 0;
  for (const TrialResult& result : results_) most = std::max(most, result.trial.resource());
  const TrialResult* best = nullptr;
  for (const TrialResult& result : results_)
    if (result.trial.resource() == most && (best == nullptr || detail::is_better(result, *best, maximize_)))
      best = &result;
  require<DataError>(!std::isnan(best->score), "TunerReport: all trials failed, the first one so: {}", best->error);
  return *best;
}

MAAS_INLINE Table TunerReport::table() const {
  Table table;
  const auto numbers = [&](const std::string& name, auto&& value) {
    Column column{.name = name};
    for (const TrialResult& result : results_) column.numbers.push_back(static_cast<double>(value(result)));
    table.add(std::move(column));
  };
  const auto texts = [&](const std::string& name, auto&& value) {
    Column column{.name = name, .type = ColumnType::text};
    for (const TrialResult& result : results_) column.texts.push_back(value(result));
    table.add(std::move(column));
  };
  numbers("trial", [](const TrialResult& result) { return result.trial.number(); });
  numbers("resource", [](const TrialResult& result) { return result.trial.resource(); });
  numbers("score", [](const TrialResult& result) { return result.score; });
  numbers("seed", [](const TrialResult& result) { return result.trial.seed(); });
  if (!results_.empty())
    for (const auto& [name, value] : results_.front().trial.values()) {
      const std::string& option = name;
      if (std::holds_alternative<std::string>(value))
        texts(option, [&](const TrialResult& result) { return result.trial.text(option); });
      else
        numbers(option, [&](const TrialResult& result) { return result.trial.real(option); });
    }
  texts("error", [](const TrialResult& result) { return result.error; });
  return table;
}

MAAS_INLINE std::string TunerReport::csv() const { return csv_text(table()); }

}  // namespace maas::inline MAAS_ABI
