// Cross-validation of a recipe: each fold is trained as the recipe trains, and judged by its test rows.
#include "maas/recipe/folds.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "maas/core/markup.hpp"
#include "maas/data/fold_runs.hpp"
#include "maas/forecast/cross_validate.hpp"
#include "recipe/parts.hpp"
#include "recipe/run.hpp"
#include "recipe/stream.hpp"
#include "recipe/stream_scores.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

using detail::html_text;

Place place_of(const Recipe& recipe) { return Place{recipe.source}.key("cross_validation"); }

// ---- Parting ----

Labels labels_of(const Recipe& recipe, const Table& rows) {
  const std::string& name = recipe.cross_validation->column;
  require<DataError>(rows.contains(name), "{}: expected a column of the rows, got \"{}\"",
                     place_of(recipe).key("column").text(), name);
  return rows.column(name);
}

RollingOriginOptions origin_options(const RecipeFolds& wanted) {
  return {.n_splits = wanted.n_splits,
          .test_size = wanted.test_size,
          .max_train_size = wanted.max_train_size,
          .gap = wanted.gap};
}

std::vector<Fold> part_into_folds(const Recipe& recipe, const Table& rows) {
  const RecipeFolds& wanted = *recipe.cross_validation;
  const KFoldOptions options{
      .n_splits = wanted.n_splits, .shuffle = wanted.shuffle, .seed = static_cast<std::uint64_t>(wanted.seed)};
  if (wanted.by == FoldsBy::stratified) return stratified_k_fold(labels_of(recipe, rows), options);
  if (wanted.by == FoldsBy::group) return group_k_fold(labels_of(recipe, rows), options);
  if (wanted.by == FoldsBy::k_fold) return k_fold(rows.rows(), options);
  return rolling_origin(rows.rows(), origin_options(wanted));
}

// Other folds are none of runs: see check_stream.
std::vector<FoldRuns> part_into_runs(const RecipeFolds& wanted, Index rows) {
  return wanted.by == FoldsBy::k_fold ? k_fold_runs(rows, wanted.n_splits)
                                      : rolling_origin_runs(rows, origin_options(wanted));
}

// What `part()` gives; what is wrong is said with the place of the folds in front.
template <class Part>
auto folds_of(const Recipe& recipe, const Part& part) {
  try {
    return part();
  } catch (const Error& error) {
    const std::string_view what = error.what();
    const std::string place = place_of(recipe).text();
    fail<DataError>("{}", what.starts_with(place) ? std::string(what) : place + ": " + error.what());
  }
}

// The share of a fold's training rows to measure on: the same of what is not for the test.
double validation_share(const RecipeSplit& split) { return split.validation / (1 - split.test); }

// The recipe for the training rows of a fold: no test.
Recipe within_fold(const Recipe& recipe, const Table& training) {
  Recipe inner = recipe;
  RecipeSplit& split = inner.split;
  split.validation = validation_share(split);
  split.test = 0;
  split.test_groups.clear();
  if (split.validation_groups.empty()) return inner;
  // Groups that are for validation may all lie in the fold's test.
  const std::vector<std::string>& texts = training.texts(split.column);
  const std::set<std::string> there(texts.begin(), texts.end());
  std::erase_if(split.validation_groups, [&](const std::string& name) { return !there.contains(name); });
  if (split.validation_groups.empty()) split.by = SplitBy::time;  // with no share: all are learned from
  return inner;
}

// ---- Scores ----

/// What one fold gave: an entry an answer, as FoldAnswer has it.
struct FoldEntry {
  std::string target, name;
  Logs scores;
};

struct FoldResult {
  FoldRows rows;
  std::vector<FoldEntry> entries;
};

FoldResult result_of(const FoldRows& rows, const Evaluation& found) {
  FoldResult result{.rows = rows, .entries = {}};
  for (const TargetEvaluation& target : found.targets)
    for (const AnswerScores& answer : target.answers)
      result.entries.push_back({target.target, answer.name, answer.scores});
  return result;
}

FoldResult run_table_fold(const Recipe& recipe, const Table& rows, const Fold& fold) {
  const Table all = fold.train.of(rows), test = fold.test.of(rows);
  const Recipe inner = within_fold(recipe, all);
  const Parts parts = part_rows(inner, all);
  const Table training = parts.training.of(all), validation = parts.validation.of(all);
  const TrainedModel trained = train_model(inner, training, validation, quiet_options(inner));
  require_finite(trained);
  return result_of({training.rows(), validation.rows(), test.rows()},
                   evaluate_table(trained.model, test, &training, "fold"));
}

