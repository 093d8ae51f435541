// The tuner of a recipe: trials are trained as the recipe trains, and judged on the validation rows.
#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>

#include "maas/core/markup.hpp"
#include "maas/forecast/baselines.hpp"
#include "maas/model/constant_model-inl.hpp"
#include "maas/recipe/tuning.hpp"
#include "recipe/judged_windows.hpp"
#include "recipe/keys.hpp"
#include "recipe/parts.hpp"
#include "recipe/paths.hpp"
#include "recipe/run.hpp"
#include "recipe/stream.hpp"
#include "recipe/stream_scores.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

using detail::html_text;

// ---- Objectives ----

bool is_binary(const Recipe& recipe) {
  const std::optional<Loss>& loss = recipe.training.compile.loss;
  return loss && loss->class_name() == BinaryCrossentropy::class_name;
}

TunerObjective objective_of(const Recipe& recipe, const Table& validation) {
  if (recipe.tuner->objective != TunerObjective::automatic) return recipe.tuner->objective;
  const std::vector<std::string>& targets = recipe.pipeline.targets;
  const bool classes = !recipe.forecast &&
                       (is_binary(recipe) || std::any_of(targets.begin(), targets.end(), [&](const std::string& name) {
                          return validation.contains(name) && validation.column(name).type == ColumnType::text;
                        }));
  return classes ? TunerObjective::by_accuracy : TunerObjective::by_mae;
}

std::string name_of(TunerObjective objective) {
  return std::string(EnumNames<TunerObjective>::names[static_cast<std::size_t>(objective)]);
}

bool is_maximized(TunerObjective objective) {
  return objective != TunerObjective::by_loss && objective != TunerObjective::by_mae &&
         objective != TunerObjective::by_rmse;
}

/// What a trial gave, and what needs no model on the same rows.
struct Judged {
  double score;
  Logs baselines = {};
};

// The mean over the targets; nothing where one of them has no such answer.
std::optional<double> figure_of(const Evaluation& found, const std::string& answer, const std::string& name) {
  double sum = 0;
  for (const TargetEvaluation& target : found.targets) {
    const auto place = std::ranges::find(target.answers, answer, &AnswerScores::name);
    if (place == target.answers.end()) return std::nullopt;
    const double* value = find_log(place->scores, name);
    require<DataError>(value != nullptr, "expected \"{}\" of the target \"{}\", which is one of {}", name,
                       target.target, target.is_class ? "classes" : "numbers");
    sum += *value;
  }
  return sum / static_cast<double>(found.targets.size());
}

Judged judged_by(const Evaluation& found, const std::string& name) {
  const std::vector<AnswerScores>& answers = found.targets.front().answers;
  Judged result{.score = figure_of(found, answers.front().name, name).value()};
  for (std::size_t i = 1; i < answers.size(); ++i)
    if (const auto value = figure_of(found, answers[i].name, name))
      result.baselines.emplace_back(answers[i].name, *value);
  return result;
}

// Beside it that of one answer for all rows, the best one of the training targets.
Judged judged_by_loss(TrainedModel& trained, const Table& training, const Table& validation, Index batch_size) {
  const Pipeline& pipeline = *trained.model.info().pipeline;
  const PreparedSamples samples = pipeline.samples(validation);
  const auto loss_of = [&](Model& model) {
    return *find_log(model.evaluate(samples.x, samples.y, batch_size), "loss");
  };
  Judged result{.score = loss_of(trained.model)};
  if (auto constant = detail::constant_model(trained.model, pipeline.samples(training).y))
    result.baselines.emplace_back("constant", loss_of(*constant));
  return result;
}

Judged judged_table(const Recipe& recipe, const Table& training, const Table& validation, TunerObjective objective) {
  TrainedModel trained = train_model(recipe, training, validation, quiet_options(recipe));
  require_finite(trained);
  if (objective == TunerObjective::by_loss)
    return judged_by_loss(trained, training, validation, recipe.training.batch_size);
  return judged_by(evaluate_table(trained.model, validation, &training), name_of(objective));
}

double stream_loss(const Recipe& recipe, const LearnedStream& learned, const StreamRows& rows, Model& model) {
  const Dataset samples(stream_samples(recipe, learned, rows));
  return *find_log(model.evaluate(samples, recipe.training.batch_size), "loss");
}

