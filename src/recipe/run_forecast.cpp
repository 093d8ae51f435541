// run_recipe for forecasts: from readings to a forecaster, with baselines beside it.
#include <algorithm>
#include <cmath>
#include <limits>

#include "maas/core/new_file.hpp"
#include "maas/data/csv.hpp"
#include "maas/forecast/alarms.hpp"
#include "maas/forecast/baselines.hpp"
#include "maas/forecast/intervals.hpp"
#include "maas/forecast/sensor_inputs.hpp"
#include "maas/layers/input_layer.hpp"
#include "maas/layers/layers.hpp"
#include "maas/network/merge.hpp"
#include "maas/network/symbol.hpp"
#include "maas/recipe/report.hpp"
#include "recipe/forecast_parts.hpp"
#include "recipe/judged_alarms.hpp"
#include "recipe/parts.hpp"
#include "recipe/run.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

// A layer of its own in every network: networks of an ensemble are joined, where one handle would mean shared weights.
Layer own(const Layer& layer, bool named) {
  const Layer fresh = layer.named(named ? layer.name() : std::string());
  return layer.trainable() ? fresh : fresh.frozen();
}

// Before any memory is taken.
void check_network_sizes(const Recipe& recipe, const ForecastShape& shape) {
  const Place place = Place{recipe.source}.key("network");
  Index inputs = shape.features;
  if (shape.ids > 0) {
    checked_size(Shape{shape.ids, recipe.network.embedding}, place.key("embedding"));
    inputs += recipe.network.embedding;
  }
  std::vector<Layer> chain{InputLayer{Shape{inputs}}};
  chain.insert(chain.end(), recipe.network.layers.begin(), recipe.network.layers.end());
  chain.push_back(dense(shape.outputs));
  check_sizes(chain, place);
}

Forecaster::Build network_of(const Recipe& recipe) {
  return [recipe](const ForecastShape& shape) {
    const bool alone = recipe.forecast->networks == 1;
    try {
      check_network_sizes(recipe, shape);
      auto [inputs, last] = detail::sensor_inputs(shape, recipe.network.embedding);
      for (const Layer& layer : recipe.network.layers) last = own(layer, alone)(last);
      return Model(inputs, {dense(shape.outputs)(last)});
    } catch (const Error& error) {
      fail_network(recipe, error);
    }
  };
}

}  // namespace

ForecastFit forecast_fit(const Recipe& recipe, const RunOptions& options, bool quiet) {
  const RecipeForecast& forecast = *recipe.forecast;
  const bool alone = forecast.networks == 1;
  ForecastFit fit;
  fit.compile = recipe.training.compile;
  fit.networks = forecast.networks;
  fit.validation_share = recipe.split.validation / (1 - recipe.split.test);
  RunOptions run = options;
  if (!alone) run.callbacks.clear();
  fit.fit = quiet ? quiet_options(recipe) : fit_options(recipe, run);
  fit.fit.callbacks.clear();
  if (!alone) fit.fit.verbose = 0;  // side by side, their lines would mix
  require<ConfigError>(quiet || alone || backup_path(recipe, run).empty(),
                       "{}: expected none for an ensemble, whose networks are trained side by side",
                       Place{recipe.source}.key("training").key("backup").text());
  fit.callbacks = [recipe, run, quiet] {
    return quiet ? quiet_options(recipe).callbacks : fit_options(recipe, run).callbacks;
  };
  return fit;
}

ReadingsOptions readings_options(const Recipe& recipe) {
  return {.steps = recipe.pipeline.steps,
          .time = recipe.forecast->time,
          .sensors = recipe.forecast->sensors,
          .series = recipe.forecast->series,
          .known = recipe.forecast->options.known,
          .missing_column = recipe.pipeline.missing_column,
          .out_of_range = recipe.pipeline.out_of_range,
          .range_margin = recipe.pipeline.range_margin,
          .alike = !recipe.forecast->options.scale_each};
}

Forecaster new_forecaster(const Recipe& recipe) { return Forecaster(recipe.forecast->options, network_of(recipe)); }

