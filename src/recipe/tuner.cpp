// The tuner of a recipe: trials are trained as the recipe trains, and judged on the validation rows.
#include <algorithm>
#include <cmath>
#include <mutex>

#include "maas/core/markup.hpp"
#include "maas/recipe/tuning.hpp"
#include "recipe/keys.hpp"
#include "recipe/run.hpp"

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

// The mean over the targets.
double figure_of(const Evaluation& found, const std::string& name) {
  double sum = 0;
  for (const TargetEvaluation& target : found.targets) {
    const double* value = find_log(target.answers.front().scores, name);
    require<DataError>(value != nullptr, "expected \"{}\" of the target \"{}\", which is one of {}", name,
                       target.target, target.is_class ? "classes" : "numbers");
    sum += *value;
  }
  return sum / static_cast<double>(found.targets.size());
}

double table_score(const Recipe& recipe, const Table& training, const Table& validation, TunerObjective objective) {
  TrainedModel trained = train_model(recipe, training, validation, quiet_options(recipe));
  require<DataError>(trained.finite, "the loss is no number any more after {} epochs", trained.history.epochs().size());
  if (objective != TunerObjective::by_loss)
    return figure_of(evaluate_table(trained.model, validation, &training), name_of(objective));
  const PreparedSamples samples = trained.model.info().pipeline->samples(validation);
  return *find_log(trained.model.evaluate(samples.x, samples.y, recipe.training.batch_size), "loss");
}

// Over all steps of the windows whose targets were held back.
double forecast_score(const Recipe& recipe, const Table& rows, TunerObjective objective) {
  const auto [forecaster, histories, held_out, finite] = train_forecaster(recipe, rows, {}, true);
  require<DataError>(finite, "the loss is no number any more");
  const ForecastWindows held_back = forecaster.windows(forecaster.readings(rows, {}, rows.rows() - held_out))
                                        .targets_from(forecaster.learned_readings());
  ScoreOptions options = recipe.forecast->scores;
  options.averaging = Averaging::up_to_horizon;
  const Scores found = score(forecaster.forecast(held_back), recipe.forecast->options.windows.horizons.back(), options);
  return objective == TunerObjective::by_rmse ? found.rmse : objective == TunerObjective::by_r2 ? found.r2 : found.mae;
}

// ---- Trials ----

Recipe with_settings(const Recipe& recipe, const Trial& trial) {
  Recipe result = recipe;
  recipe.tuner->apply(result, trial);
  if (trial.resource() > 0) result.training.epochs = static_cast<int>(trial.resource());
  return result;
}

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

std::string score_text(const TrialResult& result) {
  return std::isnan(result.score) ? "-" : fmt::format("{:.6g}", result.score);
}

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

}  // namespace

Tuning tune(const Recipe& recipe, const Table& training, const Table& validation, const RunOptions& options) {
  const std::string place = Place{recipe.source}.key("tuner").text();
  require<ConfigError>(static_cast<bool>(recipe.tuner->apply), "{}: expected what applies trials, got none", place);
  const TunerObjective objective = objective_of(recipe, validation);
  Telling telling(options);
  const TrialScore score = [&](const Trial& trial) {
    return telling.told(trial, [&] {
      const Recipe tried = with_settings(recipe, trial);
      return tried.forecast ? forecast_score(tried, training, objective)
                            : table_score(tried, training, validation, objective);
    });
  };
  Tuning result{name_of(objective), search(recipe, score, is_maximized(objective))};
  try {
    result.report.best();
  } catch (const Error& error) {
    fail<DataError>("{}: {}", place, error.what());
  }
  return result;
}

Recipe tuned(const Recipe& recipe, const std::optional<Tuning>& tuning) {
  Recipe result = recipe;
  if (tuning) recipe.tuner->apply(result, tuning->report.best().trial);
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
  const TrialResult& best = report.best();
  return text + fmt::format("best: trial {}, {} {}: {}\n", best.trial.number(), objective, recipe::score_text(best),
                            recipe::settings_text(best.trial));
}

}  // namespace maas::inline MAAS_ABI
