// Recipe: a whole training as a value, and as one small JSON file: data, preparation, network, training, output.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maas/data/csv.hpp"
#include "maas/data/pipeline.hpp"
#include "maas/data/report.hpp"
#include "maas/forecast/alarms.hpp"
#include "maas/forecast/forecaster.hpp"
#include "maas/forecast/intervals.hpp"
#include "maas/model/model.hpp"
#include "maas/recipe/evaluation.hpp"

namespace maas::inline MAAS_ABI {

/// Where the rows come from.
struct RecipeData {
  std::vector<std::string> files = {};  ///< CSV files, whose rows follow each other; all have the same columns
  CsvOptions csv = {};                  ///< how they are read
  /// A column of this name is added, which holds the name of each row's file without folder and ending. Empty: none.
  std::string file_column = {};
  /// Whether rows with the same cells as one before are left out, before they are shared out. Rows without a time may
  /// be the same and yet two.
  bool drop_duplicates = false;
};

/// How rows are shared out.
enum class SplitBy {
  time,        ///< in the order of the rows: training, validation, test; see split_by_time
  random,      ///< drawn by seed; neighbours in time may fall to both sides; see split_rows
  stratified,  ///< likewise, with the same share of each class of a column in every part; see split_stratified
  group        ///< by a column: all rows of a group fall to one side; by name, or drawn by seed; see split_by_group
};

/// Which rows are learned from, and which are kept to measure on.
struct RecipeSplit {
  SplitBy by = SplitBy::time;
  double validation = 0, test = 0;  ///< shares of all rows (of all groups), in [0, 1)
  std::string column = {};          ///< of `stratified` and `group`: the column of the classes, or of the groups
  std::vector<std::string> validation_groups = {}, test_groups = {};  ///< of `group`, in place of shares
  std::int64_t seed = 0;                                              ///< of what is drawn
};

/// Readings of sensors, and what is forecast of them. Steps of the pipeline, which has no features and no targets then,
/// clean the rows before: see ReadingsOptions.
struct RecipeForecast {
  std::string time = {};                  ///< the column of times; empty: readings are evenly spaced
  std::vector<std::string> sensors = {};  ///< columns of numbers, before the steps; empty: all there are
  ForecastOptions options = {};
  Index networks = 1;     ///< an ensemble of so many; what it forecasts is their mean
  bool weekends = false;  ///< a baseline more: the average of weekdays and weekends apart
  ScoreOptions scores = {};
  /// Intervals that are calibrated on the validation share, which is not learned from, and judged on the test, if there
  /// is one. The forecaster is saved with them: see Forecaster::set_intervals.
  std::optional<IntervalOptions> intervals = std::nullopt;
  std::optional<AlarmOptions> alarm = std::nullopt;  ///< likewise; needs intervals
};

/// The network between features and targets.
struct RecipeNetwork {
  /// A chain, without the input: that is as wide as there are features. Of forecasts without the output, too: a Dense
  /// as wide as there are numbers to forecast is put behind them.
  std::vector<Layer> layers = {};
  Index embedding = 8;  ///< of forecasts with sensor ids: numbers a sensor, which stand beside the features
  std::optional<Graph> graph = std::nullopt;  ///< in its place: a network as a whole, as Keras describes it
  std::int64_t seed = 0;                      ///< of the first weights; of forecasts RecipeTraining::seed counts
};

/// What the samples of a class weigh in the loss.
struct ClassWeights {
  bool balanced = false;                       ///< rows / (classes * rows of the class), as scikit-learn's "balanced"
  std::map<std::string, double> weights = {};  ///< or by name; of targets that are numbers "0", "1"; others count 1
};

/// How the network is trained. Defaults are those of FitOptions.
struct RecipeTraining {
  CompileOptions compile = {};
  int epochs = 1;
  Index batch_size = 32;
  bool shuffle = true;
  std::int64_t seed = 0;
  int validation_freq = 1;
  ClassWeights class_weight = {};
  /// Makes one callback each, anew for every network that is trained: callbacks remember things.
  std::vector<std::function<Callback()>> callbacks = {};
  /// A file that keeps the state of the training, so that it can be resumed; deleted at the end. Empty: none is kept
  /// unless the run is asked to resume.
  std::string backup = {};
  std::optional<Index> backup_freq = std::nullopt;  ///< after so many steps; else after every epoch
};

/// What the training leaves behind. Empty names are not written.
struct RecipeOutput {
  std::string model = {};        ///< model.h5 or .keras, with the pipeline
  std::string report = {};       ///< one HTML file: see write_report
  std::string predictions = {};  ///< CSV: answers for the test rows beside the truth
};

/// A whole training: from files of raw rows to a model that carries its own preprocessing.
struct Recipe {
  std::string name = {};         ///< for people; the title of the report
  std::string description = {};  ///< likewise
  /// A model file to go on from, whose network, weights and pipeline are taken, in the place of `network` and
  /// `pipeline`; without a loss in `training` it is trained as it was compiled. Not for forecasts. Empty: none.
  std::string base = {};
  RecipeData data = {};
  RecipeSplit split = {};
  PipelineOptions pipeline = {};
  std::optional<RecipeForecast> forecast = std::nullopt;  ///< in place of features and targets
  RecipeNetwork network = {};
  RecipeTraining training = {};
  RecipeOutput output = {};

