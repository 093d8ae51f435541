// The surface of the road, from what a car measures of itself: two ways to split the same rows, two answers.
//
//   driving_surface --data ../shared/data/traffic --recipes examples/recipes
//
// Four drives in two cars, a row a second. Split at random, each test row has neighbours of the same second, street and
// car among the training rows: the network only has to remember. With a whole drive held out it has to know what a bad
// road is, on streets and in a car it was not shown.
#include <fmt/core.h>

#include <maas/maas.hpp>
#include <string>

#include "folders.hpp"

using namespace maas;

namespace {

const char* const drives[] = {"driving-opel-corsa-01", "driving-opel-corsa-02", "driving-peugeot-207-01",
                              "driving-peugeot-207-02"};

Evaluation evaluation_of(const Folders& folders, const std::string& split) {
  std::string files;
  for (const char* drive : drives)
    files += fmt::format("{}\"{}/{}.csv\"", files.empty() ? "" : ", ", folders.data, drive);
  const Recipe recipe = read_recipe(folders.recipes + "/driving_surface.json",
                                    {"data.files=[" + files + "]", "output={}", "split=" + split});
  return run_recipe(recipe, {.verbose = 0}).evaluations.back();
}

double score(const Evaluation& evaluation, std::size_t answer, const char* name) {
  return *find_log(evaluation.targets[0].answers[answer].scores, name);
}

void print_row(const std::string& name, const Evaluation& evaluation) {
  fmt::print("{:32}{:8}{:12.4f}{:12.4f}{:14.4f}{:12.4f}\n", name, evaluation.rows, score(evaluation, 0, "accuracy"),
             score(evaluation, 0, "balanced_accuracy"), score(evaluation, 1, "accuracy"),
             score(evaluation, 1, "balanced_accuracy"));
}

int run(const Folders& folders) {
  fmt::print("{:32}{:>8}{:>24}{:>26}\n{:32}{:>8}{:>12}{:>12}{:>14}{:>12}\n", "", "", "network", "majority class",
             "test rows", "", "accuracy", "balanced", "accuracy", "balanced");
  const Evaluation random = evaluation_of(folders, R"({"by": "random", "test": 0.25})");
  print_row("a random quarter", random);
  double worst = 1;
  for (const char* drive : drives) {
    const Evaluation held_out =
        evaluation_of(folders, fmt::format(R"({{"by": "group", "column": "drive", "test_groups": ["{}"]}})", drive));
    print_row(drive, held_out);
    worst = std::min(worst, score(held_out, 0, "balanced_accuracy"));
  }
  fmt::print(
      "\nA random split flatters: rows a second apart are nearly the same and have the same label, so each test row "
      "has\n"
      "its twins among the training rows. Which surface a new drive is on, these four drives do not teach.\n");
  fmt::print("balanced accuracy: random {:.2f}, worst drive {:.2f}\n", score(random, 0, "balanced_accuracy"), worst);
  return 0;
}

}  // namespace

int main(int count, char** arguments) { return run_in_folders("driving_surface", count, arguments, run); }
