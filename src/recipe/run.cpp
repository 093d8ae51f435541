// run_recipe: from files to a trained, measured and saved model.
#include "recipe/run.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "maas/forecast/drift.hpp"
#include "maas/model/checkpoint.hpp"
#include "maas/model/load.hpp"
#include "maas/recipe/recipe.hpp"
#include "maas/training/backup.hpp"
#include "maas/training/callbacks.hpp"
#include "recipe/parts.hpp"
#include "recipe/row_files.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

// A row to measure on that is of a time before the last one that is learned from. Empty where there is none.
std::string order_note(const Recipe& recipe, const Pipeline& pipeline, const Table& table, const Parts& parts,
                       const std::vector<Index>& file_rows) {
  if (recipe.split.by != SplitBy::time) return "";
  TimeOrder order{.column = time_column(pipeline, table)};
  if (order.column.empty()) return "";
  const std::vector<double>& times = table.column(order.column).numbers;
  const auto place = [](Index row) { return static_cast<std::size_t>(row); };
  for (Index row : parts.training) order.learn_from(file_rows[place(row)], times[place(row)]);
  for (Index row : parts.validation) order.measure_on(file_rows[place(row)], times[place(row)], "validation");
  for (Index row : parts.test) order.measure_on(file_rows[place(row)], times[place(row)], "the test");
  return order.note;
}

// ---- Samples ----

void require_complete(const Recipe& recipe, const Pipeline& pipeline, const PreparedSamples& samples,
                      std::string_view part) {
  const Place place = place_of(recipe, "pipeline").key("steps");
  require<DataError>(samples.x.rows() > 0, "{}: expected {} rows behind the steps, got none", place.text(), part);
  const auto look = [&](const Matrix& numbers, const std::vector<std::string>& names, std::string_view kind) {
    for (Index column = 0; column < numbers.cols(); ++column) {
      Index missing = 0, first = -1;
      for (Index row = 0; row < numbers.rows(); ++row)
        if (!std::isfinite(numbers(row, column)) && ++missing == 1) first = samples.rows[static_cast<std::size_t>(row)];
      require<DataError>(missing == 0,
                         "{}: expected numbers in the {} \"{}\", got {} of {} {} rows without one, the first row {} of "
                         "them (counted from 0); impute fills them, drop_missing_rows leaves them out",
                         place.text(), kind, names[static_cast<std::size_t>(column)], missing, numbers.rows(), part,
                         first);
    }
  };
  look(samples.x, pipeline.feature_names(), "feature");
  look(samples.y, pipeline.target_names(), "target");
}

Place pipeline_place(const Recipe& recipe) { return place_of(recipe, recipe.base.empty() ? "pipeline" : "base"); }

Pipeline learned_pipeline(const Recipe& recipe, const std::optional<Model>& base, const Table& training) {
  Pipeline pipeline = base ? *base->info().pipeline : Pipeline(recipe.pipeline);
  check_row_order(recipe, pipeline.steps());
  if (!base)
    at_place(pipeline_place(recipe), "", [&] {
      at_step(
          pipeline_place(recipe), recipe.pipeline.steps, [&] { return training; }, [&] { pipeline.fit(training); });
    });
  return pipeline;
}

PreparedSamples samples_of(const Recipe& recipe, const Pipeline& pipeline, const Table& rows, std::string_view part) {
  PreparedSamples samples =
      at_place(pipeline_place(recipe), fmt::format("{} rows: ", part), [&] { return pipeline.samples(rows); });
  require_complete(recipe, pipeline, samples, part);
  return samples;
}

// What a policy refuses in rows to measure on is said before anything is trained.
void check_held_out(const Recipe& recipe, const Table& training, const Table& validation, const Table& test) {
  if (validation.rows() + test.rows() == 0) return;
  const Pipeline pipeline = learned_pipeline(recipe, base_of(recipe), training);
  const auto look = [&](const Table& rows, std::string_view part) {
    if (rows.rows() > 0) at_place(pipeline_place(recipe), part, [&] { pipeline.apply(rows); });
  };
  look(validation, "validation rows: ");
  look(test, "test rows: ");
}

}  // namespace

