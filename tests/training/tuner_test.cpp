#include "maas/training/tuner.hpp"

#include <atomic>
#include <cmath>
#include <mutex>
#include <set>

#include "maas/data/csv.hpp"
#include "maas/layers/layers.hpp"
#include "maas/model/sequential.hpp"
#include "support/catch.hpp"

using namespace maas;

namespace {

SearchSpace space() {
  return SearchSpace()
      .choice("activation", {"relu", "tanh"})
      .values("batch", {16, 32, 64})
      .uniform("dropout", 0, 0.5)
      .log_uniform("rate", 1e-4, 1e-1)
      .integer("layers", 1, 3)
      .log_integer("units", 4, 256);
}

/// Its best is at a dropout of 0.2 and a rate of 1e-2.
double bowl(const Trial& trial) {
  const double a = trial.real("dropout") - 0.2, b = std::log10(trial.real("rate")) + 2;
  return a * a + b * b;
}

}  // namespace

TEST_CASE("trials are drawn within their bounds, over all of them") {
  std::set<std::string> activations;
  std::set<Index> layers;
  std::set<double> batches;
  double low_rate = 1, high_rate = 0;
  Index below_32 = 0;
  for (Index i = 0; i < 500; ++i) {
    const Trial trial = space().draw(1, i);
    CHECK(trial.number() == i);
    CHECK(trial.seed() < std::uint64_t{1} << 53);
    activations.insert(trial.text("activation"));
    batches.insert(trial.real("batch"));
    layers.insert(trial.integer("layers"));
    CHECK(trial.integer("batch") == static_cast<Index>(trial.real("batch")));
    const double dropout = trial.real("dropout"), rate = trial.real("rate");
    CHECK((dropout >= 0 && dropout <= 0.5 && rate >= 1e-4 && rate <= 1e-1));
    CHECK((trial.integer("units") >= 4 && trial.integer("units") <= 256));
    low_rate = std::min(low_rate, rate);
    high_rate = std::max(high_rate, rate);
    below_32 += trial.integer("units") < 32;
  }
  CHECK(activations == std::set<std::string>{"relu", "tanh"});
  CHECK(layers == std::set<Index>{1, 2, 3});
  CHECK(batches == std::set<double>{16, 32, 64});
  CHECK(low_rate < 1.5e-4);
  CHECK(high_rate > 0.7e-1);
  CHECK((below_32 > 200 && below_32 < 300));  // half of the logarithms of 4 to 256
  CHECK(space().draw(1, 3).seed() == space().draw(1, 3).seed());
  CHECK(space().draw(1, 3).real("rate") != space().draw(2, 3).real("rate"));
  const Trial same = SearchSpace().integer("n", 7, 7).uniform("x", 2, 2).log_integer("m", 5, 5).draw(0, 0);
  CHECK((same.integer("n") == 7 && same.real("x") == 2 && same.integer("m") == 5));
}

TEST_CASE("a random search finds a good trial, the same one at any number of threads") {
  const TunerReport one = random_search(space(), bowl, {.trials = 200, .seed = 4, .threads = 1});
  const TunerReport four = random_search(space(), bowl, {.trials = 200, .seed = 4, .threads = 4});
  CHECK(one.csv() == four.csv());
  REQUIRE(one.results().size() == 200);
  CHECK(one.best().score < 0.01);
  for (const TrialResult& result : one.results()) CHECK(one.best().score <= result.score);
  const TunerReport worst = random_search(space(), [](const Trial& trial) { return bowl(trial); },
                                          {.trials = 200, .seed = 4, .maximize = true});
  CHECK(worst.best().score > 3);

  const Table table = parse_csv(one.csv(), "report");
  CHECK(table.names() == std::vector<std::string>{"trial", "resource", "score", "seed", "activation", "batch",
                                                  "dropout", "rate", "layers", "units", "error"});
  CHECK(table.numbers("score")[17] == one.results()[17].score);  // all digits
  CHECK(table.texts("activation")[17] == one.results()[17].trial.text("activation"));
}

