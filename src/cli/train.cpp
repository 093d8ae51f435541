// maas train: from a recipe to a model.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/evaluation_json.hpp"
#include "io/json.hpp"
#include "maas/recipe/recipe.hpp"

namespace maas::cli {

namespace {

constexpr int not_finite = 3;  // exit code

struct TrainOptions {
  std::string recipe, report, progress = "auto";
  std::vector<std::string> changes;
  bool resume = false, check = false, schema = false;
};

void print_json(const Config& event) {
  fmt::print("{}\n", io::write_json(event));
  std::fflush(stdout);
}

// One line an epoch, for programs.
struct JsonProgress {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now(), epoch_start = Clock::now();

  static double seconds_since(Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
  }
  void train_begin(TrainingView& view) {
    start = Clock::now();
    print_json(Config{}
                   .set("event", "begin")
                   .set("epochs", view.epochs)
                   .set("weights", static_cast<std::int64_t>(view.network.parameters().count())));
  }
  void epoch_begin(TrainingView&) { epoch_start = Clock::now(); }
  void epoch_end(TrainingView& view) const {
    Config event = Config{}.set("event", "epoch").set("epoch", view.epoch + 1).set("epochs", view.epochs);
    event.set("seconds", seconds_since(epoch_start));
    Config figures{Config::Object{}};
    for (const auto& [name, value] : view.logs) figures.set(name, json_number(value));
    print_json(event.set("figures", std::move(figures)));
  }
};

Config alarms_json(const AlarmReport& report) {
  return Config{}
      .set("events", static_cast<std::int64_t>(report.events))
      .set("warned", static_cast<std::int64_t>(report.warned))
      .set("alarms", static_cast<std::int64_t>(report.alarms))
      .set("right", static_cast<std::int64_t>(report.right))
      .set("precision", json_number(report.precision))
      .set("recall", json_number(report.recall))
      .set("false_alarms_a_day", json_number(report.false_alarms_a_day))
      .set("mean_lead_minutes", json_number(report.mean_lead_minutes));
}

Config end_event(const Recipe& recipe, const RecipeResult& result) {
  Config rows = Config{}
                    .set("all", static_cast<std::int64_t>(result.rows.all))
                    .set("duplicates", static_cast<std::int64_t>(result.rows.duplicates))
                    .set("training", static_cast<std::int64_t>(result.rows.training))
                    .set("validation", static_cast<std::int64_t>(result.rows.validation))
                    .set("test", static_cast<std::int64_t>(result.rows.test))
                    .set("left_out", static_cast<std::int64_t>(result.rows.left_out));
  Config event = Config{}.set("event", "end").set("finite", result.finite);
  event.set("epochs", static_cast<std::int64_t>(result.history.epochs().size())).set("rows", std::move(rows));
  event.set("model", result.finite && !recipe.output.model.empty() ? Config(recipe.output.model) : Config());
  Config::List evaluations, warnings, findings;
  for (const Evaluation& each : result.evaluations) evaluations.push_back(evaluation_json(each));
  for (const std::string& warning : result.warnings) warnings.emplace_back(warning);
  for (const std::string& finding : result.data.findings) findings.emplace_back(finding);
  if (result.scores) event.set("scores", result.scores->config());
  Config::List coverage;
  for (const IntervalCoverage& each : result.coverage)
    coverage.push_back(Config{}
                           .set("name", each.name)
                           .set("nominal", each.nominal)
                           .set("covered", json_number(each.covered))
                           .set("width", json_number(each.width)));
  if (!coverage.empty()) event.set("coverage", std::move(coverage));
  if (result.alarms) event.set("alarms", alarms_json(*result.alarms));
  event.set("evaluations", std::move(evaluations)).set("warnings", std::move(warnings));
  return event.set("findings", std::move(findings));
}

void print_data(const RecipeResult& result) {
  const RecipeRows& rows = result.rows;
  if (rows.duplicates > 0) fmt::print("{} rows left out, as they come twice\n", rows.duplicates);
  fmt::print("{} rows: {} for training ({} left out by steps), {} for validation, {} for the test\n", rows.all,
             rows.training, rows.left_out, rows.validation, rows.test);
  for (const std::string& finding : result.data.findings) fmt::print("found: {}\n", finding);
}

void print_result(const Recipe& recipe, const RecipeResult& result) {
  print_data(result);
  for (const Evaluation& evaluation : result.evaluations) fmt::print("\n{}", evaluation.text());
  if (result.scores) fmt::print("\n{}", result.scores->text());
  print_coverage(result.coverage);
  if (result.alarms)
    fmt::print("alarms: {} of {} were right, {} of {} events had one before them, {:.3g} minutes on average\n",
               result.alarms->right, result.alarms->alarms, result.alarms->warned, result.alarms->events,
               result.alarms->mean_lead_minutes);
  for (const std::string& warning : result.warnings) fmt::print("warning: {}\n", warning);
  if (!recipe.output.model.empty()) fmt::print("\nwritten: {}\n", recipe.output.model);
}

void train(const TrainOptions& options) {
  if (options.schema) return fmt::print("{}", recipe_schema());
  require<ConfigError>(!options.recipe.empty(), "train: expected a recipe, a JSON file");
  Recipe recipe = read_recipe(options.recipe, options.changes);
  // What is named on the command line is of the folder one stands in.
  if (!options.report.empty()) recipe.output.report = std::filesystem::absolute(options.report).string();
  if (options.check) return fmt::print("{}: nothing wrong with it\n", options.recipe);
  RunOptions run{.resume = options.resume, .verbose = 0};
  const bool json = options.progress == "json";
  if (json)
    run.callbacks = {JsonProgress{}};
  else
    run.verbose = options.progress == "none" ? 0 : options.progress == "bar" ? 1 : options.progress == "lines" ? 2 : -1;
  const RecipeResult result = run_recipe(recipe, run);
  if (json)
    print_json(end_event(recipe, result));
  else if (result.finite)
    print_result(recipe, result);
  if (result.finite) return;
  fmt::print(stderr, "maas: {}: the loss is no number any more after {} epochs; nothing is written\n", recipe.source,
             result.history.epochs().size());
  throw CLI::RuntimeError(not_finite);
}

}  // namespace

void add_train(CLI::App& program) {
  CLI::App* command = program.add_subcommand("train", "Trains a model as a recipe says");
  auto options = std::make_shared<TrainOptions>();
  command->add_option("recipe", options->recipe, "The recipe, a JSON file: see docs/guide/recipes.md");
  command
      ->add_option("--set", options->changes,
                   "Changes the recipe for this run, such as training.epochs=3 or network.layers[0].units=64; once for "
                   "each change")
      ->allow_extra_args(false);
  command
      ->add_option("--progress", options->progress,
                   "bar; lines, one an epoch; json, one object an epoch and one at the end; none. Without it a bar "
                   "at a terminal, else lines")
      ->check(CLI::IsMember({"bar", "lines", "json", "none"}));
  command->add_flag("--resume", options->resume,
                    "Go on from the backup of a run that was stopped, if there is one; and keep one");
  command->add_option("--report", options->report, "Write a page about the training, in place of output.report");
  command->add_flag("--check", options->check, "Only read the recipe, and say what is wrong with it");
  command->add_flag("--schema", options->schema, "Print the JSON schema of recipes, for editors");
  command->callback([options] { train(*options); });
}

}  // namespace maas::cli