namespace {

void require_no_backup(const Place& place, const std::string& path) {
  std::error_code problem;
  require<ConfigError>(!std::filesystem::exists(path, problem),
                       "{}: there is a backup of a run that was stopped, {}; go on from it (--resume), or remove it",
                       place.text(), path);
}

}  // namespace

std::string backup_path(const Recipe& recipe, const RunOptions& options) {
  const Place place = place_of(recipe, "training").key("backup");
  std::string path = recipe.training.backup;
  if (path.empty() && options.resume) {
    require<ConfigError>(!recipe.output.model.empty(), "{}: expected the name of a file to resume from, got none",
                         place.text());
    path = recipe.output.model + ".backup";
  }
  if (path.empty()) return path;
  path = file_in(recipe.folder, path);
  if (!options.resume) require_no_backup(place, path);
  return path;
}

namespace {

// A run that is asked to resume keeps its backup beside the model, though the recipe names none: one without that wish
// would replace the model, and leave a state that the next wish goes on from.
void check_backup(const Recipe& recipe, const RunOptions& options) {
  backup_path(recipe, options);
  if (options.resume || !recipe.training.backup.empty() || recipe.output.model.empty()) return;
  require_no_backup(place_of(recipe, "output").key("model"), file_in(recipe.folder, recipe.output.model + ".backup"));
}

}  // namespace

FitOptions fit_options(const Recipe& recipe, const RunOptions& options) {
  const RecipeTraining& training = recipe.training;
  FitOptions fit{.epochs = training.epochs,
                 .batch_size = training.batch_size,
                 .verbose = options.verbose,
                 .shuffle = training.shuffle,
                 .seed = static_cast<std::uint64_t>(training.seed),
                 .callbacks = options.callbacks,
                 .validation_freq = training.validation_freq};
  for (const auto& make : training.callbacks) fit.callbacks.push_back(make());
  if (std::string path = backup_path(recipe, options); !path.empty())
    fit.callbacks.push_back(BackupAndRestore{
        .path = std::move(path), .save_freq = training.backup_freq, .min_seconds = training.backup_seconds});
  return fit;
}

bool is_finite(const History& history) {
  if (!history.contains("loss") || history["loss"].empty()) return true;
  return std::isfinite(history["loss"].back());
}

void require_finite(const TrainedModel& trained) {
  require<DataError>(trained.finite, "the loss is no number any more after {} epochs", trained.history.epochs().size());
}

Recipe with_base_model(const Recipe& recipe) {
  Recipe result = recipe;
  if (!recipe.base.empty() && !recipe.base_model)
    result.base_model = std::make_shared<const Model>(load_model(file_in(recipe.folder, recipe.base)));
  return result;
}

std::optional<Model> base_of(const Recipe& recipe) {
  if (recipe.base.empty()) return std::nullopt;
  const std::string path = file_in(recipe.folder, recipe.base), place = place_of(recipe, "base").text();
  Model model = *recipe.base_model;
  require<ConfigError>(model.info().pipeline.has_value(),
                       "{}: expected a model that was saved with its pipeline, got {}", place, path);
  require<ConfigError>(model.is_compiled() || recipe.training.compile.loss,
                       "{}: expected a model that was compiled, or a loss in training, got neither", place);
  return model;
}

FitOptions quiet_options(const Recipe& recipe) {
  Recipe plain = recipe;
  plain.training.backup.clear();
  FitOptions fit = fit_options(plain, {.verbose = 0});
  std::erase_if(fit.callbacks, [](const Callback& each) {
    return each.as<ModelCheckpoint>() != nullptr || each.as<CSVLogger>() != nullptr;
  });
  return fit;
}