// The constant answer beside the loss takes passes of its own: see stream_constant.
Judged judged_stream(const Recipe& recipe, const LearnedStream& learned, const StreamParts& rows,
                     TunerObjective objective) {
  TrainedModel trained = train_stream(recipe, learned, rows.training, rows.validation, quiet_options(recipe));
  require_finite(trained);
  if (objective != TunerObjective::by_loss)
    return judged_by(evaluate_stream(trained.model, rows.validation, "validation"), name_of(objective));
  return {.score = stream_loss(recipe, learned, rows.validation, trained.model)};
}

// As judged_by_loss has it, of targets that are summed up in a pass over the training rows.
Logs stream_constant(const Recipe& recipe, const LearnedStream& learned, const StreamParts& rows) {
  const Pipeline& pipeline = *learned.pipeline;
  const Model model = ready_model(recipe, base_of(recipe), pipeline, {}, {});
  detail::TrainingTargets targets(model);
  rows.training.learn_from_each([&](const Table& part) { targets.add(pipeline.samples(part).y); });
  auto constant = detail::constant_model(model, targets);
  if (!constant) return {};
  return {{"constant", stream_loss(recipe, learned, rows.validation, *constant)}};
}

// Over all steps of windows.
double forecast_figure(const Recipe& recipe, const Forecasts& forecasts, TunerObjective objective) {
  ScoreOptions options = recipe.forecast->scores;
  options.averaging = Averaging::up_to_horizon;
  const Scores found = score(forecasts, recipe.forecast->options.windows.horizons.back(), options);
  return objective == TunerObjective::by_rmse ? found.rmse : objective == TunerObjective::by_r2 ? found.r2 : found.mae;
}

// Baselines of forecasts take longer to fit: see forecast_baselines.
Judged judged_forecast(const Recipe& recipe, const Table& rows, const JudgedWindows& judged, TunerObjective objective) {
  const auto [forecaster, histories, held_out, finite] = train_forecaster(recipe, rows, {}, true);
  require<DataError>(finite, "the loss is no number any more");
  const PreparedReadings prepared = forecaster.frame().table->prepare(rows, {}, rows.rows() - held_out);
  const Forecasts forecasts = judged.by_truth(forecaster.forecast(judged.of(prepared, forecaster.options().windows)));
  require_answers(forecasts);
  return {.score = forecast_figure(recipe, forecasts, objective)};
}

// On the same windows.
Logs forecast_baselines(const Recipe& recipe, const Table& rows, const JudgedWindows& judged,
                        TunerObjective objective) {
  const auto [prepared, learned] = learned_readings(recipe, rows);
  const ForecastWindowOptions& options = recipe.forecast->options.windows;
  const ForecastWindows training = ForecastWindows(prepared.readings, options).targets_before(learned);
  const ForecastWindows held_back = judged.of(prepared, options);
  Logs found;
  std::vector<std::string> left_out;  // the final training tells of these
  for (const Baseline& each : fit_baselines(training, recipe.forecast->weekends, &left_out))
    found.emplace_back(each.name(), forecast_figure(recipe, judged.by_truth(each.forecast(held_back)), objective));
  return found;
}

// ---- Trials ----

Recipe with_settings(const Recipe& recipe, const Trial& trial) {
  Recipe result = recipe;
  recipe.tuner->apply(result, trial);
  if (trial.resource() > 0) result.training.epochs = static_cast<int>(trial.resource());
  return result;
}

/// The baselines beside each trial, which several threads find.
class BesideTrials {
 public:
  void keep(const Trial& trial, Logs baselines) {
    const std::lock_guard lock(mutex_);
    found_[key(trial)] = std::move(baselines);
  }
  const Logs& of(const Trial& trial) const { return found_.at(key(trial)); }

 private:
  static std::pair<Index, Index> key(const Trial& trial) { return {trial.number(), trial.resource()}; }

  std::map<std::pair<Index, Index>, Logs> found_;
  std::mutex mutex_;
};

/// Tells of trials one at a time.
class Telling {
 public:
  explicit Telling(const RunOptions& options) : tell_(options.trial_end) {}

  double told(const Trial& trial, const std::function<double()>& score) {
    TrialResult result{.trial = trial, .score = std::nan("")};
    try {
      result.score = score();
    } catch (const Error& error) {
      result.error = error.what();
      tell(result);
      throw;
    }
    tell(result);
    return result.score;
  }

 private:
  void tell(const TrialResult& result) {
    if (!tell_) return;
    const std::lock_guard lock(mutex_);
    tell_(result);
  }

  std::function<void(const TrialResult&)> tell_;
  std::mutex mutex_;
};

