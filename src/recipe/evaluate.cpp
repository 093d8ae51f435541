// evaluate_table: a model's answers beside the truth, and beside what needs no model.
#include <algorithm>
#include <cmath>

#include "maas/data/times.hpp"
#include "maas/forecast/scores.hpp"
#include "maas/recipe/evaluation.hpp"
#include "maas/recipe/table_file.hpp"
#include "recipe/class_scores.hpp"
#include "recipe/naive.hpp"
#include "recipe/parts.hpp"
#include "recipe/raw_targets.hpp"
#include "recipe/weekly_means.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

// ---- Scores ----

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

Logs number_scores(const std::vector<double>& truth, const std::vector<double>& answers) {
  const Scores scores = score(answers, truth);
  return {{"mae", scores.mae}, {"rmse", scores.rmse}, {"r2", scores.r2}};
}

Counts confusion_of(const std::vector<double>& truth, const std::vector<double>& answers, std::size_t classes) {
  Counts counts(classes, std::vector<Index>(classes, 0));
  for (std::size_t i = 0; i < truth.size(); ++i)
    ++counts[static_cast<std::size_t>(truth[i])][static_cast<std::size_t>(answers[i])];
  return counts;
}

// ---- Truth and answers ----

struct Pairs {
  TargetEvaluation found;
  const std::vector<double>* times = nullptr;  // of the rows of the table, where there are some
};

const Column& target_column(const Table& rows, const std::string& target) {
  require<DataError>(rows.contains(target), "evaluate: expected the target \"{}\" in the rows, got no such column",
                     target);
  return rows.column(target);
}

double position_in(std::vector<std::string>& classes, const std::string& text) {
  auto place = std::find(classes.begin(), classes.end(), text);
  if (place == classes.end()) place = classes.insert(classes.end(), text);
  return static_cast<double>(place - classes.begin());
}

void add_pair(TargetEvaluation& found, std::size_t row, double truth, double answer) {
  found.rows.push_back(static_cast<Index>(row));
  found.truth.push_back(truth);
  found.predicted.push_back(answer);
}

void pair_texts(TargetEvaluation& found, const Column& truth, const Column& answers) {
  found.is_class = true;
  for (std::size_t row = 0; row < truth.texts.size(); ++row) {
    if (truth.texts[row].empty() || answers.texts[row].empty()) continue;
    const double expected = position_in(found.classes, truth.texts[row]);
    add_pair(found, row, expected, position_in(found.classes, answers.texts[row]));
  }
}

void pair_numbers(TargetEvaluation& found, const Column& truth, const Column& answers, bool binary) {
  for (std::size_t row = 0; row < truth.numbers.size(); ++row) {
    if (!std::isfinite(truth.numbers[row]) || !std::isfinite(answers.numbers[row])) continue;
    add_pair(found, row, truth.numbers[row], answers.numbers[row]);
  }
  const auto is_bit = [](double value) { return value == 0 || value == 1; };
  if (!binary || !std::all_of(found.truth.begin(), found.truth.end(), is_bit)) return;
  found.is_class = true;
  found.classes = {"0", "1"};
  for (double& answer : found.predicted) answer = answer > 0.5 ? 1 : 0;
}

// ---- What needs no model ----

