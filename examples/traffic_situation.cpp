// How congested a road is, learned from a clean file and from the same file as somebody received it.
//
//   traffic_situation --data ../shared/data/traffic --recipes examples/recipes
//
// The dirty file has empty cells, counts below 0, one far too large, misspelt days and a row that comes twice. The
// report names them; the steps of its recipe are what was decided about each. Both models then answer for the same
// rows: the last fifth of the clean file, which neither has seen.
#include <fmt/core.h>

#include <maas/maas.hpp>
#include <string>

#include "folders.hpp"

using namespace maas;

namespace {

RecipeResult trained(const Folders& folders, const std::string& name, const std::string& file, int seed) {
  const Recipe recipe = read_recipe(folders.recipes + "/" + name + ".json",
                                    {"data.files=" + folders.data + "/" + file, "output={}",
                                     fmt::format("network.seed={}", seed), fmt::format("training.seed={}", seed)});
  return run_recipe(recipe, {.verbose = 0});
}

int run(const Folders& folders) {
  const std::string clean_file = "traffic-situation.csv", dirty_file = "traffic-situation-dirty.csv";
  fmt::print("{}:\n", dirty_file);
  for (const std::string& finding : report(read_csv(folders.data + "/" + dirty_file)).findings)
    fmt::print("  {}\n", finding);

  const Table clean = read_csv(folders.data + "/" + clean_file);
  const TimeSplit split = split_by_time(clean.rows(), 0, 0.2);
  const Table known = split.train.of(clean), test = split.test.of(clean);
  constexpr int seeds = 3;
  double mean[2] = {0, 0};
  Evaluation last;
  for (int seed = 0; seed < seeds; ++seed) {
    const RecipeResult results[] = {trained(folders, "traffic_situation", clean_file, seed),
                                    trained(folders, "traffic_situation_dirty", dirty_file, seed)};
    for (int i = 0; i < 2; ++i) {
      last = evaluate_table(results[i].model, test, &known, "the dirty file's model on the clean file's last fifth");
      const double accuracy = *find_log(last.targets[0].answers[0].scores, "accuracy");
      fmt::print("seed {}, learned from the {} file: accuracy {:.4f}\n", seed, i == 0 ? "clean" : "dirty", accuracy);
      mean[i] += accuracy / seeds;
    }
  }
  fmt::print("\n{}\n", last.text());
  fmt::print("mean of {} seeds: clean {:.4f}, dirty {:.4f}, difference {:.2f} points\n", seeds, mean[0], mean[1],
             100 * (mean[1] - mean[0]));
  const bool within = std::abs(mean[1] - mean[0]) <= 0.01;
  fmt::print("{}\n", within ? "the dirty file, put right, is worth the clean one: within 1 point"
                            : "the dirty file is not worth the clean one");
  return within ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) { return run_in_folders("traffic_situation", count, arguments, run); }
