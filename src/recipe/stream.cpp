// run_recipe for files that are larger than memory: blocks of rows are read when they are needed.
#include <algorithm>
#include <cmath>
#include <memory>

#include "maas/core/random.hpp"
#include "maas/data/streamed.hpp"
#include "maas/forecast/drift.hpp"
#include "recipe/parts.hpp"
#include "recipe/raw_targets.hpp"
#include "recipe/row_files.hpp"
#include "recipe/run.hpp"
#include "recipe/stream_scores.hpp"
#include "recipe/stream_steps.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

// Rows that are looked at together, in memory for a moment.
Index rows_a_part(const RecipeStream& wanted, const RowFiles& files) {
  if (wanted.block_rows > 0) return std::min(wanted.block_rows, files.rows());
  constexpr Index bytes = 1 << 20;
  const Index columns = std::max<Index>(files.read(0, 1).columns(), 1);
  return std::clamp<Index>(bytes / (columns * static_cast<Index>(sizeof(double))), 1, files.rows());
}

using FilesPointer = std::shared_ptr<const RowFiles>;
using PipelinePointer = std::shared_ptr<const Pipeline>;

/// Samples of rows of which a step leaves some out: where each part's begin is counted once.
class KeptSamples {
 public:
  KeptSamples(FilesPointer files, PipelinePointer pipeline, const RowRange& range, Index part)
      : files_(std::move(files)), pipeline_(std::move(pipeline)), range_(range), part_(part) {
    for (Index i = 0; i * part_ < range_.size(); ++i) ends_.push_back(size() + samples(i).x.rows());
  }

  Index size() const { return ends_.empty() ? 0 : ends_.back(); }

  void operator()(Index first, MatrixView x, MatrixView y) const {
    auto part = static_cast<Index>(std::upper_bound(ends_.begin(), ends_.end(), first) - ends_.begin());
    for (Index done = 0; done < x.rows(); ++part) {
      const PreparedSamples found = samples(part);
      const Index skipped = first + done - (ends_[static_cast<std::size_t>(part)] - found.x.rows());
      const Index count = std::min(found.x.rows() - skipped, x.rows() - done);
      x.middleRows(done, count) = found.x.middleRows(skipped, count);
      y.middleRows(done, count) = found.y.middleRows(skipped, count);
      done += count;
    }
  }

 private:
  PreparedSamples samples(Index part) const {
    const Index first = range_.begin + part * part_;
    return pipeline_->samples(files_->read(first, std::min(part_, range_.end - first)));
  }

  FilesPointer files_;
  PipelinePointer pipeline_;
  RowRange range_;
  Index part_;
  std::vector<Index> ends_;  // samples up to and with each part
};

Streamed samples_of(const Recipe& recipe, const FilesPointer& files, const PipelinePointer& pipeline,
                    const RowRange& range, Index part) {
  const RecipeStream& wanted = *recipe.data.stream;
  StreamSource source{.features = Shape{static_cast<Index>(pipeline->feature_names().size())},
                      .targets = Shape{static_cast<Index>(pipeline->target_names().size())},
                      .name = Place{recipe.source}.key("pipeline").key("steps").text(),
                      .feature_names = pipeline->feature_names(),
                      .target_names = pipeline->target_names()};
  StreamOptions options{
      .block_rows = wanted.block_rows, .mixed_blocks = wanted.mixed_blocks, .prefetch = wanted.prefetch};
  if (leaves_rows_out(*pipeline)) {
    KeptSamples kept(files, pipeline, range, part);
    require<DataError>(kept.size() > 0, "{}: expected rows behind the steps, got none", source.name);
    source.rows = kept.size();
    source.read = std::move(kept);
  } else {
    source.rows = files->rows();
    source.read = [files, pipeline](Index first, MatrixView x, MatrixView y) {
      const Table rows = files->read(first, x.rows());
      x = pipeline->apply(rows);
      y = pipeline->targets(rows);
    };
    options.rows = range;
  }
  return Streamed(std::move(source), options);
}

// Of more rows than the reference looks at one in so many, scattered: not always one of the same time of day.
DriftReference reference_of(const Pipeline& pipeline, const StreamRows& training) {
  constexpr Index most_rows = 10000;
  const Index stride = (training.range.size() + most_rows - 1) / most_rows;
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
  const std::vector<std::string> targets = raw_targets(pipeline, training.files.read(training.range.begin, 1));
  const std::map<std::string, KnownTarget> known = known_targets(targets, training);
  for (const std::string& name : targets) {
    TargetBaseline found = baseline_of(name, known.at(name), pipeline);
    if (found.mean || !found.majority.empty()) baselines.targets.push_back(std::move(found));
  }
  return {.baselines = baselines.config(), .reference = reference_of(pipeline, training).config()};
}

}  // namespace