void write_forecasts(NewFile& file, const Forecasts& forecasts, bool with_heading) {
  const bool has_series = !forecasts.series.empty();
  if (with_heading)
    file.write(has_series ? "series,origin,horizon,sensor,true,forecast\n" : "origin,horizon,sensor,true,forecast\n");
  const auto cell = [](Scalar value) { return std::isnan(value) ? std::string() : fmt::format("{:.9g}", value); };
  for (Index window = 0; window < forecasts.windows(); ++window) {
    const auto place = static_cast<std::size_t>(window);
    const std::string time =
        forecasts.times.empty() ? std::to_string(forecasts.origins[place]) : format_time(forecasts.times[place]);
    const std::string origin =
        (has_series ? detail::csv_cell(forecasts.series[place], detail::csv_special) + "," : std::string()) + time;
    std::string lines;
    for (std::size_t step = 0; step < forecasts.horizons.size(); ++step)
      for (std::size_t sensor = 0; sensor < forecasts.sensors.size(); ++sensor) {
        const Index column = forecasts.column(static_cast<Index>(step), static_cast<Index>(sensor));
        lines += fmt::format("{},{},{},{},{}\n", origin, forecasts.horizons[step],
                             detail::csv_cell(forecasts.sensors[sensor], detail::csv_special),
                             cell(forecasts.truth(window, column)), cell(forecasts.values(window, column)));
      }
    file.write(lines);
  }
}

void check_test_size(const Recipe& recipe, Index rows) {
  const ForecastWindowOptions& windows = recipe.forecast->options.windows;
  const Index least = windows.lags + windows.horizons.back();
  require<DataError>(rows == 0 || rows >= least,
                     "{}: expected none or at least {} rows, which a window takes (lags and the last horizon), got {}",
                     Place{recipe.source}.key("split").key("test").text(), least, rows);
}

namespace {

// Of networks that stop early each has its own number of them.
std::string epochs_text(const std::vector<History>& histories) {
  std::string text;
  for (const History& history : histories) text += (text.empty() ? "" : ", ") + std::to_string(history.epochs().size());
  return text;
}

}  // namespace

Report forecast_report(const Recipe& recipe, const RecipeResult& result, const std::vector<History>& histories) {
  Report page{.title = recipe.name.empty() ? recipe.source : recipe.name, .description = recipe.description};
  page.facts = {
      {"rows", std::to_string(result.rows.all)},
      {"for training", fmt::format("{}, {} of them left out by steps", result.rows.training, result.rows.left_out)},
      {"for validation", std::to_string(result.rows.validation)},
      {"for the test", std::to_string(result.rows.test)},
      {"sensors", std::to_string(result.forecaster->sensors().size())},
      {"networks", std::to_string(recipe.forecast->networks)},
      {"weights", std::to_string(result.model.network().parameters().count())},
      {"epochs", epochs_text(histories)}};
  if (histories.size() == 1)
    page.history = histories.front();
  else
    page.ensemble = histories;
  page.scores = result.scores;
  page.forecasts = result.forecasts;
  page.null_value = recipe.forecast->scores.null_value;
  if (const auto& intervals = result.forecaster->intervals(); intervals && result.forecasts)
    page.intervals = intervals_around(*intervals, *result.forecasts);
  page.coverage = result.coverage;
  page.alarms = result.alarms;
  page.naive_alarms = result.naive_alarms;
  page.cross_validation = result.cross_validation;
  page.tuning = result.tuning;
  page.data = result.data;
  return page;
}

namespace {

void write_outputs(const Recipe& recipe, const RecipeResult& result, const std::vector<History>& histories) {
  const RecipeOutput& output = recipe.output;
  if (!output.model.empty()) result.forecaster->save(file_in(recipe.folder, output.model));
  if (!output.predictions.empty()) {
    NewFile file(file_in(recipe.folder, output.predictions));
    write_forecasts(file, *result.forecasts, true);
    file.commit();
  }
  if (!output.report.empty())
    write_report(file_in(recipe.folder, output.report), forecast_report(recipe, result, histories));
}

// Split calibration on all errors, and beside it the one that follows what comes, where that was asked for.
std::vector<IntervalCoverage> judge(const ConformalIntervals& calibrated, const Forecasts& calibration,
                                    const Forecasts& test) {
  const IntervalOptions& options = calibrated.options();
  ConformalIntervals plain({.coverage = options.coverage});
  std::vector<IntervalCoverage> found = judge_intervals(plain.calibrate(calibration), test);
  if (options.rate == 0 && options.window == 0) return found;
  const std::vector<IntervalCoverage> both = judge_intervals(calibrated, test);  // the first half does not follow
  found.insert(found.end(), both.begin() + static_cast<std::ptrdiff_t>(found.size()), both.end());
  return found;
}

// Intervals and alarm that are saved with the forecaster, and what they are worth on the test readings.
void add_intervals(const RecipeForecast& wanted, const ForecastWindows& held_back, const std::optional<Readings>& test,
                   RecipeResult& result) {
  const Forecasts calibration = result.forecaster->forecast(held_back);
  ConformalIntervals intervals(*wanted.intervals);
  intervals.calibrate(calibration);
  std::optional<ConformalIntervals> naive;
  if (wanted.alarm) naive = calibrate_naive(*wanted.intervals, held_back);
  result.forecaster->set_intervals(intervals, wanted.alarm, naive);
  if (!test) return;
  result.coverage = judge(intervals, calibration, *result.forecasts);
  const JudgedAlarms judged = judge_alarms_of(*result.forecaster, *test, *result.forecasts);
  result.alarms = judged.alarms;
  result.naive_alarms = judged.naive;
}

}  // namespace