// Of those that occur equally often the first: in the pipeline's order, and behind them as they come.
std::string most_frequent(const Column& column, std::vector<std::string> classes) {
  std::vector<Index> counts(classes.size(), 0);
  for (const std::string& text : column.texts) {
    if (text.empty()) continue;
    const auto place = static_cast<std::size_t>(position_in(classes, text));
    counts.resize(classes.size(), 0);
    ++counts[place];
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  return most == counts.end() || *most == 0 ? "" : classes[static_cast<std::size_t>(most - counts.begin())];
}

TargetBaseline baseline_of(const std::string& target, const Column& column, const Pipeline& pipeline,
                           const std::vector<double>* times) {
  TargetBaseline found{.target = target};
  if (column.type == ColumnType::text) {
    const auto* classes = pipeline.classes_of(target);
    found.majority = most_frequent(column, classes == nullptr ? std::vector<std::string>() : *classes);
    return found;
  }
  std::vector<double> known;
  for (double number : column.numbers)
    if (std::isfinite(number)) known.push_back(number);
  if (known.empty()) return found;
  found.mean = mean_of(known);
  if (std::ranges::all_of(known, [](double number) { return number == 0 || number == 1; }))
    found.majority = *found.mean > 0.5 ? "1" : "0";
  if (times == nullptr) return found;
  WeeklySums sums;
  for (std::size_t row = 0; row < times->size(); ++row) sums.add((*times)[row], column.numbers[row]);
  found.hours = sums.means(*found.mean);
  return found;
}

void add_class_baseline(TargetEvaluation& found, const TargetBaseline& known, const std::string& prefix) {
  if (known.majority.empty()) return;
  std::vector<std::string> classes = found.classes;
  const auto answer = static_cast<std::size_t>(position_in(classes, known.majority));
  Counts counts(classes.size(), std::vector<Index>(classes.size(), 0));
  for (double truth : found.truth) ++counts[static_cast<std::size_t>(truth)][answer];
  found.answers.push_back({prefix + "majority class", class_scores(counts)});
}

void add_number_baselines(TargetEvaluation& found, const TargetBaseline& known, const std::vector<double>& times,
                          const std::string& prefix) {
  if (!known.mean) return;
  std::vector<double> answers(found.truth.size(), *known.mean);
  found.answers.push_back({prefix + "mean", number_scores(found.truth, answers)});
  if (known.hours.empty() || times.empty()) return;
  for (std::size_t i = 0; i < answers.size(); ++i)
    if (const auto hour = hour_of_week(times[static_cast<std::size_t>(found.rows[i])])) answers[i] = known.hours[*hour];
  found.answers.push_back({prefix + std::string(weekly_mean_name), number_scores(found.truth, answers)});
}

// ---- Intervals ----

void add_coverage(std::vector<IntervalCoverage>& found, const std::string& kind, double nominal,
                  const Intervals& intervals, const Forecasts& forecasts) {
  for (Index horizon : forecasts.horizons) {
    const Coverage got = coverage(intervals, forecasts, horizon);
    found.push_back(
        {kind + ", " + horizon_text(horizon, forecasts.seconds_a_reading), nominal, got.share, got.mean_width});
  }
  const Coverage all = coverage(intervals, forecasts);
  found.push_back({kind + ", all horizons", nominal, all.share, all.mean_width});
}

// ---- Text ----

std::string scores_text(const TargetEvaluation& found) {
  std::size_t width = 0;
  for (const AnswerScores& answer : found.answers) width = std::max(width, answer.name.size());
  std::string text = fmt::format("  {:{}}", "", width);
  for (const auto& [name, value] : found.answers.front().scores) text += fmt::format("  {:>17}", name);
  for (const AnswerScores& answer : found.answers) {
    text += fmt::format("\n  {:{}}", answer.name, width);
    for (const auto& [name, value] : answer.scores)
      text += std::isnan(value) ? fmt::format("  {:>17}", "-")
                                : fmt::format("  {:>17.{}f}", value, found.is_class || name == "r2" ? 4 : 3);
  }
  return text + "\n";
}

std::string confusion_text(const TargetEvaluation& found) {
  std::size_t width = 8;
  for (const std::string& name : found.classes) width = std::max(width, name.size() + 2);
  std::string text = fmt::format("  true \\ answered\n  {:{}}", "", width);
  for (const std::string& name : found.classes) text += fmt::format("{:>{}}", name, width);
  for (std::size_t i = 0; i < found.classes.size(); ++i) {
    text += fmt::format("\n  {:{}}", found.classes[i], width);
    for (Index count : found.confusion[i]) text += fmt::format("{:>{}}", count, width);
  }
  return text + "\n";
}

// Learned of these rows, whatever they are for.
TableBaselines baselines_of(const Pipeline& pipeline, const Table& rows) {
  const std::string time = time_column(pipeline, rows);
  TableBaselines result;
  for (const std::string& target : raw_targets(pipeline, rows)) {
    const Column& column = target_column(rows, target);
    TargetBaseline found = baseline_of(target, column, pipeline, time.empty() ? nullptr : &rows.column(time).numbers);
    if (found.mean || !found.majority.empty()) result.targets.push_back(std::move(found));
  }
  return result;
}

// Baselines, too, are not judged by rows that they have learned from.
void require_other_rows(const Table& rows, const Table& training) {
  LearnedRows learned;
  learned.add(training.marks());
  detail::require_unlearned("baselines", rows, learned);
}

}  // namespace

}  // namespace maas::inline MAAS_ABI::recipe

