// run_recipe for files that are larger than memory: blocks of rows are read when they are needed.
#include "recipe/stream.hpp"

#include <algorithm>
#include <cmath>

#include "data/learn_in_passes.hpp"
#include "maas/core/random.hpp"
#include "maas/forecast/drift.hpp"
#include "recipe/parts.hpp"
#include "recipe/raw_targets.hpp"
#include "recipe/stream_scores.hpp"
#include "recipe/stream_steps.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

// Of more rows than the reference looks at one in so many, scattered: not always one of the same time of day.
DriftReference reference_of(const Pipeline& pipeline, const StreamRows& training) {
  constexpr Index most_rows = 10000;
  const Index stride = (training.size() + most_rows - 1) / most_rows;
  const auto features = static_cast<Index>(pipeline.feature_names().size());
  std::vector<Scalar> numbers;
  Index first = 0;  // of the part, among the training rows
  training.learn_from_each([&](const Table& part) {
    std::vector<Index> rows;
    for (Index i = (first + stride - 1) / stride * stride; i < first + part.rows(); i += stride) {
      const auto scattered =
          static_cast<Index>(Random(0).uniform(static_cast<std::uint64_t>(i)) * static_cast<double>(stride));
      rows.push_back(std::min(i + scattered, first + part.rows() - 1) - first);
    }
    first += part.rows();
    if (rows.empty()) return;
    const Matrix x = pipeline.samples(part.select(rows)).x;
    numbers.insert(numbers.end(), x.data(), x.data() + x.size());
  });
  const Index rows = features > 0 ? static_cast<Index>(numbers.size()) / features : 0;
  return DriftReference::of(ConstMatrixView(numbers.data(), rows, features), pipeline.feature_names());
}

KeptFigures figures_of(const Pipeline& pipeline, const StreamRows& training) {
  TableBaselines baselines;
  const Table first = training.read(0, 1);
  const std::vector<std::string> targets = raw_targets(pipeline, first);
  const std::map<std::string, KnownTarget> known = known_targets(targets, time_column(pipeline, first), training);
  for (const std::string& name : targets) {
    TargetBaseline found = baseline_of(name, known.at(name), pipeline);
    if (found.mean || !found.majority.empty()) baselines.targets.push_back(std::move(found));
  }
  return {.baselines = baselines.config(), .reference = reference_of(pipeline, training).config()};
}

Pipeline learned_pipeline(const Recipe& recipe, const StreamRows& training) {
  const Place place = Place{recipe.source}.key("pipeline");
  const std::optional<Model> base = base_of(recipe);
  if (!base)
    return at_place(place, "", [&] {
      Pipeline learned;
      at_step(
          place, recipe.pipeline.steps, [&] { return training.read(0, std::min<Index>(training.size(), 1000)); },
          [&] { learned = learn_pipeline(recipe.pipeline, training, place); });
      return learned;
    });
  check_row_order(recipe, base->info().pipeline->steps());
  return *base->info().pipeline;
}

// Calls look(row, time) for the rows of a run.
template <class Look>
void for_each_time(const StreamRows& rows, const std::string& column, Look&& look) {
  Index row = rows.runs.empty() ? 0 : rows.runs.front().begin;
  rows.for_each([&](const Table& part) {
    for (double time : part.column(column).numbers) look(row++, time);
  });
}

// What a policy refuses in rows to measure on is said before anything is trained. Gives a note where they are of times
// before those that are learned from.
std::string check_held_out(const Recipe& recipe, const Pipeline& pipeline, const StreamParts& rows) {
  const Place place = Place{recipe.source}.key(recipe.base.empty() ? "pipeline" : "base");
  struct Part {
    const StreamRows& rows;
    std::string_view text, what;
  };
  const Part parts[] = {{rows.validation, "validation rows: ", "validation"}, {rows.test, "test rows: ", "the test"}};
  for (const Part& each : parts)
    at_place(place, each.text, [&] { each.rows.for_each([&](const Table& part) { pipeline.apply(part); }); });
  TimeOrder order{.column = time_column(pipeline, rows.training.read(0, 1))};
  if (order.column.empty() || rows.validation.size() + rows.test.size() == 0) return "";
  for_each_time(rows.training, order.column, [&](Index row, double time) { order.learn_from(row, time); });
  for (const Part& each : parts)
    for_each_time(each.rows, order.column, [&](Index row, double time) { order.measure_on(row, time, each.what); });
  return order.note;
}

/// What was learned, and what is odd about the rows to measure on.
struct CheckedStream {
  LearnedStream learned;
  std::string note;
};