void note_texts(const Recipe& recipe, const Table& table, std::vector<std::string>& warnings) {
  for (Index i = 0; i < table.columns(); ++i)
    if (const Column& column = table.column(i);
        column.type == ColumnType::text && !column.why_text.empty() && column.name != recipe.forecast->series)
      warnings.push_back(fmt::format("\"{}\" is a column of texts and no sensor: {}", column.name, column.why_text));
}

namespace {

// A copy of the one that `base` names.
Forecaster forecaster_in(const Recipe& recipe) {
  return forecaster_of(*recipe.base_model, file_in(recipe.folder, recipe.base));
}

}  // namespace

std::optional<Recipe> going_on_with_forecasts(const Recipe& recipe) {
  if (recipe.base.empty()) return std::nullopt;
  if (!recipe.base_model->info().forecast) return std::nullopt;
  const Place place{recipe.source};
  for (const auto& [there, key] :
       {std::pair(recipe.tuner.has_value(), "tuner"), {recipe.data.stream.has_value(), "data.stream"}})
    require<ConfigError>(!there, "{}: {}: expected none beside a base that is a forecaster", recipe.source, key);
  const ForecastFrame frame = forecaster_in(recipe).frame();
  Recipe onward = recipe;
  onward.forecast = RecipeForecast{.options = frame.options, .scores = frame.scores, .alarm = frame.alarm};
  if (frame.intervals) onward.forecast->intervals = frame.intervals->options();
  check_forecast(onward, place);
  return onward;
}

namespace {

// A forecaster that goes on from a file, compiled anew where the recipe has a loss.
Forecaster base_forecaster(const Recipe& recipe) {
  Forecaster forecaster = forecaster_in(recipe);
  if (recipe.training.compile.loss)
    at_place(Place{recipe.source}.key("training"), "", [&] { forecaster.model().compile(recipe.training.compile); });
  require<ConfigError>(forecaster.model().is_compiled(),
                       "{}: expected a model that was compiled, or a loss in training, got neither",
                       Place{recipe.source}.key("base").text());
  return forecaster;
}

}  // namespace

TrainedForecaster train_forecaster(const Recipe& recipe, const Table& rows, const RunOptions& options, bool quiet) {
  const ForecastFit fit = forecast_fit(recipe, options, quiet);
  const bool goes_on = !recipe.base.empty();
  TrainedForecaster result{.forecaster = goes_on ? base_forecaster(recipe) : new_forecaster(recipe), .histories = {}};
  result.histories = at_place(Place{recipe.source}.key(goes_on ? "base" : "forecast"), "", [&] {
    return goes_on ? std::vector<History>{result.forecaster.fit_more(rows, fit)}
                   : result.forecaster.fit(rows, readings_options(recipe), fit);
  });
  result.held_out = fit.held_out(rows.rows());
  result.finite = std::all_of(result.histories.begin(), result.histories.end(),
                              [](const History& each) { return is_finite(each); });
  return result;
}

