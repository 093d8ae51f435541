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
#include "cli/outputs.hpp"
#include "io/json.hpp"
#include "maas/recipe/recipe.hpp"
#include "recipe/callbacks.hpp"

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

// ---- Folds and trials ----

Config scores_json(const Logs& scores) {
  Config figures{Config::Object{}};
  for (const auto& [name, value] : scores) figures.set(name, json_number(value));
  return figures;
}

// The fold that was over last.
Config fold_event(const CrossValidation& found) {
  const FoldRows& rows = found.folds.back();
  Config::List answers;
  for (const FoldAnswer& each : found.answers)
    answers.push_back(Config{}
                          .set("target", each.target)
                          .set("name", each.name)
                          .set("scores", scores_json(each.scores.folds().back())));
  return Config{}
      .set("event", "fold")
      .set("fold", static_cast<std::int64_t>(found.folds.size()) - 1)
      .set("training", static_cast<std::int64_t>(rows.training))
      .set("validation", static_cast<std::int64_t>(rows.validation))
      .set("test", static_cast<std::int64_t>(rows.test))
      .set("answers", std::move(answers));
}

// A line an answer: mean, deviation and what every fold gave, by figure.
Config cross_validation_json(const CrossValidation& found) {
  Config::List answers;
  for (const FoldAnswer& each : found.answers) {
    Config scores{Config::Object{}};
    for (const std::string& figure : each.scores.names()) {
      Config::List folds;
      for (double value : each.scores.at(figure)) folds.push_back(json_number(value));
      scores.set(figure, Config{}
                             .set("mean", json_number(each.scores.mean(figure)))
                             .set("sd", json_number(each.scores.sd(figure)))
                             .set("folds", std::move(folds)));
    }
    answers.push_back(Config{}.set("target", each.target).set("name", each.name).set("scores", std::move(scores)));
  }
  return Config{}.set("folds", static_cast<std::int64_t>(found.folds.size())).set("answers", std::move(answers));
}

Config trial_json(const TrialResult& result) {
  Config settings{Config::Object{}};
  for (const auto& [name, value] : result.trial.values())
    settings.set(name, std::visit([](const auto& each) { return Config(each); }, value));
  Config found = Config{}.set("trial", static_cast<std::int64_t>(result.trial.number()));
  if (result.trial.resource() > 0) found.set("resource", static_cast<std::int64_t>(result.trial.resource()));
  found.set("score", json_number(result.score)).set("settings", std::move(settings));
  if (!result.error.empty()) found.set("error", result.error);
  return found;
}

Config tuning_json(const Tuning& tuning) {
  Config::List trials;
  for (const TrialResult& each : tuning.report.results()) trials.push_back(trial_json(each));
  return Config{}
      .set("objective", tuning.objective)
      .set("best", trial_json(tuning.report.best()))
      .set("baselines", scores_json(tuning.baselines))
      .set("trials", std::move(trials));
}

// ---- The end ----

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
  if (result.tuning) event.set("tuner", tuning_json(*result.tuning));
  if (result.cross_validation) event.set("cross_validation", cross_validation_json(*result.cross_validation));
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
  if (result.naive_alarms) event.set("naive_alarms", alarms_json(*result.naive_alarms));
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
  if (result.tuning) fmt::print("\n{}", result.tuning->text());
  if (result.cross_validation) fmt::print("\n{}", result.cross_validation->text());
  for (const Evaluation& evaluation : result.evaluations) fmt::print("\n{}", evaluation.text());
  if (result.scores) fmt::print("\n{}", result.scores->text());
  print_coverage(result.coverage);
  print_alarms(result.alarms, result.naive_alarms);
  for (const std::string& warning : result.warnings) fmt::print("warning: {}\n", warning);
  if (!recipe.output.model.empty()) fmt::print("\nwritten: {}\n", recipe.output.model);
}

std::vector<std::string> files_written(const Recipe& recipe) {
  std::vector<std::string> files;
  for (const std::string* output : {&recipe.output.model, &recipe.output.report, &recipe.output.predictions})
    if (!output->empty()) files.push_back((std::filesystem::path(recipe.folder) / *output).string());
  for (const auto& make : recipe.training.callbacks) files.push_back(recipe::file_written(make()));
  return files;
}

void train(const TrainOptions& options) {
  if (options.schema) return fmt::print("{}", recipe_schema());
  require<ConfigError>(!options.recipe.empty(), "train: expected a recipe, a JSON file");
  Recipe recipe = read_recipe(options.recipe, options.changes);
  // What is named on the command line is of the folder one stands in.
  if (!options.report.empty()) recipe.output.report = std::filesystem::absolute(options.report).string();
  for (const std::string& output : files_written(recipe)) require_own_file("train", output, {options.recipe});
  if (options.check) return fmt::print("{}: nothing wrong with it\n", options.recipe);
  RunOptions run{.resume = options.resume, .verbose = 0};
  const bool json = options.progress == "json";
  if (json) {
    run.callbacks = {JsonProgress{}};
    run.trial_end = [](const TrialResult& each) {
      Config event = Config{}.set("event", "trial");
      const Config found = trial_json(each);
      for (const auto& [key, value] : found.as_object()) event.set(key, value);
      print_json(event);
    };
    run.fold_end = [](const CrossValidation& found) { print_json(fold_event(found)); };
  } else
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