FoldResult run_stream_fold(const Recipe& recipe, const StreamRows& rows, const FoldRuns& fold) {
  const StreamRows all = rows.of(fold.train), test = rows.of(fold.test);
  const TimeSplit split = at_place(Place{recipe.source}.key("split"), "",
                                   [&] { return split_by_time(all.size(), validation_share(recipe.split), 0); });
  StreamRows training = all.of(split.train);
  const StreamRows validation = all.of(split.validation);
  training.hold_out(validation);
  training.hold_out(test);
  const TrainedModel trained =
      train_stream(recipe, learn_stream(recipe, training), training, validation, quiet_options(recipe));
  require_finite(trained);
  return result_of({training.size(), validation.size(), test.size()}, evaluate_stream(trained.model, test, "fold"));
}

FoldResult run_forecast_fold(const Recipe& recipe, const Table& rows, const Fold& fold) {
  const ForecastFoldOptions options{
      .fit = forecast_fit(recipe, {}, true), .scores = recipe.forecast->scores, .weekends = recipe.forecast->weekends};
  const auto [table, histories, left_out] =
      detail::run_forecast_fold(new_forecaster(recipe), rows, readings_options(recipe), fold, options);
  require<DataError>(std::ranges::all_of(histories, is_finite), "the loss is no number any more");
  const Index held_out = options.fit.held_out(fold.train.size());
  FoldResult result{.rows = {fold.train.size() - held_out, held_out, fold.test.size()}, .entries = {}};
  for (const ScoreTable::Row& row : table.rows())
    result.entries.push_back(
        {horizon_text(row.horizon, table.seconds_a_reading()), row.model, detail::score_logs(row.scores)});
  return result;
}

// What went wrong, without the name of the recipe, which stands in front already.
std::string problem_text(const Recipe& recipe, const Error& error) {
  const std::string what = error.what(), source = recipe.source + ": ";
  return what.starts_with(source) ? what.substr(source.size()) : what;
}

template <class Run>
FoldResult run_fold(const Recipe& recipe, std::size_t number, const Run& run) {
  try {
    return run();
  } catch (const Error& error) {
    fail<DataError>("{}: fold {} (counted from 0): {}", place_of(recipe).text(), number, problem_text(recipe, error));
  }
}

const Logs* scores_in(const FoldResult& result, const FoldEntry& wanted) {
  for (const FoldEntry& entry : result.entries)
    if (entry.target == wanted.target && entry.name == wanted.name) return &entry.scores;
  return nullptr;
}

// Answers that every fold has: a baseline may have nothing to learn from in one of them.
CrossValidation gathered(const std::vector<FoldResult>& results) {
  CrossValidation found;
  for (const FoldResult& each : results) found.folds.push_back(each.rows);
  for (const FoldEntry& entry : results.front().entries) {
    std::vector<Logs> scores;
    for (const FoldResult& each : results)
      if (const Logs* there = scores_in(each, entry)) scores.push_back(*there);
    if (scores.size() == results.size())
      found.answers.push_back({entry.target, entry.name, FoldScores(std::move(scores))});
  }
  return found;
}

// ---- Tables ----

/// Answers of one target, in order.
std::vector<const FoldAnswer*> answers_of(const CrossValidation& found, const std::string& target) {
  std::vector<const FoldAnswer*> answers;
  for (const FoldAnswer& each : found.answers)
    if (each.target == target) answers.push_back(&each);
  return answers;
}

std::vector<std::string> targets_of(const CrossValidation& found) {
  std::vector<std::string> targets;
  for (const FoldAnswer& each : found.answers)
    if (std::find(targets.begin(), targets.end(), each.target) == targets.end()) targets.push_back(each.target);
  return targets;
}

std::string number_text(double value) { return std::isnan(value) ? "-" : fmt::format("{:.5g}", value); }

std::string target_text(const CrossValidation& found, const std::string& target) {
  const std::vector<const FoldAnswer*> answers = answers_of(found, target);
  std::size_t width = 0, figure_width = 0;
  for (const FoldAnswer* each : answers) width = std::max(width, each->name.size());
  const std::vector<std::string> figures = answers.front()->scores.names();
  for (const std::string& figure : figures) figure_width = std::max(figure_width, figure.size());
  std::string text =
      fmt::format("{}\n  {:{}}  {:{}}  {:>10}  {:>10}  folds\n", target, "", figure_width, "", width, "mean", "sd");
  for (const std::string& figure : figures)
    for (const FoldAnswer* each : answers) {
      text +=
          fmt::format("  {:{}}  {:{}}  {:>10}  {:>10} ", each == answers.front() ? figure : "", figure_width,
                      each->name, width, number_text(each->scores.mean(figure)), number_text(each->scores.sd(figure)));
      for (double value : each->scores.at(figure)) text += " " + number_text(value);
      text += "\n";
    }
  return text;
}