TEST_CASE("successive halving gives the best more to spend") {
  std::mutex mutex;
  std::vector<std::pair<Index, Index>> calls;
  const auto score = [&](const Trial& trial) {
    const std::lock_guard lock(mutex);
    calls.emplace_back(trial.resource(), trial.number());
    return static_cast<double>(trial.number() % 5) + 1.0 / static_cast<double>(trial.resource());
  };
  const HalvingOptions options{.n_candidates = 9, .factor = 3, .min_resources = 2, .max_resources = 100, .threads = 3};
  const TunerReport report = successive_halving(space(), score, options);
  // 9 with 2, 3 with 6, 1 with 18: of equal scores the lower number goes on.
  std::vector<std::pair<Index, Index>> trials;
  for (const TrialResult& result : report.results())
    trials.emplace_back(result.trial.resource(), result.trial.number());
  const std::vector<std::pair<Index, Index>> expected{{2, 0}, {2, 1}, {2, 2}, {2, 3}, {2, 4}, {2, 5}, {2, 6},
                                                      {2, 7}, {2, 8}, {6, 0}, {6, 1}, {6, 5}, {18, 0}};
  CHECK(trials == expected);
  CHECK(calls.size() == 13);
  CHECK(report.best().trial.number() == 0);
  CHECK(report.best().trial.resource() == 18);
  // What may be spent ends it, too.
  CHECK(successive_halving(space(), score, {.n_candidates = 27, .max_resources = 8}).results().size() == 27 + 9);
  CHECK(successive_halving(space(), score, {.n_candidates = 10, .max_resources = 100}).results().size() == 10 + 4 + 2);
  CHECK(successive_halving(space(), score, {.n_candidates = 1}).results().size() == 1);
  const TunerReport most = successive_halving(space(), score, {.n_candidates = 9, .maximize = true});
  CHECK(most.best().trial.number() == 4);
}

TEST_CASE("no options are tried twice, as far as there are different ones") {
  const SearchSpace lists = SearchSpace()
                                .choice("activation", {"relu", "tanh", "relu"})
                                .values("batch", {16, 32, 16})
                                .integer("layers", 1, 3);
  const auto score = [](const Trial& trial) { return static_cast<double>(trial.number()); };
  using Options = std::vector<std::pair<std::string, TrialValue>>;
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    CAPTURE(seed);
    bool comes_again = false;  // by number alone
    std::set<Options> drawn;
    for (Index i = 0; i < 12; ++i) comes_again = comes_again || !drawn.insert(lists.draw(seed, i).values()).second;
    CHECK(comes_again);
    for (const Index wanted : {0, 1, 5, 11, 12, 13, 500}) {
      const std::vector<Trial> trials = lists.draw_different(seed, wanted);
      CHECK(static_cast<Index>(trials.size()) == std::min<Index>(wanted, 12));  // 2 x 2 x 3
      std::set<Options> different;
      Index last = -1;
      for (const Trial& trial : trials) {
        different.insert(trial.values());
        CHECK(trial.number() > last);
        last = trial.number();
        CHECK(lists.draw(seed, last).values() == trial.values());  // each is the trial of its number
        CHECK(lists.draw(seed, last).seed() == trial.seed());
      }
      CHECK(different.size() == trials.size());
    }
    const TunerReport halving = successive_halving(lists, score, {.n_candidates = 9, .seed = seed, .threads = 3});
    REQUIRE(halving.results().size() == 9 + 3 + 1);
    std::set<Options> first_round;
    for (std::size_t i = 0; i < 9; ++i) first_round.insert(halving.results()[i].trial.values());
    CHECK(first_round.size() == 9);
    CHECK(halving.csv() == successive_halving(lists, score, {.n_candidates = 9, .seed = seed}).csv());
    // Of 12 there are no 27: the rounds are those of 12.
    CHECK(successive_halving(lists, score, {.n_candidates = 27, .seed = seed}).results().size() == 12 + 4 + 2);
    CHECK(random_search(lists, score, {.trials = 100, .seed = seed}).results().size() == 12);
  }
  CHECK(SearchSpace().uniform("x", 1, std::nextafter(1.0, 2.0)).draw_different(0, 50).size() <= 2);
  CHECK(SearchSpace().uniform("x", 1, 1).log_uniform("y", 2, 2).draw_different(0, 50).size() == 1);
  CHECK(SearchSpace().log_integer("n", 1, 20).draw_different(0, 50).size() == 20);
  const std::vector<Trial> numbers = space().draw_different(5, 30);  // where none comes again nothing changes
  for (std::size_t i = 0; i < 30; ++i) CHECK(numbers[i].values() == space().draw(5, static_cast<Index>(i)).values());
  CHECK_THROWS_AS(SearchSpace().draw_different(0, 3), ConfigError);
}

