// A tuner: looks for good options by trying some, in parallel, with the same result at any number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "maas/data/table.hpp"

namespace maas::inline MAAS_ABI {

/// What a trial may have for an option.
using TrialValue = std::variant<double, Index, std::string>;

/// One set of options that is tried.
class Trial {
 public:
  Trial(Index number, std::uint64_t seed, std::vector<std::pair<std::string, TrialValue>> values)
      : number_(number), seed_(seed), values_(std::move(values)) {}

  /// Counted from 0.
  Index number() const { return number_; }
  /// A number of its own, below 2^53: for initialize and FitOptions::seed.
  std::uint64_t seed() const { return seed_; }
  /// What the trial may spend, such as epochs: of successive_halving; 0 in a random search.
  Index resource() const { return resource_; }

  /// The options by name. Each throws ConfigError for a name that is not in the search space, or of another kind.
  double real(std::string_view name) const;
  Index integer(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  /// All of them, in the order of the search space.
  const std::vector<std::pair<std::string, TrialValue>>& values() const { return values_; }

  /// The same trial with more or less to spend.
  Trial with_resource(Index resource) const;

 private:
  const TrialValue& at(std::string_view name) const;

  Index number_;
  std::uint64_t seed_;
  Index resource_ = 0;
  std::vector<std::pair<std::string, TrialValue>> values_;
};

/// Which options there are, each under a name of its own. All throw ConfigError for a name that is taken, and for
/// bounds that are not finite or the wrong way round.
class SearchSpace {
 public:
  /// One of these texts, such as names of activations.
  SearchSpace& choice(std::string name, std::vector<std::string> options);
  /// One of these numbers.
  SearchSpace& values(std::string name, std::vector<double> options);
  /// A number from `low` to `high`.
  SearchSpace& uniform(std::string name, double low, double high);
  /// The same, of which the logarithm is uniform: for learning rates and penalties. `low` must be above 0.
  SearchSpace& log_uniform(std::string name, double low, double high);
  /// A whole number from `low` to `high`, both included.
  SearchSpace& integer(std::string name, Index low, Index high);
  /// The same, of which the logarithm is uniform: for numbers of units. `low` must be at least 1.
  SearchSpace& log_integer(std::string name, Index low, Index high);

  /// The names of the options, in the order in which they were added.
  std::vector<std::string> names() const;
  /// The number-th trial of a seed: it depends on nothing else. Throws ConfigError for an empty space.
  Trial draw(std::uint64_t seed, Index number) const;
  /// The first `count` trials of a seed of which no two have the same options; those that come again are passed over,
  /// numbers and all. Fewer where the space has not as many. Throws ConfigError for an empty space.
  std::vector<Trial> draw_different(std::uint64_t seed, Index count) const;

 private:
  enum class Kind { choice, values, uniform, log_uniform, integer, log_integer };
  struct Dimension {
    std::string name;
    Kind kind;
    std::vector<std::string> texts = {};
    std::vector<double> numbers = {};
    double low = 0, high = 0;
    Index first = 0, last = 0;
  };
  SearchSpace& add(Dimension dimension);
  static double count_of(const Dimension& dimension);

  std::vector<Dimension> dimensions_;
};

/// What became of a trial.
struct TrialResult {
  Trial trial;
  double score = 0;        ///< NaN where it failed
  std::string error = {};  ///< why it failed; empty where it did not
};

/// All trials of a search. It has no baseline of its own: a search knows options and scores, not the rows behind them.
/// What needs no model stands beside the trials in `Tuning`, that of a recipe's tuner, which knows its rows; in a
/// program the function that scores trials can score it by the same measure, as cross_validate and Forecaster::compare
/// do.
class TunerReport {
 public:
  TunerReport(std::vector<TrialResult> results, bool maximize) : results_(std::move(results)), maximize_(maximize) {}

  /// In the order of trials; of successive halving, those of each round behind those of the round before.
  const std::vector<TrialResult>& results() const { return results_; }
  /// The best of those that were given most to spend; of several the one of the lowest number. Throws DataError with
  /// the first message where all of these failed.
  const TrialResult& best() const;
  /// One row a result: "trial", "resource", "score", "seed", then the options, then "error".
  Table table() const;
  /// That table as CSV text.
  std::string csv() const;

 private:
  std::vector<TrialResult> results_;
  bool maximize_;
};

/// Fits a model with the options of a trial and says how good it is. Called on several threads at once, so it must not
/// write to what trials share; a model of its own is safe. A maas::Error that it throws, or a score that is not finite,
/// is noted as a failure; other exceptions end the search. The score must be one of validation, not of the test rows.
using TrialScore = std::function<double(const Trial&)>;

/// How a random search is run.
struct RandomSearchOptions {
  Index trials = 20;  ///< fewer where the space has fewer different ones: none is tried twice
  std::uint64_t seed = 0;
  bool maximize = false;  ///< true: larger scores are better
  int threads = 0;        ///< trials at the same time; 0: as many as the library uses. No result depends on it
};

/// Tries options drawn at random (Bergstra and Bengio 2012). Throws ConfigError for options out of range.
TunerReport random_search(const SearchSpace& space, const TrialScore& score, const RandomSearchOptions& options = {});

/// How successive halving is run. Names are those of scikit-learn's HalvingRandomSearchCV.
struct HalvingOptions {
  Index n_candidates = 27;   ///< in the first round; fewer where the space has fewer different ones
  Index factor = 3;          ///< one of so many goes on to the next round, which spends so many times as much
  Index min_resources = 1;   ///< what a trial may spend in the first round, such as epochs
  Index max_resources = 27;  ///< what none may exceed
  std::uint64_t seed = 0;
  bool maximize = false;  ///< true: larger scores are better
  int threads = 0;        ///< trials at the same time; 0: as many as the library uses. No result depends on it
};

/// Gives many candidates little to spend, the best of them more, and so on (Jamieson and Talwalkar 2016; scikit-learn's
/// HalvingRandomSearchCV): each round keeps ceil(candidates / factor), until one is left or max_resources are reached.
/// Each trial starts anew in each round and finds what it may spend in Trial::resource. Throws ConfigError for options
/// out of range.
TunerReport successive_halving(const SearchSpace& space, const TrialScore& score, const HalvingOptions& options = {});

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/training/tuner-inl.hpp"
#endif