std::string target_html(const CrossValidation& found, const std::string& target) {
  std::string text = fmt::format(
      "<table>\n<caption>{}</caption>\n<tr><th></th><th></th><th>mean</th><th>deviation</th>", html_text(target));
  for (std::size_t i = 0; i < found.folds.size(); ++i) text += fmt::format("<th>fold {}</th>", i);
  text += "</tr>\n";
  const std::vector<const FoldAnswer*> answers = answers_of(found, target);
  for (const std::string& figure : answers.front()->scores.names())
    for (const FoldAnswer* each : answers) {
      text += fmt::format("<tr><th>{}</th><th>{}</th><td>{}</td><td>{}</td>", html_text(figure), html_text(each->name),
                          number_text(each->scores.mean(figure)), number_text(each->scores.sd(figure)));
      for (double value : each->scores.at(figure)) text += fmt::format("<td>{}</td>", number_text(value));
      text += "</tr>\n";
    }
  return text + "</table>\n";
}

}  // namespace

namespace {

// Calls run(fold) for each one.
template <class Folds, class Run>
CrossValidation run_folds(const Recipe& recipe, const Folds& folds, const RunOptions& options, const Run& run) {
  std::vector<FoldResult> results;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    results.push_back(run_fold(recipe, i, [&] { return run(folds[i]); }));
    if (options.fold_end) options.fold_end(gathered(results));
  }
  return gathered(results);
}

}  // namespace

CrossValidation cross_validate_recipe(const Recipe& recipe, const Table& rows, const RunOptions& options) {
  const std::vector<Fold> folds = folds_of(recipe, [&] { return part_into_folds(recipe, rows); });
  return run_folds(recipe, folds, options, [&](const Fold& fold) {
    return recipe.forecast ? run_forecast_fold(recipe, rows, fold) : run_table_fold(recipe, rows, fold);
  });
}

CrossValidation cross_validate_stream(const Recipe& recipe, const StreamRows& rows, const RunOptions& options) {
  const std::vector<FoldRuns> folds =
      folds_of(recipe, [&] { return part_into_runs(*recipe.cross_validation, rows.size()); });
  return run_folds(recipe, folds, options, [&](const FoldRuns& fold) { return run_stream_fold(recipe, rows, fold); });
}

std::string cross_validation_html(const CrossValidation& found) {
  std::string text =
      "<h2>Cross-validation</h2>\n<table>\n<tr><th></th><th>rows for training</th><th>validation</th>"
      "<th>test</th></tr>\n";
  for (std::size_t i = 0; i < found.folds.size(); ++i)
    text += fmt::format("<tr><th>fold {}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n", i, found.folds[i].training,
                        found.folds[i].validation, found.folds[i].test);
  text += "</table>\n";
  for (const std::string& target : targets_of(found)) text += target_html(found, target);
  return text;
}

}  // namespace maas::inline MAAS_ABI::recipe

namespace maas::inline MAAS_ABI {

const FoldScores& CrossValidation::at(std::string_view target, std::string_view name) const {
  std::string known;
  for (const FoldAnswer& each : answers) {
    if (each.target == target && each.name == name) return each.scores;
    known += (known.empty() ? "\"" : ", \"") + each.name + "\" of \"" + each.target + "\"";
  }
  fail<ConfigError>("CrossValidation: there is no \"{}\" of \"{}\"; there are {}", name, target, known);
}

std::string CrossValidation::text() const {
  std::string text = fmt::format("cross-validation: {} folds\n  {:>4}  {:>10}  {:>10}  {:>10}\n", folds.size(), "fold",
                                 "training", "validation", "test");
  for (std::size_t i = 0; i < folds.size(); ++i)
    text += fmt::format("  {:>4}  {:>10}  {:>10}  {:>10}\n", i, folds[i].training, folds[i].validation, folds[i].test);
  for (const std::string& target : recipe::targets_of(*this)) text += recipe::target_text(*this, target);
  return text;
}

}  // namespace maas::inline MAAS_ABI