namespace maas::inline MAAS_ABI {

std::string Evaluation::text() const {
  std::string text = fmt::format("{}: {} rows{}\n", name, rows,
                                 unanswered > 0 ? fmt::format(", {} without an answer", unanswered) : "");
  for (const TargetEvaluation& target : targets) {
    const Index left_out = rows - target.count();
    text +=
        fmt::format(
            "{}, {} rows{}\n", target.target, target.count(),
            left_out > 0 ? fmt::format(", {} left out without a truth and an answer that are finite", left_out) : "") +
        recipe::scores_text(target);
    if (target.is_class && target.classes.size() <= 12) text += recipe::confusion_text(target);
  }
  return text;
}

TableBaselines TableBaselines::of(const Pipeline& pipeline, const Table& training) {
  detail::require_training("baselines", training);
  return recipe::baselines_of(pipeline, training);
}

Config TableBaselines::config() const {
  Config::List list;
  for (const TargetBaseline& each : targets) {
    Config one = Config{}.set("target", each.target);
    if (!each.majority.empty()) one.set("majority", each.majority);
    if (each.mean) one.set("mean", *each.mean);
    if (!each.hours.empty()) one.set("hours", to_config(each.hours));
    list.push_back(std::move(one));
  }
  return Config{}.set("targets", std::move(list));
}

TableBaselines TableBaselines::from(const Config& config) {
  const auto number = [](const Config& value, const std::string& where) {
    const double result = value.as_real(where);
    require<ConfigError>(std::isfinite(result), "{}: expected finite numbers, got {}", where, result);
    return result;
  };
  TableBaselines result;
  for (const Config& each : config.at("targets").as_list("baselines targets")) {
    TargetBaseline& target = result.targets.emplace_back();
    target.target = each.at("target").as_string("baselines target");
    const std::string where = fmt::format("baselines of \"{}\"", target.target);
    if (const Config* majority = each.find("majority")) target.majority = majority->as_string(where);
    if (const Config* mean = each.find("mean")) target.mean = number(*mean, where);
    if (const Config* hours = each.find("hours"))
      for (const Config& hour : hours->as_list(where)) target.hours.push_back(number(hour, where));
    require<ConfigError>(target.hours.empty() || target.hours.size() == recipe::hours_a_week,
                         "{}: expected a mean for each of 168 hours, got {}", where, target.hours.size());
  }
  return result;
}

Evaluation evaluate_table(const Model& model, const Table& rows, const Table* training, const std::string& name) {
  using namespace recipe;
  require<StateError>(model.info().pipeline.has_value(),
                      "evaluate: expected a model with a pipeline, as maas train saves one; got one without");
  const Pipeline& pipeline = *model.info().pipeline;
  if (training != nullptr) require_other_rows(rows, *training);
  const Table answers = model.predict_table(rows);
  const std::string time = time_column(pipeline, rows);
  const bool are_kept = training == nullptr && model.info().baselines;
  const std::string prefix = training == nullptr && !are_kept ? "best " : "";
  const TableBaselines baselines = are_kept              ? TableBaselines::from(*model.info().baselines)
                                   : training == nullptr ? baselines_of(pipeline, rows)
                                                         : TableBaselines::of(pipeline, *training);

  Evaluation result{.name = name, .rows = rows.rows()};
  if (!time.empty()) result.times = rows.times(time);
  for (const std::string& target : answers.names()) {
    TargetEvaluation found{.target = target};
    if (const auto* classes = pipeline.classes_of(target)) found.classes = *classes;
    const Column &truth = target_column(rows, target), &answered = answers.column(target);
    require<DataError>(truth.type == answered.type,
                       "evaluate: expected in the target \"{}\" what the model gives, {}; "
                       "got {}",
                       target, answered.type == ColumnType::text ? "texts" : "numbers",
                       truth.type == ColumnType::text ? "texts" : "numbers");
    Index missing = 0;
    for (std::size_t row = 0; row < static_cast<std::size_t>(answered.rows()); ++row)
      missing +=
          answered.type == ColumnType::text ? answered.texts[row].empty() : !std::isfinite(answered.numbers[row]);
    result.unanswered = std::max(result.unanswered, missing);
    if (truth.type == ColumnType::text)
      pair_texts(found, truth, answered);
    else
      pair_numbers(found, truth, answered, is_binary(model));
    require<DataError>(!found.rows.empty(), "evaluate: expected a row with a true \"{}\" and an answer, got none",
                       target);
    const auto known = std::ranges::find(baselines.targets, target, &TargetBaseline::target);
    const TargetBaseline baseline = known == baselines.targets.end() ? TargetBaseline() : *known;
    if (found.is_class) {
      found.confusion = confusion_of(found.truth, found.predicted, found.classes.size());
      found.answers.push_back({"model", class_scores(found.confusion)});
      add_class_baseline(found, baseline, prefix);
    } else {
      found.answers.push_back({"model", number_scores(found.truth, found.predicted)});
      add_number_baselines(found, baseline, result.times, prefix);
    }
    result.targets.push_back(std::move(found));
  }
  return result;
}

Intervals intervals_around(const ConformalIntervals& calibrated, const Forecasts& forecasts) {
  ConformalIntervals follows = calibrated;
  return follows.follow(forecasts);
}

std::vector<IntervalCoverage> judge_intervals(const ConformalIntervals& calibrated, const Forecasts& forecasts) {
  calibrated.require_unseen("judge_intervals", forecasts);
  const IntervalOptions& options = calibrated.options();
  std::vector<IntervalCoverage> found;
  recipe::add_coverage(found, "split", options.coverage, calibrated.around(forecasts.values), forecasts);
  if (options.rate == 0 && options.window == 0) return found;
  recipe::add_coverage(found, "adaptive", options.coverage, intervals_around(calibrated, forecasts), forecasts);
  return found;
}

AlarmReport judge_alarms(const ConformalIntervals& calibrated, const Forecasts& forecasts,
                         const AlarmOptions& options) {
  calibrated.require_unseen("judge_alarms", forecasts);
  ConformalIntervals follows = calibrated;
  Matrix chances;
  follows.follow(forecasts, options.values_of(forecasts.sensors), chances);
  return judge_alarms(forecasts, raise_alarms(forecasts, chances, options), options);
}

std::optional<ConformalIntervals> calibrate_naive(const IntervalOptions& options, const ForecastWindows& calibration) {
  ConformalIntervals naive(options);
  try {
    return naive.calibrate(recipe::naive_forecasts(calibration));
  } catch (const DataError&) {
    return std::nullopt;  // an alarm does without, as scores do without a baseline that can learn nothing
  }
}

AlarmReport judge_naive_alarms(const ConformalIntervals& naive, const ForecastWindows& windows,
                               const AlarmOptions& options) {
  return judge_alarms(naive, recipe::naive_forecasts(windows), options);
}

Table read_table_for(const Pipeline& pipeline, const std::string& path, CsvOptions options) {
  // What a column is to hold is asked only of those that are there: files to predict for lack targets.
  CsvOptions untyped = options;
  untyped.types.clear();
  const Table guessed = read_table(path, untyped);
  std::erase_if(options.types, [&](const auto& each) { return !guessed.contains(each.first); });
  std::vector<std::string> names = pipeline.needed_columns();
  names.insert(names.end(), pipeline.target_names().begin(), pipeline.target_names().end());
  for (const std::string& name : names)
    if (const auto type = pipeline.column_type(name); type && guessed.contains(name)) options.types[name] = *type;
  return read_table(path, options);
}

}  // namespace maas::inline MAAS_ABI