namespace {

// The row that the validation share begins with.
Index validation_begin(const Recipe& recipe, const Table& rows) {
  return rows.rows() - forecast_fit(recipe, {}, true).held_out(rows.rows());
}

// Before the training, which would be in vain: steps may name sensors, so these are known once they have learned.
void check_alarm(const Recipe& recipe, const ReadingsPipeline& learned) {
  const std::optional<AlarmOptions>& alarm = recipe.forecast->alarm;
  if (!alarm || alarm->values.empty() || !recipe.base.empty()) return;  // that of a base has stood this
  at_place(Place{recipe.source}.key("forecast").key("alarm"), "",
           [&] { alarm->check(recipe.forecast->options.windows.horizons, learned.sensors()); });
}

// Likewise what a policy refuses in rows to measure on.
void check_held_out(const Recipe& recipe, const ReadingsPipeline& learned, const Table& validation, const Table& test) {
  const Place place = Place{recipe.source}.key(recipe.base.empty() ? "pipeline" : "base");
  // Steps do not look from one series into another.
  const bool may_have_series = !recipe.base.empty() || !readings_options(recipe).series.empty();
  const auto look = [&](const Table& rows, std::string_view part) {
    if (rows.rows() == 0) return;
    at_place(place, part, [&] {
      if (may_have_series)
        learned.prepare(rows);
      else
        learned.pipeline().apply(rows);
    });
  };
  look(validation, "validation rows: ");
  look(test, "test rows: ");
}

void check_before_training(const Recipe& recipe, const Table& rows, const Table& test) {
  const Index begin = validation_begin(recipe, rows);
  std::optional<ReadingsPipeline> learned;
  if (!recipe.base.empty())
    learned = forecaster_in(recipe).frame().table;
  else
    at_place(Place{recipe.source}.key("forecast"), "", [&] {
      const Table training = rows.part(0, begin);
      at_step(
          Place{recipe.source}.key("pipeline"), recipe.pipeline.steps, [&] { return training; },
          [&] { learned = ReadingsPipeline(readings_options(recipe)).fit(training); });
    });
  if (!learned) return;  // of a base that knows readings alone
  check_alarm(recipe, *learned);
  check_held_out(recipe, *learned, rows.part(begin, rows.rows()), test);
}

}  // namespace

LearnedReadings learned_readings(const Recipe& recipe, const Table& rows) {
  const Index cut = validation_begin(recipe, rows);
  ReadingsPipeline pipeline(readings_options(recipe));
  PreparedReadings prepared = pipeline.fit(rows.part(0, cut)).prepare(rows, {}, cut);
  const auto learned = std::lower_bound(prepared.rows.begin(), prepared.rows.end(), cut) - prepared.rows.begin();
  return {std::move(prepared), learned};
}

RecipeResult run_forecast(const Recipe& recipe, const RunOptions& options) {
  auto [all, found, duplicates, reading] = read_rows(recipe);
  Table table = std::move(all);
  const TimeSplit split =
      at_place(Place{recipe.source}.key("split"), "", [&] { return split_by_time(table, 0, recipe.split.test); });
  const Table rows = split.train.of(table);
  check_before_training(recipe, rows, split.test.of(table));
  std::optional<Tuning> tuning;
  if (recipe.tuner) tuning = tune(recipe, rows, Table(), options);
  const Recipe chosen = tuned(recipe, tuning);
  std::optional<CrossValidation> folds;
  if (recipe.cross_validation) folds = cross_validate_recipe(chosen, rows, options);

  const RecipeForecast& wanted = *chosen.forecast;
  check_test_size(chosen, split.test.size());
  auto [forecaster, histories, held_out, finite] = train_forecaster(chosen, rows, options, false);
  const Readings training = forecaster.readings(rows, {}, rows.rows() - held_out);
  const Index learned = forecaster.learned_readings();
  RecipeResult result{.model = forecaster.model(),
                      .history = histories.front(),
                      .rows = {.duplicates = duplicates,
                               .all = table.rows(),
                               .training = rows.rows() - held_out,
                               .validation = held_out,
                               .test = split.test.size(),
                               .left_out = rows.rows() - held_out - learned},
                      .data = std::move(found),
                      .tuning = std::move(tuning),
                      .cross_validation = std::move(folds),
                      .finite = finite};
  if (wanted.sensors.empty()) note_texts(recipe, table, result.warnings);
  if (!result.finite) return result;
  result.forecaster = std::move(forecaster);
  result.forecaster->set_reading(reading);
  const ForecastWindows learned_from = result.forecaster->windows(training).targets_before(learned);
  const Index most = wanted.large_baselines ? std::numeric_limits<Index>::max() : KeptBaselines::most_numbers;
  std::optional<Readings> test;
  if (split.test.size() > 0) {
    test = result.forecaster->readings(split.test.of(table));
    std::vector<std::string> left_out;
    const std::vector<Baseline> baselines = fit_baselines(learned_from, wanted.weekends, &left_out);
    result.scores = result.forecaster->compare(baselines, *test, wanted.scores);
    result.forecasts = result.forecaster->forecast(*test);
    result.forecaster->set_baselines(baselines, left_out, most);
  } else {
    const KeptBaselines kept = fit_kept_baselines(learned_from, wanted.weekends, most);
    result.forecaster->set_baselines(kept.baselines, kept.left_out, most);
  }
  result.forecaster->set_scores(wanted.scores);
  if (wanted.intervals) add_intervals(wanted, result.forecaster->windows(training).targets_from(learned), test, result);
  write_outputs(chosen, result, histories);
  return result;
}

}  // namespace maas::inline MAAS_ABI::recipe
