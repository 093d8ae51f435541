// maas evaluate: what a model is worth on rows it has not seen.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/evaluation_json.hpp"
#include "cli/outputs.hpp"
#include "cli/samples.hpp"
#include "io/json.hpp"
#include "maas/model/load.hpp"
#include "maas/recipe/report.hpp"

namespace maas::cli {

namespace {

struct EvaluateOptions {
  std::string model, data, training, report;
  bool json = false, stream = false;
};

void evaluate(const EvaluateOptions& options) {
  require_own_file("--report", options.report, {options.model, options.data, options.training});
  const Model model = load_model(options.model);
  if (model.info().forecast)
    return (options.stream ? evaluate_streamed_forecasts : evaluate_forecasts)(
        options.model, options.data, options.training, options.report, options.json);
  require<ConfigError>(!options.stream, "--stream: expected the model of a forecast, got another one");
  require<StateError>(model.info().pipeline.has_value(),
                      "{}: expected a model with a pipeline, as maas train saves one; got one without", options.model);
  const Pipeline& pipeline = *model.info().pipeline;
  const CsvOptions reading = reading_for(model.info(), options.model);
  const Table rows = read_table_for(pipeline, options.data, reading);
  std::optional<Table> training;
  if (!options.training.empty()) training = read_table_for(pipeline, options.training, reading);
  Evaluation evaluation;
  try {
    evaluation = evaluate_table(model, rows, training ? &*training : nullptr, options.data);
  } catch (const DataError& error) {
    fail<DataError>("{}: {}", options.data, error.what());
  } catch (const ConfigError& error) {
    fail<ConfigError>("{}: {}", options.model, error.what());
  }
  if (!options.report.empty())
    write_report(options.report, {.title = options.model + " on " + options.data,
                                  .facts = {{"model", options.model}, {"rows of", options.data}},
                                  .evaluations = {evaluation},
                                  .data = report(rows)});
  if (options.json)
    fmt::print("{}\n", io::write_json(evaluation_json(evaluation)));
  else
    fmt::print("{}", evaluation.text());
}

}  // namespace

Config json_number(double value) { return std::isfinite(value) ? Config(value) : Config(); }

Config evaluation_json(const Evaluation& evaluation) {
  Config::List targets;
  for (const TargetEvaluation& target : evaluation.targets) {
    Config::List answers;
    for (const AnswerScores& answer : target.answers) {
      Config scores = Config{}.set("name", answer.name);
      for (const auto& [name, value] : answer.scores) scores.set(name, json_number(value));
      answers.push_back(std::move(scores));
    }
    Config found = Config{}.set("target", target.target).set("rows", static_cast<std::int64_t>(target.count()));
    targets.push_back(found.set("answers", std::move(answers)));
  }
  return Config{}
      .set("name", evaluation.name)
      .set("rows", static_cast<std::int64_t>(evaluation.rows))
      .set("unanswered", static_cast<std::int64_t>(evaluation.unanswered))
      .set("targets", std::move(targets));
}

void print_coverage(const std::vector<IntervalCoverage>& coverage) {
  for (const IntervalCoverage& each : coverage)
    fmt::print("intervals of {:.6g} %, {}: {:.2f} % covered, {:.4g} wide\n", 100 * each.nominal, each.name,
               100 * each.covered, each.width);
}

namespace {

void print_alarms_of(const std::string& what, const AlarmReport& alarms) {
  const auto text = [](double figure) { return std::isnan(figure) ? std::string("-") : fmt::format("{:.3g}", figure); };
  fmt::print("{}: {} of {} were right, {} of {} events had one before them, {} minutes on average\n", what,
             alarms.right, alarms.alarms, alarms.warned, alarms.events, text(alarms.mean_lead_minutes));
  fmt::print("{}: precision {}, recall {}, {} false ones a day\n", what, text(alarms.precision), text(alarms.recall),
             text(alarms.false_alarms_a_day));
}

}  // namespace

void print_alarms(const std::optional<AlarmReport>& alarms, const std::optional<AlarmReport>& naive) {
  if (alarms) print_alarms_of("alarms", *alarms);
  if (naive) print_alarms_of("alarms of persistence", *naive);
}

void add_evaluate(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("evaluate", "Scores a model with a pipeline on raw rows, beside what needs no model");
  auto options = std::make_shared<EvaluateOptions>();
  command->add_option("model", options->model, "The model file, such as model.h5")->required();
  command->add_option("data", options->data, "A CSV file of raw rows with their targets")->required();
  command->add_option(
      "--training", options->training,
      "A CSV file that baselines are fitted to; without it those that the model keeps, and for a file that keeps "
      "none the rows themselves, which flatters them");
  command->add_option("--report", options->report, "Write a page about it, .html");
  command->add_flag("--json", options->json, "Print JSON instead of tables");
  command->add_flag("--stream", options->stream,
                    "Read the rows in blocks, for files that are larger than memory; of models of a forecast");
  command->callback([options] { evaluate(*options); });
}

}  // namespace maas::cli