TunerReport search(const Recipe& recipe, const TrialScore& score, bool maximize) {
  const RecipeTuner& tuner = *recipe.tuner;
  const auto seed = static_cast<std::uint64_t>(tuner.seed);
  const int threads = static_cast<int>(tuner.threads);
  if (tuner.method == TunerMethod::random_search)
    return random_search(tuner.space, score,
                         {.trials = tuner.trials, .seed = seed, .maximize = maximize, .threads = threads});
  return successive_halving(tuner.space, score,
                            {.n_candidates = tuner.trials,
                             .factor = tuner.factor,
                             .min_resources = tuner.min_resources,
                             .max_resources = tuner.max_resources.value_or(recipe.training.epochs),
                             .seed = seed,
                             .maximize = maximize,
                             .threads = threads});
}

// ---- Tables ----

std::string value_text(const TrialValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<Index>(&value)) return std::to_string(*whole);
  return fmt::format("{:.6g}", std::get<double>(value));
}

std::string score_text(double score) { return std::isnan(score) ? "-" : fmt::format("{:.6g}", score); }

std::string score_text(const TrialResult& result) { return score_text(result.score); }

std::string settings_text(const Trial& trial) {
  std::string text;
  for (const auto& [name, value] : trial.values()) text += (text.empty() ? "" : ", ") + name + " " + value_text(value);
  return text;
}

bool spends(const TunerReport& report) {
  return !report.results().empty() && report.results().front().trial.resource() > 0;
}

std::string row_html(const TrialResult& result, bool epochs, bool best) {
  std::string text = fmt::format("<tr><th>{}{}</th>", result.trial.number(), best ? ", the best" : "");
  if (epochs) text += fmt::format("<td>{}</td>", result.trial.resource());
  text += fmt::format("<td>{}</td>", score_text(result));
  for (const auto& [name, value] : result.trial.values())
    text += fmt::format("<td>{}</td>", html_text(value_text(value)));
  return text + fmt::format("<td>{}</td></tr>\n", html_text(result.error));
}

std::string place_of(const Recipe& recipe) { return Place{recipe.source}.key("tuner").text(); }

// What `baselines(best)` gives for the best trial, if there is one.
template <class Baselines>
Logs baselines_of(const Recipe& recipe, const TunerReport& report, const Baselines& baselines) {
  try {
    return baselines(report.best().trial);
  } catch (const Error& error) {
    fail<DataError>("{}: {}", place_of(recipe), error.what());
  }
}

// Each trial is judged by `judge(recipe)`, the recipe with its settings.
template <class Judge>
Tuning tuned_by(const Recipe& recipe, TunerObjective objective, const RunOptions& options, const Judge& judge) {
  require<ConfigError>(static_cast<bool>(recipe.tuner->apply), "{}: expected what applies trials, got none",
                       place_of(recipe));
  Telling telling(options);
  BesideTrials beside;
  const TrialScore score = [&](const Trial& trial) {
    return telling.told(trial, [&] {
      Judged found = judge(with_settings(recipe, trial));
      beside.keep(trial, std::move(found.baselines));
      return found.score;
    });
  };
  Tuning result{.objective = name_of(objective), .report = search(recipe, score, is_maximized(objective))};
  result.baselines = baselines_of(recipe, result.report, [&](const Trial& best) { return beside.of(best); });
  return result;
}

Tuning tune_forecast(const Recipe& recipe, const Table& rows, TunerObjective objective, const RunOptions& options) {
  const JudgedWindows judged =
      at_place(Place{recipe.source}.key("tuner"), "", [&] { return JudgedWindows(recipe, rows); });
  Tuning result = tuned_by(recipe, objective, options,
                           [&](const Recipe& tried) { return judged_forecast(tried, rows, judged, objective); });
  result.baselines = baselines_of(recipe, result.report, [&](const Trial& best) {
    return forecast_baselines(with_settings(recipe, best), rows, judged, objective);
  });
  return result;
}

bool tunes_any(const Recipe& recipe, const std::function<bool(const std::string& path)>& looked_for) {
  if (!recipe.tuner) return false;
  const std::vector<std::string> paths = recipe.tuner->space.names();
  return std::any_of(paths.begin(), paths.end(), looked_for);
}

}  // namespace

bool tunes_reading(const Recipe& recipe) {
  return tunes_any(recipe, [](const std::string& path) {
    return lies_within(path, "data") && !lies_within(path, "data.stream");  // a stream's blocks are none of the files'
  });
}

