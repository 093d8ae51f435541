// What running a recipe for tables and one for forecasts have in common.
#pragma once

#include <string>

#include "maas/data/folds.hpp"
#include "maas/recipe/recipe.hpp"
#include "maas/recipe/report.hpp"
#include "recipe/place.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// Of a key at the top of the recipe.
inline Place place_of(const Recipe& recipe, std::string_view section) { return Place{recipe.source}.key(section); }

struct LearnedStream;  // in stream.hpp
struct StreamParts;
struct StreamRows;

/// The rows of all files, what was found in them, and how many came twice and are left out.
struct RecipeRowsRead {
  Table table;
  DataReport found;
  Index duplicates;
  CsvOptions reading;  ///< as the recipe says, but with the order of dates that was found
};
RecipeRowsRead read_rows(const Recipe& recipe);

/// Which rows of a table are for what.
struct Parts {
  RowList training, validation = {.rows = {}, .held_out = true}, test = {.rows = {}, .held_out = true};

  /// Those that are not for the test, in the order of the table.
  RowList before_test() const;
};
Parts part_rows(const Recipe& recipe, const Table& table);

/// The rows of all files, shared out.
struct PartedRows {
  RecipeRowsRead read;  ///< of whose table the test rows are held out
  Parts parts;
  Table training, validation, test;
};
PartedRows parted_rows(const Recipe& recipe);
/// The row of the files, one after another, that each row of a table of so many is. `found` is the report of all of
/// them.
std::vector<Index> rows_of_files(const Recipe& recipe, Index rows, Index duplicates, const DataReport& found);

/// A model that has learned from rows, with its pipeline.
struct TrainedModel {
  Model model;
  History history;
  Index left_out = 0;  ///< of the training rows, by steps
  bool finite = true;  ///< whether the last loss is a number
};
/// Throws DataError where it is none: for trials and folds.
void require_finite(const TrainedModel& trained);
/// Fits the pipeline to the training rows, builds, compiles and fits the network. `validation` may have no rows. Throws
/// what run_recipe throws.
TrainedModel train_model(const Recipe& recipe, const Table& training, const Table& validation, FitOptions fit);

// What training has in memory and in a stream in common.

/// The recipe with the model of its `base`, if there is one, read now.
Recipe with_base_model(const Recipe& recipe);
/// A copy of the model of `base` with its pipeline, which with_base_model has read; nothing where the recipe has none.
std::optional<Model> base_of(const Recipe& recipe);
/// What of the training rows is kept with the model: see ModelInfo.
struct KeptFigures {
  Config baselines, reference;
};
/// The base, or a new network for the features of the pipeline; with the pipeline and the figures in it, and compiled.
/// Checkpoints of the fit are told what to write beside it. Throws ConfigError where network and pipeline do not fit.
Model ready_model(const Recipe& recipe, std::optional<Model> base, const Pipeline& pipeline, KeptFigures kept,
                  const FitOptions& fit);
/// By the numbers of classes. `y` are the targets, which balanced weights are counted of.
std::map<int, double> class_weights(const Recipe& recipe, const Pipeline& pipeline, const Matrix& y);
/// What cannot be written, or would replace what is read, is said before hours of training. Throws ConfigError.
void check_outputs(const Recipe& recipe);
/// Model, predictions and report. `test_rows` are those that predictions are written of.
void write_outputs(const Recipe& recipe, RecipeResult& result, const std::vector<Index>& test_rows);

/// What the final training is told, but without all that writes files or prints: for trials and folds.
FitOptions quiet_options(const Recipe& recipe);

/// How a forecaster of a recipe learns; `quiet`: without all that writes files or prints.
ForecastFit forecast_fit(const Recipe& recipe, const RunOptions& options, bool quiet);
/// How rows become its readings.
ReadingsOptions readings_options(const Recipe& recipe);
/// One that has not learned.
Forecaster new_forecaster(const Recipe& recipe);

/// A forecaster that has learned from rows in order of time, the last share of which was measured on.
struct TrainedForecaster {
  Forecaster forecaster;
  std::vector<History> histories;
  Index held_out = 0;  ///< rows that were not learned from
  bool finite = true;
};
/// `quiet`: without all that writes files or prints.
TrainedForecaster train_forecaster(const Recipe& recipe, const Table& rows, const RunOptions& options, bool quiet);

/// The readings that train_forecaster makes of rows, without a network.
struct LearnedReadings {
  PreparedReadings prepared;
  Index learned = 0;  ///< of the first so many it learns, on those behind it measures
};
LearnedReadings learned_readings(const Recipe& recipe, const Table& rows);

/// The file that keeps the state of the training; empty for none. Throws ConfigError for one that is there already and
/// is not to be resumed from.
std::string backup_path(const Recipe& recipe, const RunOptions& options);

/// What fit is told, with new callbacks: those of the run, of the recipe, and the backup.
FitOptions fit_options(const Recipe& recipe, const RunOptions& options);

/// Numbers in a value of this shape. Throws ConfigError for more than any file may have.
Index checked_size(const Shape& shape, const Place& place);

/// Layers say what they need before any memory is taken: sizes in a recipe may be anything. The first one is the input.
/// Throws ConfigError for more numbers in a sample, in a weight or in all weights than any file may have.
void check_sizes(const std::vector<Layer>& chain, const Place& place);

/// Throws a ConfigError for what is wrong with the network, with its place in front where it has none.
[[noreturn]] void fail_network(const Recipe& recipe, const Error& error);

/// Whether the last loss is a number.
bool is_finite(const History& history);

/// Throws ConfigError for a recipe that says of a forecast what cannot be.
void check_forecast(const Recipe& recipe, const Place& place);
/// A recipe with a base as one for forecasts, where that is a forecaster: its file says what stands in `forecast`.
/// Nothing for another base, and for none. Throws ConfigError for what does not go with it.
std::optional<Recipe> going_on_with_forecasts(const Recipe& recipe);
RecipeResult run_forecast(const Recipe& recipe, const RunOptions& options);
RecipeResult run_stream(const Recipe& recipe, const RunOptions& options);
/// A forecast beside data.stream.
RecipeResult run_stream_forecast(const Recipe& recipe, const RunOptions& options);

// In tuner.cpp and folds.cpp.

/// Whether the recipe has a tuner that changes how cells are read: each trial reads the files anew then.
bool tunes_reading(const Recipe& recipe);
/// Whether it has one that changes what becomes of rows before they are samples: reading, or the pipeline.
bool tunes_rows(const Recipe& recipe);

/// The trials of the recipe's tuner, each judged on the validation rows (of forecasts: on the last share of `training`,
/// which are all rows that are not for the test). Throws DataError where all of them failed.
Tuning tune(const Recipe& recipe, const Table& training, const Table& validation, const RunOptions& options);
/// The same of a stream. `learned` is what the training rows teach in all trials; null where each learns for itself.
Tuning tune_stream(const Recipe& recipe, const StreamParts& rows, const LearnedStream* learned,
                   const RunOptions& options);
/// The recipe with the settings of the best trial, or as it is where there was no search.
Recipe tuned(const Recipe& recipe, const std::optional<Tuning>& tuning);

/// A model for each fold of these rows, which are not for the test.
CrossValidation cross_validate_recipe(const Recipe& recipe, const Table& rows, const RunOptions& options);
/// The same of a stream, in runs of rows.
CrossValidation cross_validate_stream(const Recipe& recipe, const StreamRows& rows, const RunOptions& options);

/// What pages show of them.
std::string tuning_html(const Tuning& tuning);
std::string cross_validation_html(const CrossValidation& found);

}  // namespace maas::inline MAAS_ABI::recipe