  std::string source = "recipe";  ///< what messages begin with: the name of the file
  std::string folder = {};        ///< that relative names of files start from; empty: the one the program runs in
};

/// A recipe from a JSON file: see docs/guide/recipes.md and docs/recipe.schema.json. Relative names of files in it are
/// of the file's folder. `changes` are laid over it, each "training.epochs=3": a path of keys, places in lists as [0],
/// then JSON, or else a text. Needs `maas::maas` to link. Throws FormatError where the file cannot be read or is no
/// JSON; ConfigError "recipe.json: training.epochs: expected a whole number, got ..." for a value that does not fit, a
/// key that is not known (naming the nearest one that is), a part that is not known, or a key that is needed and not
/// there.
Recipe read_recipe(const std::string& path, const std::vector<std::string>& changes = {});

/// The same from text in memory; `name` stands for the file in messages.
Recipe parse_recipe(std::string_view json, const std::string& name, const std::vector<std::string>& changes = {});

/// The JSON schema (draft 2020-12) of recipes: docs/recipe.schema.json.
std::string recipe_schema();

/// What a run is told beside the recipe.
struct RunOptions {
  /// Go on from the backup of a run that was killed, if there is one, and keep one: in RecipeTraining::backup, else
  /// beside the model. Without it a backup that is there is an error: a run would replace it.
  bool resume = false;
  int verbose = -1;  ///< FitOptions::verbose
  /// Beside those of the recipe, before them. Not of an ensemble, whose networks are trained side by side.
  std::vector<Callback> callbacks = {};
};

/// How many rows fell where, and what became of them.
struct RecipeRows {
  Index duplicates = 0;                                   ///< left out before all else: see RecipeData::drop_duplicates
  Index all = 0, training = 0, validation = 0, test = 0;  ///< of the tables
  Index left_out = 0;                                     ///< of training: by steps such as DropMissingRows
};

/// What a run gives.
struct RecipeResult {
  Model model;      ///< trained, with its pipeline
  History history;  ///< of an ensemble that of its first network
  RecipeRows rows;
  DataReport data;                           ///< what was found in the files, before anything became of it
  std::vector<Evaluation> evaluations = {};  ///< of the validation rows, then of the test rows, where there are some
  std::optional<Forecaster> forecaster = std::nullopt;  ///< of forecasts: what `model` is the network of
  std::optional<ScoreTable> scores = std::nullopt;      ///< of forecasts on the test readings, baselines beside
  std::optional<Forecasts> forecasts = std::nullopt;    ///< for the windows of the test readings
  std::vector<IntervalCoverage> coverage = {};          ///< of RecipeForecast::intervals, on the test readings
  std::optional<AlarmReport> alarms = std::nullopt;     ///< of RecipeForecast::alarm, on the test readings
  std::vector<std::string> warnings = {};               ///< of saving: see Model::save
  bool finite = true;  ///< false where the last loss is no number: nothing is written then
};

/// Runs it: reads the files, shares out the rows, fits the pipeline to the training rows, builds, compiles and fits the
/// network, measures it beside baselines fitted to the training rows, and writes what the recipe asks for. The same
/// recipe on the same files gives the same bits. Throws what its parts throw; ConfigError, naming the key, for parts
/// that do not fit each other; DataError where a feature is missing in rows that nothing fills or leaves out.
RecipeResult run_recipe(const Recipe& recipe, const RunOptions& options = {});

}  // namespace maas::inline MAAS_ABI