CheckedStream checked_stream(const Recipe& recipe, const StreamParts& rows) {
  CheckedStream result{.learned = learn_stream(recipe, rows.training), .note = {}};
  result.note = check_held_out(recipe, *result.learned.pipeline, rows);
  return result;
}

}  // namespace

StreamParts part_stream(const Recipe& recipe) {
  RowFiles files(recipe);
  const TimeSplit split = at_place(Place{recipe.source}.key("split"), "", [&] {
    return split_by_time(files.rows(), recipe.split.validation, recipe.split.test);
  });
  const Index part = rows_a_part(StreamRows{files, {{0, files.rows()}}}.parts(), recipe.data.stream->block_rows);
  const auto rows_of = [&](const RowRange& range) {
    return StreamRows{files, range.size() > 0 ? std::vector{range} : std::vector<RowRange>(), part};
  };
  files.hold_out(split.test);
  StreamRows before_test = rows_of({0, split.test.size() > 0 ? split.test.begin : files.rows()});
  files.hold_out(split.validation);
  return {rows_of(split.train), rows_of(split.validation), rows_of(split.test), std::move(before_test)};
}

LearnedStream learn_stream(const Recipe& recipe, const StreamRows& training) {
  auto pipeline = std::make_shared<const Pipeline>(learned_pipeline(recipe, training));
  KeptFigures kept = figures_of(*pipeline, training);
  return {std::move(pipeline), std::move(kept)};
}

Streamed stream_samples(const Recipe& recipe, const LearnedStream& learned, const StreamRows& rows) {
  const RecipeStream& wanted = *recipe.data.stream;
  StreamOptions options{
      .block_rows = wanted.block_rows, .mixed_blocks = wanted.mixed_blocks, .prefetch = wanted.prefetch};
  // Messages count the rows of one run as the files do.
  const bool one_run = rows.runs.size() == 1;
  if (one_run) options.rows = rows.runs.front();
  const StreamRows counted = one_run ? StreamRows{rows.files, {{0, rows.files.rows()}}, rows.part} : rows;
  return samples_in_blocks(learned.pipeline, counted.parts(), rows.part, options,
                           Place{recipe.source}.key("pipeline").key("steps").text());
}

TrainedModel train_stream(const Recipe& recipe, const LearnedStream& learned, const StreamRows& training,
                          const StreamRows& validation, FitOptions fit) {
  fit.class_weight = class_weights(recipe, *learned.pipeline, Matrix());
  if (validation.size() > 0) fit.validation_set = Dataset(stream_samples(recipe, learned, validation));
  const Streamed samples = stream_samples(recipe, learned, training);
  TrainedModel result{.model = ready_model(recipe, base_of(recipe), *learned.pipeline, learned.kept, fit),
                      .history = {},
                      .left_out = training.size() - samples.size()};
  result.history =
      at_place(Place{recipe.source}.key("training"), "", [&] { return result.model.fit(Dataset(samples), fit); });
  result.finite = is_finite(result.history);
  return result;
}

RecipeResult run_stream(const Recipe& recipe, const RunOptions& options) {
  StreamParts rows = part_stream(recipe);
  std::optional<CheckedStream> checked;
  if (!tunes_rows(recipe)) checked = checked_stream(recipe, rows);
  std::optional<Tuning> tuning;
  if (recipe.tuner) tuning = tune_stream(recipe, rows, checked ? &checked->learned : nullptr, options);
  Recipe chosen = tuned(recipe, tuning);
  if (tunes_reading(recipe)) rows = part_stream(chosen);
  chosen.data.csv = rows.files().reading();
  if (!checked) checked = checked_stream(chosen, rows);
  std::optional<CrossValidation> folds;
  if (recipe.cross_validation) folds = cross_validate_stream(chosen, rows.before_test, options);

  TrainedModel trained =
      train_stream(chosen, checked->learned, rows.training, rows.validation, fit_options(chosen, options));
  RecipeResult result{.model = std::move(trained.model),
                      .history = std::move(trained.history),
                      .rows = {.all = rows.files().rows(),
                               .training = rows.training.size(),
                               .validation = rows.validation.size(),
                               .test = rows.test.size(),
                               .left_out = trained.left_out},
                      .data = {},
                      .tuning = std::move(tuning),
                      .cross_validation = std::move(folds),
                      .finite = trained.finite};
  if (!checked->note.empty()) result.warnings.push_back(std::move(checked->note));
  if (!result.finite) return result;
  for (const auto& [part, name] : {std::pair(&rows.validation, "validation"), std::pair(&rows.test, "test")})
    if (part->size() > 0) result.evaluations.push_back(evaluate_stream(result.model, *part, name));
  write_outputs(chosen, result, {});
  return result;
}

}  // namespace maas::inline MAAS_ABI::recipe