TrainedModel train_model(const Recipe& recipe, const Table& training, const Table& validation, FitOptions fit) {
  std::optional<Model> base = base_of(recipe);
  const Pipeline pipeline = learned_pipeline(recipe, base, training);
  const PreparedSamples samples = samples_of(recipe, pipeline, training, "training");
  KeptFigures kept{.baselines = TableBaselines::of(pipeline, training).config(),
                   .reference = DriftReference::of(samples.x, pipeline.feature_names()).config()};
  TrainedModel result{.model = ready_model(recipe, std::move(base), pipeline, std::move(kept), fit), .history = {}};
  result.left_out = training.rows() - samples.x.rows();
  fit.class_weight = class_weights(recipe, pipeline, samples.y);
  if (validation.rows() > 0) {
    PreparedSamples held_out = samples_of(recipe, pipeline, validation, "validation");
    fit.validation_data = ValidationData{.x = std::move(held_out.x), .y = std::move(held_out.y)};
  }
  result.history =
      at_place(place_of(recipe, "training"), "", [&] { return result.model.fit(samples.x, samples.y, fit); });
  result.finite = is_finite(result.history);
  return result;
}

}  // namespace maas::inline MAAS_ABI::recipe

namespace maas::inline MAAS_ABI {

RecipeResult run_recipe(const Recipe& given, const RunOptions& options) {
  namespace parts = maas::recipe;
  parts::check_backup(given, options);  // what is wrong with it is said before a search
  parts::check_outputs(given);
  const Recipe recipe = parts::with_base_model(given);
  if (recipe.forecast)
    return recipe.data.stream ? parts::run_stream_forecast(recipe, options) : parts::run_forecast(recipe, options);
  if (const std::optional<Recipe> onward = parts::going_on_with_forecasts(recipe))
    return parts::run_forecast(*onward, options);
  if (recipe.data.stream) return parts::run_stream(recipe, options);
  parts::PartedRows rows = parts::parted_rows(recipe);
  const auto check_held_out = [&](const Recipe& settled) {
    parts::check_held_out(settled, rows.training, rows.validation, rows.test);
  };
  const bool tunes_rows = parts::tunes_rows(recipe);
  if (!tunes_rows) check_held_out(recipe);
  std::optional<Tuning> tuning;
  if (recipe.tuner) tuning = parts::tune(recipe, rows.training, rows.validation, options);
  Recipe chosen = parts::tuned(recipe, tuning);
  if (parts::tunes_reading(recipe)) rows = parts::parted_rows(chosen);
  const auto& [training, validation, test] = std::tie(rows.training, rows.validation, rows.test);
  auto& [table, found, duplicates, reading] = rows.read;
  chosen.data.csv = reading;
  if (tunes_rows) check_held_out(chosen);
  std::optional<CrossValidation> folds;
  if (recipe.cross_validation)
    folds = parts::cross_validate_recipe(chosen, rows.parts.before_test().of(table), options);

  const std::vector<Index> file_rows = parts::rows_of_files(recipe, table.rows(), duplicates, found);
  parts::TrainedModel trained = parts::train_model(chosen, training, validation, parts::fit_options(chosen, options));
  RecipeResult result{.model = std::move(trained.model),
                      .history = std::move(trained.history),
                      .rows = {.duplicates = duplicates,
                               .all = table.rows(),
                               .training = training.rows(),
                               .validation = validation.rows(),
                               .test = test.rows(),
                               .left_out = trained.left_out},
                      .data = std::move(found),
                      .tuning = std::move(tuning),
                      .cross_validation = std::move(folds),
                      .finite = trained.finite};
  if (!result.finite) return result;
  const Model& model = result.model;
  if (std::string note = parts::order_note(recipe, *model.info().pipeline, table, rows.parts, file_rows); !note.empty())
    result.warnings.push_back(std::move(note));
  if (validation.rows() > 0) result.evaluations.push_back(evaluate_table(model, validation, &training, "validation"));
  if (test.rows() > 0) result.evaluations.push_back(evaluate_table(model, test, &training, "test"));
  std::vector<Index> test_rows;
  for (Index row : rows.parts.test) test_rows.push_back(file_rows[static_cast<std::size_t>(row)]);
  parts::write_outputs(recipe, result, test_rows);
  return result;
}

}  // namespace maas::inline MAAS_ABI