namespace {

Pipeline learned_pipeline(const Recipe& recipe, const std::optional<Model>& base, const StreamRows& training) {
  const Place place = Place{recipe.source}.key("pipeline");
  if (!base) return at_place(place, "", [&] { return learn_pipeline(recipe.pipeline, training, place); });
  check_row_order(recipe, base->info().pipeline->steps());
  return *base->info().pipeline;
}

// Calls look(row, time) for the rows of a range.
template <class Look>
void for_each_time(const StreamRows& rows, const std::string& column, Look&& look) {
  Index row = rows.range.begin;
  rows.files.for_each(rows.range, rows.part, [&](const Table& part) {
    for (double time : part.column(column).numbers) look(row++, time);
  });
}

// What a policy refuses in rows to measure on is said before anything is trained. Gives a note where they are of times
// before those that are learned from.
std::string check_held_out(const Recipe& recipe, const Pipeline& pipeline, const StreamRows& training,
                           const TimeSplit& split) {
  const Place place = Place{recipe.source}.key(recipe.base.empty() ? "pipeline" : "base");
  struct Part {
    RowRange range;
    std::string_view rows, what;
  };
  const Part parts[] = {{split.validation, "validation rows: ", "validation"}, {split.test, "test rows: ", "the test"}};
  for (const Part& each : parts)
    at_place(place, each.rows, [&] {
      training.files.for_each(each.range, training.part, [&](const Table& rows) { pipeline.apply(rows); });
    });
  TimeOrder order{.column = time_column(pipeline, training.files.read(split.train.begin, 1))};
  if (order.column.empty() || split.validation.size() + split.test.size() == 0) return "";
  for_each_time(training, order.column, [&](Index row, double time) { order.learn_from(row, time); });
  for (const Part& each : parts)
    for_each_time({training.files, each.range, training.part}, order.column,
                  [&](Index row, double time) { order.measure_on(row, time, each.what); });
  return order.note;
}

}  // namespace

RecipeResult run_stream(const Recipe& recipe, const RunOptions& options) {
  const auto opened = std::make_shared<RowFiles>(recipe);
  Recipe read = recipe;
  read.data.csv = opened->reading();
  const TimeSplit split = at_place(Place{recipe.source}.key("split"), "", [&] {
    return split_by_time(opened->rows(), recipe.split.validation, recipe.split.test);
  });
  opened->hold_out(split.validation);
  opened->hold_out(split.test);
  const FilesPointer files = opened;
  const Index part = rows_a_part(*recipe.data.stream, *files);
  const StreamRows training{*files, split.train, part};
  std::optional<Model> base = base_of(recipe);
  const auto pipeline = std::make_shared<const Pipeline>(learned_pipeline(recipe, base, training));
  std::string note = check_held_out(recipe, *pipeline, training, split);

  FitOptions fit = fit_options(recipe, options);
  fit.class_weight = class_weights(recipe, *pipeline, Matrix());
  if (split.validation.size() > 0)
    fit.validation_set = Dataset(samples_of(recipe, files, pipeline, split.validation, part));
  const Streamed samples = samples_of(recipe, files, pipeline, split.train, part);
  RecipeResult result{.model = ready_model(read, std::move(base), *pipeline, figures_of(*pipeline, training), fit),
                      .history = {},
                      .rows = {.all = files->rows(),
                               .training = split.train.size(),
                               .validation = split.validation.size(),
                               .test = split.test.size(),
                               .left_out = split.train.size() - samples.size()},
                      .data = {}};
  if (!note.empty()) result.warnings.push_back(std::move(note));
  result.history =
      at_place(Place{recipe.source}.key("training"), "", [&] { return result.model.fit(Dataset(samples), fit); });
  result.finite = is_finite(result.history);
  if (!result.finite) return result;
  for (const auto& [range, name] : {std::pair(split.validation, "validation"), std::pair(split.test, "test")})
    if (range.size() > 0) result.evaluations.push_back(evaluate_stream(result.model, {*files, range, part}, name));
  write_outputs(recipe, result, {});
  return result;
}

}  // namespace maas::inline MAAS_ABI::recipe