bool tunes_rows(const Recipe& recipe) {
  return tunes_reading(recipe) ||
         tunes_any(recipe, [](const std::string& path) { return lies_within(path, "pipeline"); });
}

Tuning tune(const Recipe& recipe, const Table& training, const Table& validation, const RunOptions& options) {
  const TunerObjective objective = objective_of(recipe, validation);
  if (recipe.forecast) return tune_forecast(recipe, training, objective, options);
  const bool reads = tunes_reading(recipe);
  return tuned_by(recipe, objective, options, [&](const Recipe& tried) {
    if (!reads) return judged_table(tried, training, validation, objective);
    const PartedRows rows = parted_rows(tried);
    return judged_table(tried, rows.training, rows.validation, objective);
  });
}

Tuning tune_stream(const Recipe& recipe, const StreamParts& rows, const LearnedStream* learned,
                   const RunOptions& options) {
  const TunerObjective objective = objective_of(recipe, rows.validation.read(0, 1));
  const bool reads = tunes_reading(recipe);
  // What `use(learned, rows)` gives for a recipe with the settings of a trial.
  const auto with_rows = [&](const Recipe& tried, const auto& use) {
    if (learned != nullptr) return use(*learned, rows);
    const StreamParts read = reads ? part_stream(tried) : rows;
    return use(learn_stream(tried, read.training), read);
  };
  Tuning result = tuned_by(recipe, objective, options, [&](const Recipe& tried) {
    return with_rows(tried, [&](const LearnedStream& known, const StreamParts& parts) {
      return judged_stream(tried, known, parts, objective);
    });
  });
  if (objective != TunerObjective::by_loss) return result;
  result.baselines = baselines_of(recipe, result.report, [&](const Trial& best) {
    const Recipe tried = with_settings(recipe, best);
    return with_rows(tried, [&](const LearnedStream& known, const StreamParts& parts) {
      return stream_constant(tried, known, parts);
    });
  });
  return result;
}

Recipe tuned(const Recipe& recipe, const std::optional<Tuning>& tuning) {
  Recipe result = recipe;
  if (!tuning) return result;
  recipe.tuner->apply(result, tuning->report.best().trial);
  check_outputs(result);  // the search may have chosen callbacks, which write files
  return result;
}

std::string tuning_html(const Tuning& tuning) {
  const TunerReport& report = tuning.report;
  const TrialResult& best = report.best();
  std::string text = fmt::format(
      "<h2>Search for settings</h2>\n<p>Judged by {} on the validation rows.</p>\n<table>\n"
      "<tr><th>trial</th>{}<th>{}</th>",
      html_text(tuning.objective), spends(report) ? "<th>epochs</th>" : "", html_text(tuning.objective));
  for (const auto& [name, value] : best.trial.values()) text += fmt::format("<th>{}</th>", html_text(name));
  text += "<th></th></tr>\n";
  for (const TrialResult& result : report.results()) text += row_html(result, spends(report), &result == &best);
  for (const auto& [name, value] : tuning.baselines)
    text += fmt::format("<tr><th>baseline: {}</th>{}<td>{}</td><td colspan=\"{}\"></td></tr>\n", html_text(name),
                        spends(report) ? "<td></td>" : "", score_text(value), best.trial.values().size() + 1);
  return text + "</table>\n";
}

}  // namespace maas::inline MAAS_ABI::recipe

namespace maas::inline MAAS_ABI {

std::string Tuning::text() const {
  const bool epochs = recipe::spends(report);
  std::string text =
      fmt::format("tuner: {} results, judged by {} on the validation rows\n  {:>5}{}  {:>12}  settings\n",
                  report.results().size(), objective, "trial", epochs ? "  epochs" : "", objective);
  for (const TrialResult& result : report.results()) {
    text += fmt::format("  {:>5}{}  {:>12}  {}\n", result.trial.number(),
                        epochs ? fmt::format("  {:>6}", result.trial.resource()) : std::string(),
                        recipe::score_text(result), recipe::settings_text(result.trial));
    if (!result.error.empty()) text += "         failed: " + result.error + "\n";
  }
  for (const auto& [name, value] : baselines)
    text += fmt::format("  {:>5}{}  {:>12}  baseline: {}\n", "", epochs ? fmt::format("  {:>6}", "") : std::string(),
                        recipe::score_text(value), name);
  const TrialResult& best = report.best();
  return text + fmt::format("best: trial {}, {} {}: {}\n", best.trial.number(), objective, recipe::score_text(best),
                            recipe::settings_text(best.trial));
}

}  // namespace maas::inline MAAS_ABI
