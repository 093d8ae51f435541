// run_recipe for forecasts of files that are larger than memory: blocks of rows are read when they are needed.
#include <algorithm>
#include <limits>
#include <utility>

#include "maas/core/new_file.hpp"
#include "recipe/forecast_parts.hpp"
#include "recipe/judged_stream.hpp"
#include "recipe/parts.hpp"
#include "recipe/row_files.hpp"
#include "recipe/run.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

/// Rows in order of time: those to learn from, the last share of which is measured on, and those of the test.
struct ForecastRows {
  StreamedTable before_test;
  std::optional<StreamedTable> test;
  CsvOptions reading;
  Index all = 0;
};

ForecastRows rows_of(const Recipe& recipe) {
  const Place place{recipe.source};
  const RowFiles files(recipe);
  const TimeSplit split =
      at_place(place.key("split"), "", [&] { return split_by_time(files.rows(), 0, recipe.split.test); });
  const RecipeStream& wanted = *recipe.data.stream;
  const StreamedTable all(
      {.rows = files.rows(),
       .read = [files](Index first, Index count) { return files.read(first, count); },
       .name = recipe.source,
       .steps = place.key("pipeline").text()},
      {.block_rows = wanted.block_rows, .mixed_blocks = wanted.mixed_blocks, .prefetch = wanted.prefetch});
  ForecastRows result{
      .before_test = all.part(split.train), .test = {}, .reading = files.reading(), .all = files.rows()};
  if (split.test.size() > 0) result.test = all.part(split.test);
  return result;
}

// Intervals that are saved with the forecaster, and those that they are judged beside.
std::optional<CalibratedIntervals> calibrated(const Recipe& recipe, const StreamedReadings& training,
                                              Forecaster& forecaster) {
  const RecipeForecast& wanted = *recipe.forecast;
  if (!wanted.intervals) return std::nullopt;
  const StreamedWindows held_back = forecaster.windows(training).targets_from(forecaster.learned_readings());
  CalibratedIntervals found = at_place(Place{recipe.source}.key("forecast").key("intervals"), "",
                                       [&] { return calibrate_in_blocks(*wanted.intervals, forecaster, held_back); });
  if (wanted.alarm) found.naive = calibrate_naive_in_blocks(*wanted.intervals, held_back);
  forecaster.set_intervals(found.wanted, wanted.alarm, found.naive);
  return found;
}

// Baselines beside the forecaster, and kept with it.
void compare(const Recipe& recipe, const StreamedReadings& training, const std::optional<StreamedWindows>& test,
             RecipeResult& result) {
  const RecipeForecast& wanted = *recipe.forecast;
  Forecaster& forecaster = *result.forecaster;
  const WindowParts learned_from = forecaster.windows(training).targets_before(forecaster.learned_readings()).parts();
  const Index most = wanted.large_baselines ? std::numeric_limits<Index>::max() : KeptBaselines::most_numbers;
  forecaster.set_scores(wanted.scores);
  if (!test) {
    const KeptBaselines kept = fit_kept_baselines(learned_from, wanted.weekends, most);
    return forecaster.set_baselines(kept.baselines, kept.left_out, most);
  }
  std::vector<std::string> left_out;
  const std::vector<Baseline> baselines = fit_baselines(learned_from, wanted.weekends, &left_out);
  result.scores = forecaster.compare(baselines, *test, wanted.scores);
  forecaster.set_baselines(baselines, left_out, most);
}

