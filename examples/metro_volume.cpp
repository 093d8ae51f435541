// Vehicles an hour on an interstate, from time, weather and holidays, beside what needs no network.
//
//   metro_volume --data ../shared/data/traffic --recipes examples/recipes
//
// Means of three seeds on the last fifth of the rows; validation, which stops the training, is the tenth before it.
#include <fmt/core.h>

#include <maas/maas.hpp>
#include <string>

#include "folders.hpp"

using namespace maas;

namespace {

int run(const Folders& folders) {
  constexpr int seeds = 3;
  double mae = 0, rmse = 0, r2 = 0;
  Evaluation last;
  for (int seed = 0; seed < seeds; ++seed) {
    const Recipe recipe = read_recipe(folders.recipes + "/metro_volume.json",
                                      {"data.files=" + folders.data + "/metro-interstate-volume.csv", "output={}",
                                       fmt::format("network.seed={}", seed), fmt::format("training.seed={}", seed)});
    const RecipeResult result = run_recipe(recipe, {.verbose = 0});
    if (seed == 0)
      for (const std::string& finding : result.data.findings) fmt::print("found: {}\n", finding);
    last = result.evaluations.back();
    const Logs& scores = last.targets[0].answers[0].scores;
    fmt::print("seed {}: {} epochs, MAE {:.1f}, RMSE {:.1f}\n", seed, result.history.epochs().size(),
               *find_log(scores, "mae"), *find_log(scores, "rmse"));
    mae += *find_log(scores, "mae") / seeds;
    rmse += *find_log(scores, "rmse") / seeds;
    r2 += *find_log(scores, "r2") / seeds;
  }
  fmt::print("\n{:32}{:>10}{:>10}{:>10}\n{:32}{:10.1f}{:10.1f}{:10.4f}\n", "vehicles/h", "MAE", "RMSE", "R2",
             fmt::format("network, mean of {} seeds", seeds), mae, rmse, r2);
  for (std::size_t i = 1; i < last.targets[0].answers.size(); ++i) {
    const AnswerScores& answer = last.targets[0].answers[i];
    fmt::print("{:32}{:10.1f}{:10.1f}{:10.4f}\n", answer.name, *find_log(answer.scores, "mae"),
               *find_log(answer.scores, "rmse"), *find_log(answer.scores, "r2"));
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) { return run_in_folders("metro_volume", count, arguments, run); }