TEST_CASE("a trial that fails is noted; what is no error of maas' ends the search") {
  const auto score = [](const Trial& trial) -> double {
    if (trial.number() == 1) fail<NumericError>("the loss is nan, as \"feared\"");
    if (trial.number() == 2) return NAN;
    if (trial.number() == 3) return -INFINITY;
    return static_cast<double>(trial.number());
  };
  const TunerReport report = random_search(space(), score, {.trials = 5});
  CHECK(report.best().trial.number() == 0);
  CHECK(report.results()[1].error == "the loss is nan, as \"feared\"");
  CHECK(std::isnan(report.results()[3].score));
  CHECK(report.table().texts("error")[2] == "expected a finite score, got nan");
  CHECK(successive_halving(space(), score, {.n_candidates = 4, .factor = 2}).best().trial.number() == 0);
  const TunerReport none = random_search(space(), [](const Trial& trial) { return trial.real("raet"); }, {.trials = 3});
  CHECK_THROWS_WITH(none.best(), Catch::Matchers::ContainsSubstring("all trials failed") &&
                                     Catch::Matchers::ContainsSubstring("no option \"raet\""));
  const auto breaks = [](const Trial& trial) -> double {
    if (trial.number() >= 2) throw std::runtime_error("trial " + std::to_string(trial.number()));
    return 0;
  };
  CHECK_THROWS_WITH(random_search(space(), breaks, {.trials = 8, .threads = 4}), "trial 2");
}

TEST_CASE("models are tuned in parallel with the same bits") {
  Matrix x(60, 2), y(60, 1);
  for (Index row = 0; row < 60; ++row) {
    x.row(row) << static_cast<Scalar>(row % 7) / 7, static_cast<Scalar>(row % 5) / 5;
    y(row, 0) = x(row, 0) * x(row, 1);
  }
  const auto score = [&](const Trial& trial) {
    Sequential model{
        input(2),
        dense(trial.integer("units"), trial.text("activation") == "relu" ? Activation(relu) : Activation(Tanh{})),
        dense(1)};
    model.initialize(trial.seed());
    model.compile({.optimizer = Adam{.learning_rate = trial.real("rate")}, .loss = MeanSquaredError{}});
    model.fit(x.topRows(40), y.topRows(40),
              {.epochs = static_cast<int>(trial.resource()), .verbose = 0, .seed = trial.seed()});
    return *find_log(model.evaluate(x.bottomRows(20), y.bottomRows(20)), "loss");
  };
  const HalvingOptions one{.n_candidates = 9, .max_resources = 9, .threads = 1};
  HalvingOptions four = one;
  four.threads = 4;
  const TunerReport report = successive_halving(space(), score, one);
  CHECK(report.csv() == successive_halving(space(), score, four).csv());
  CHECK(report.best().score < 0.1);
}

TEST_CASE("search spaces and searches refuse what makes no sense") {
  CHECK_THROWS_AS(SearchSpace().choice("a", {}), ConfigError);
  CHECK_THROWS_AS(SearchSpace().values("a", {}), ConfigError);
  CHECK_THROWS_AS(SearchSpace().values("a", {NAN}), ConfigError);
  CHECK_THROWS_AS(SearchSpace().uniform("a", 1, 0), ConfigError);
  CHECK_THROWS_AS(SearchSpace().uniform("a", 0, INFINITY), ConfigError);
  CHECK_THROWS_AS(SearchSpace().uniform("a", -1.7e308, 1.7e308), ConfigError);
  CHECK_THROWS_AS(SearchSpace().log_uniform("a", 0, 1), ConfigError);
  CHECK_THROWS_AS(SearchSpace().integer("a", 2, 1), ConfigError);
  CHECK_THROWS_AS(SearchSpace().integer("a", 0, std::numeric_limits<Index>::max()), ConfigError);
  CHECK_THROWS_AS(SearchSpace().log_integer("a", 0, 1), ConfigError);
  CHECK_THROWS_AS(SearchSpace().uniform("score", 0, 1), ConfigError);
  CHECK_THROWS_AS(SearchSpace().uniform("a", 0, 1).integer("a", 0, 1), ConfigError);
  CHECK_THROWS_AS(SearchSpace().draw(0, 0), ConfigError);
  const Trial trial = space().draw(0, 0);
  CHECK_THROWS_AS(trial.real("activation"), ConfigError);
  CHECK_THROWS_AS(trial.text("rate"), ConfigError);
  CHECK_THROWS_AS(trial.integer("dropout"), ConfigError);
  CHECK_THROWS_AS(random_search(space(), bowl, {.trials = 0}), ConfigError);
  CHECK_THROWS_AS(random_search(space(), nullptr), ConfigError);
  CHECK_THROWS_AS(random_search(space(), bowl, {.threads = -1}), ConfigError);
  CHECK_THROWS_AS(successive_halving(space(), bowl, {.factor = 1}), ConfigError);
  CHECK_THROWS_AS(successive_halving(space(), bowl, {.min_resources = 0}), ConfigError);
  CHECK_THROWS_AS(successive_halving(space(), bowl, {.min_resources = 2, .max_resources = 1}), ConfigError);
}