// What a policy refuses in rows to measure on is said before the training, which would be in vain.
void check_before_training(const Recipe& recipe, const ForecastRows& rows, Index learned) {
  if (recipe.pipeline.out_of_range != OutOfRange::error && recipe.pipeline.steps.empty()) return;
  const ReadingsPipeline pipeline = at_place(Place{recipe.source}.key("forecast"), "", [&] {
    const StreamedTable training = rows.before_test.part({0, learned});
    std::optional<ReadingsPipeline> found;
    at_step(
        Place{recipe.source}.key("pipeline"), recipe.pipeline.steps,
        [&] { return training.read(0, std::min<Index>(training.rows(), 1000)); },
        [&] { found = learn_readings(training, readings_options(recipe)); });
    return *found;
  });
  const auto look = [&](const StreamedTable& part, std::string_view what) {
    const Index block = part.options().block_rows;
    at_place(Place{recipe.source}.key("pipeline"), what, [&] {
      for (Index first = 0; first < part.rows(); first += block)
        pipeline.pipeline().apply(part.read(first, std::min(block, part.rows() - first)));
    });
  };
  if (learned < rows.before_test.rows())
    look(rows.before_test.part({learned, rows.before_test.rows()}), "validation rows: ");
  if (rows.test) look(*rows.test, "test rows: ");
}

// All that is told of the forecasts of the test, which are written as they come.
JudgedStream judge(const Recipe& recipe, const Forecaster& forecaster, const StreamedWindows& test,
                   const std::optional<CalibratedIntervals>& intervals) {
  if (recipe.output.predictions.empty()) return judge_in_blocks(forecaster, test, intervals);
  NewFile file(file_in(recipe.folder, recipe.output.predictions));
  bool is_first = true;
  JudgedStream judged = judge_in_blocks(forecaster, test, intervals, [&](const Forecasts& block) {
    write_forecasts(file, block, std::exchange(is_first, false));
  });
  file.commit();
  return judged;
}

}  // namespace

RecipeResult run_stream_forecast(const Recipe& recipe, const RunOptions& options) {
  const ForecastRows rows = rows_of(recipe);
  check_test_size(recipe, rows.test ? rows.test->rows() : 0);
  const ForecastFit fit = forecast_fit(recipe, options, false);
  check_before_training(recipe, rows, rows.before_test.rows() - fit.held_out(rows.before_test.rows()));
  Forecaster forecaster = new_forecaster(recipe);
  const std::vector<History> histories = at_place(Place{recipe.source}.key("forecast"), "", [&] {
    return forecaster.fit(rows.before_test, readings_options(recipe), fit);
  });
  const Index held_out = fit.held_out(rows.before_test.rows()), learned = forecaster.learned_readings();
  RecipeResult result{
      .model = forecaster.model(),
      .history = histories.front(),
      .rows = {.all = rows.all,
               .training = rows.before_test.rows() - held_out,
               .validation = held_out,
               .test = rows.test ? rows.test->rows() : 0,
               .left_out = rows.before_test.rows() - held_out - learned},
      .data = {},
      .finite = std::all_of(histories.begin(), histories.end(), [](const History& each) { return is_finite(each); })};
  if (recipe.forecast->sensors.empty()) note_texts(recipe, rows.before_test.read(0, 1), result.warnings);
  if (!result.finite) return result;
  result.forecaster = std::move(forecaster);
  result.forecaster->set_reading(rows.reading);
  const StreamedReadings training = result.forecaster->readings(rows.before_test);
  std::optional<StreamedWindows> test;
  if (rows.test) test = result.forecaster->windows(result.forecaster->readings(*rows.test));
  compare(recipe, training, test, result);
  const std::optional<CalibratedIntervals> intervals = calibrated(recipe, training, *result.forecaster);
  JudgedStream judged;
  if (test) judged = judge(recipe, *result.forecaster, *test, intervals);
  result.coverage = std::move(judged.coverage);
  result.alarms = judged.alarms;
  result.naive_alarms = judged.naive_alarms;
  result.forecasts = judged.last.forecasts();
  if (!recipe.output.model.empty()) result.forecaster->save(file_in(recipe.folder, recipe.output.model));
  if (recipe.output.report.empty()) return result;
  Report page = forecast_report(recipe, result, histories);
  page.intervals = judged.last.intervals();
  if (!judged.note().empty()) page.notes.push_back(judged.note());
  write_report(file_in(recipe.folder, recipe.output.report), page);
  return result;
}

}  // namespace maas::inline MAAS_ABI::recipe
