// Recipe: a whole training as a value, and as one small JSON file: data, preparation, network, training, output.
#pragma once

#include <functional>
#include <map>
#include <memory>
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
#include "maas/recipe/folds.hpp"
#include "maas/recipe/tuning.hpp"

namespace maas::inline MAAS_ABI {

/// Files that are larger than memory: rows are read in blocks when they are needed, again in every epoch.
struct RecipeStream {
  Index block_rows = 0;     ///< rows that are read at once; 0: about 1 MiB of samples
  Index mixed_blocks = 16;  ///< blocks whose rows are shuffled together; twice as many are in memory, at most
  bool prefetch = true;     ///< a thread reads ahead; the samples and their order are the same without it
};

/// Times of rows whose files have none, evenly spaced: counted on from the first row of the first file.
struct RecipeTimes {
  std::string column = "time";  ///< of this name one is added; no column of the files may have it
  std::string start = {};       ///< when the first row is of, "2012-03-01 00:00" or as parse_time reads it
  double seconds = 0;           ///< from one row to the next, above 0 and at most 366 days
};

/// Where the rows come from.
struct RecipeData {
  std::vector<std::string> files = {};  ///< CSV files, whose rows follow each other; all have the same columns
  CsvOptions csv = {};                  ///< how they are read
  /// A column of this name is added, which holds the name of each row's file without folder and ending. Empty: none.
  std::string file_column = {};
  /// A column of times is added. The files it is said of are those of this recipe, so it is not saved with the model:
  /// other files that it is to forecast from have such a column themselves.
  std::optional<RecipeTimes> times = std::nullopt;
  /// Whether rows with the same cells as one before are left out, before they are shared out. Rows without a time may
  /// be the same and yet two.
  bool drop_duplicates = false;
  /// Nothing: all rows are held in memory. Else none is held for longer than it is needed; then the split is one by
  /// time, and steps learn what can be learned in passes over the rows: see docs/guide/recipes.md.
  std::optional<RecipeStream> stream = std::nullopt;
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

/// How the rows that are not for the test are parted into folds: see folds.hpp.
enum class FoldsBy {
  k_fold,         ///< runs of rows, or drawn where they are shuffled
  stratified,     ///< each class of a column in each fold by its share
  group,          ///< whole groups of a column
  rolling_origin  ///< in the order of the rows: each test lies behind what was learned from. The one for forecasts
};

/// A cross-validation: before the training, each fold trains a model of its own, from its training rows alone, and
/// measures it on its test rows. The validation share of the split is taken off each fold's training rows, in the way
/// the split says.
struct RecipeFolds {
  FoldsBy by = FoldsBy::k_fold;
  std::string column = {};  ///< of `stratified` and `group`: that of the classes, or of the groups
  Index n_splits = 5;       ///< folds
  bool shuffle = false;     ///< all but rolling_origin: rows (groups) in an order that is drawn
  std::int64_t seed = 0;    ///< of that order
  std::optional<Index> test_size = std::nullopt;       ///< of rolling_origin: see RollingOriginOptions
  std::optional<Index> max_train_size = std::nullopt;  ///< likewise
  Index gap = 0;                                       ///< likewise: rows left out between training and test
};

/// How a tuner looks for good settings.
enum class TunerMethod {
  random_search,      ///< maas::random_search
  successive_halving  ///< maas::successive_halving, which spends epochs
};

/// What trials are judged by, on the validation rows. Of several targets it is the mean over them, of forecasts the
/// score over all steps of all windows.
enum class TunerObjective {
  automatic,  ///< accuracy where the targets are texts or 0 and 1 behind a binary cross-entropy, else mae
  by_loss,    ///< of the prepared samples, as Model::evaluate gives it; not of forecasts
  by_mae,
  by_rmse,
  by_r2,
  by_accuracy,
  by_balanced_accuracy,
  by_macro_f1
};

struct Recipe;

/// A search for good settings, judged on the validation rows alone: the test is not looked at. Every trial trains with
/// the seeds of the recipe; the training behind it has the settings of the best one.
struct RecipeTuner {
  TunerMethod method = TunerMethod::random_search;
  SearchSpace space = {};  ///< options by the path of their keys, "network.layers[0].units"
  /// Gives a recipe the settings of a trial. read_recipe makes one that puts them in their places and reads the
  /// sections they stand in anew.
  std::function<void(Recipe& recipe, const Trial& trial)> apply = {};
  /// Of forecasts: whatever is tuned, trials are judged on the same targets with the same truth, those of the readings
  /// that the recipe makes as it stands: of windows of as many lags as stand here, across gaps and with readings
  /// missing in them only where it is said here (and with `joint` none of any sensor). read_recipe puts in the
  /// strictest options in the space, so that all trials answer. Nothing: the options of the recipe.
  std::optional<ForecastOptions> judged_on = std::nullopt;
  TunerObjective objective = TunerObjective::automatic;
  Index trials = 20;                                  ///< of successive halving: in the first round
  std::int64_t seed = 0;                              ///< what trials are drawn by
  Index factor = 3;                                   ///< of successive halving: see HalvingOptions
  Index min_resources = 1;                            ///< likewise: epochs in the first round
  std::optional<Index> max_resources = std::nullopt;  ///< likewise: epochs that none exceeds; else those of the recipe
  Index threads = 0;  ///< trials at the same time; 0: as many as the library uses. No result depends on it
};

/// Readings of sensors, and what is forecast of them. Steps of the pipeline, which has no features and no targets then,
/// clean the rows before: see ReadingsOptions.
struct RecipeForecast {
  std::string time = {};                  ///< the column of times; empty: readings are evenly spaced
  std::vector<std::string> sensors = {};  ///< columns of numbers, before the steps; empty: all there are
  /// The column that names the series of a row, such as RecipeData::file_column; empty: all rows are of one.
  std::string series = {};
  ForecastOptions options = {};
  Index networks = 1;            ///< an ensemble of so many; what it forecasts is their mean
  bool weekends = false;         ///< a baseline more: the average of weekdays and weekends apart
  bool large_baselines = false;  ///< keep also baselines of more than 1 MB with the forecaster
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
  double backup_seconds = 0;  ///< not within so many seconds after the one before: BackupAndRestore::min_seconds
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
  /// `pipeline`; without a loss in `training` it is trained as it was compiled. That of a forecaster is trained with
  /// its own windows, scaling and steps, and its intervals are calibrated anew. Empty: none.
  std::string base = {};
  /// What stands in that file, where it has been read: run_recipe reads it once, before all else, and every use is of
  /// that.
  std::shared_ptr<const Model> base_model = nullptr;
  RecipeData data = {};
  RecipeSplit split = {};
  PipelineOptions pipeline = {};
  std::optional<RecipeForecast> forecast = std::nullopt;  ///< in place of features and targets
  RecipeNetwork network = {};
  RecipeTraining training = {};
  std::optional<RecipeTuner> tuner = std::nullopt;
  std::optional<RecipeFolds> cross_validation =
      std::nullopt;  ///< of the settings a tuner has found, where there is one
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
  /// Told of each trial of a tuner when it is over, one at a time, in no certain order.
  std::function<void(const TrialResult&)> trial_end = {};
  /// Told of each fold of a cross-validation when it is over, with all that are: the last one is the new one.
  std::function<void(const CrossValidation&)> fold_end = {};
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
  DataReport data;                              ///< what was found in the files, before anything became of it
  std::vector<Evaluation> evaluations = {};     ///< of the validation rows, then of the test rows, where there are some
  std::optional<Tuning> tuning = std::nullopt;  ///< of RecipeTuner; `model` has the best settings
  std::optional<CrossValidation> cross_validation = std::nullopt;  ///< of RecipeFolds, with the best settings
  std::optional<Forecaster> forecaster = std::nullopt;             ///< of forecasts: what `model` is the network of
  std::optional<ScoreTable> scores = std::nullopt;    ///< of forecasts on the test readings, baselines beside
  std::optional<Forecasts> forecasts = std::nullopt;  ///< for the windows of the test readings; of a stream the last
  std::vector<IntervalCoverage> coverage = {};        ///< of RecipeForecast::intervals, on the test readings
  std::optional<AlarmReport> alarms = std::nullopt;   ///< of RecipeForecast::alarm, at each of the test readings
  /// Those of persistence on the same windows: see judge_naive_alarms. Nothing without `alarms`, and where persistence
  /// cannot be calibrated.
  std::optional<AlarmReport> naive_alarms = std::nullopt;
  /// Of rows to measure on that are of times before those that are learned from, and of saving: see Model::save.
  std::vector<std::string> warnings = {};
  bool finite = true;  ///< false where the last loss is no number: nothing is written then
};

/// Runs it: reads the files, shares out the rows, looks for the best settings and cross-validates if it is to, fits the
/// pipeline to the training rows, builds, compiles and fits the network, measures it beside baselines fitted to the
/// training rows, and writes what the recipe asks for. The same recipe on the same files gives the same bits. Throws
/// what its parts throw; ConfigError, naming the key, for parts that do not fit each other; DataError where a feature
/// is missing in rows that nothing fills or leaves out.
RecipeResult run_recipe(const Recipe& recipe, const RunOptions& options = {});

}  // namespace maas::inline MAAS_ABI
