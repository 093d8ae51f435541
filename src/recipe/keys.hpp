// The keys of a recipe, each listed once: what reads one, and what describes them all in a schema, walk these lists.
#pragma once

#include <concepts>

#include "maas/recipe/recipe.hpp"

namespace maas::inline MAAS_ABI::recipe {

template <class Self, class Whole>
concept Like = std::same_as<std::remove_const_t<Self>, Whole>;

/// Calls `key(name, value, text)` for every key of a section.
void list_keys(Like<RecipeStream> auto& self, auto&& key) {
  key("block_rows", self.block_rows, "Rows that are read at once; 0: about 1 MiB of samples");
  key("mixed_blocks", self.mixed_blocks,
      "Blocks whose rows are shuffled together; twice as many are in memory, at most");
  key("prefetch", self.prefetch, "Whether a thread reads ahead; the samples are the same without it");
}

void list_keys(Like<RecipeTimes> auto& self, auto&& key) {
  key("column", self.column, "The name of the column of times that is added");
  key("start", self.start, "The time of the first row of the first file, such as \"2012-03-01 00:00\"");
  key("seconds", self.seconds, "From one row to the next");
}

void list_keys(Like<RecipeData> auto& self, auto&& key) {
  key("files", self.files, "CSV or HDF5 files with the same columns, whose rows follow each other");
  key("file_column", self.file_column, "Adds a column of this name: the name of each row's file, without its ending");
  key("times", self.times, "Adds a column of times to rows that have none, counted on from the first row");
  key("drop_duplicates", self.drop_duplicates,
      "Whether rows with the same cells as one before are left out, before they are shared out");
  key("separator", self.csv.separator, "Between cells; empty: the most frequent of , ; and tab in the first line");
  key("decimal", self.csv.decimal, "The decimal point of numbers");
  key("header", self.csv.header, "Whether the first line holds the names of the columns");
  key("comment", self.csv.comment, "Lines that start with it are passed over; empty: there are none");
  key("missing", self.csv.missing, "Cells that mean \"no value\", besides empty ones");
  key("types", self.csv.types, "What columns hold, by name, where it is not what it looks like");
  key("dates", self.csv.dates, "How the numbers of 04/01/2016 are meant");
  key("stream", self.stream, "Rows are read in blocks when they are needed: for files that are larger than memory");
}

void list_keys(Like<RecipeSplit> auto& self, auto&& key) {
  key("by", self.by,
      "time: the order of the rows; random: drawn; stratified: drawn by class; group: whole groups of a column");
  key("validation", self.validation, "Share of all rows for validation, 0 to 1; with time before those of the test");
  key("test", self.test, "Share of all rows for the test, 0 to 1; with time the last ones");
  key("column", self.column, "With stratified the column of the classes, with group that of the groups");
  key("validation_groups", self.validation_groups,
      "With group, in place of a share: the texts of those that fall to validation");
  key("test_groups", self.test_groups, "With group, in place of a share: those that fall to the test");
  key("seed", self.seed, "What rows or groups are drawn by");
}

void list_keys(Like<PipelineOptions> auto& self, auto&& key) {
  key("steps", self.steps, "What is done to the rows, in order; learned from training rows, saved with the model");
  key("features", self.features,
      "Columns that become features, as named before or behind the steps; empty: all others");
  key("targets", self.targets, "Columns that are to be predicted");
  key("missing_column", self.missing_column, "What becomes of rows that lack a column that features are made of");
  key("out_of_range", self.out_of_range,
      "What becomes of a number beyond those that training had in its column; an error spares a margin");
  key("range_margin", self.range_margin,
      "How far beyond a number may lie before it is an error: a share of the width of the training rows' range");
}

void list_keys(Like<ForecastWindowOptions> auto& self, auto&& key) {
  key("lags", self.lags, "Readings a window");
  key("horizons", self.horizons, "Readings ahead that are forecast, growing; 1 is the one right after the window");
  key("stride", self.stride, "Readings from one window's beginning to the next one's");
  key("across_gaps", self.across_gaps, "Whether windows are taken within which the time jumps");
  key("seconds_a_reading", self.seconds_a_reading, "0: the median of the differences");
  key("fill_missing", self.fill_missing,
      "Whether windows with missing readings are learned and forecast from, too: the mean of the sensor stands for "
      "them");
}

void list_keys(Like<ScoreOptions> auto& self, auto&& key) {
  key("averaging", self.averaging, "Which forecasts of a horizon are averaged: its own, or all up to it");
  key("null_value", self.null_value, "A reading that stands for a missing one, such as 0");
}

void list_keys(Like<IntervalOptions> auto& self, auto&& key) {
  key("coverage", self.coverage, "The share of readings that is to lie within, between 0 and 1");
  key("rate", self.rate, "How fast intervals follow misses and hits; 0: not at all");
  key("window", self.window, "Calibrate on the last so many errors; 0: on those of the validation share alone");
}

void list_keys(Like<AlarmOptions> auto& self, auto&& key) {
  key("value", self.value, "What readings must not fall below, in their unit");
  key("probability", self.probability, "An alarm is raised where the chance of that is above, 0 to 1");
  key("horizon", self.horizon, "The furthest horizon that is looked at, in readings; 0: the last one there is");
  key("values", self.values, "Values of sensors that have one of their own, by name; value is that of all others");
}

void list_keys(Like<RecipeForecast> auto& self, auto&& key) {
  key("time", self.time, "The column of times; empty: readings are evenly spaced");
  key("sensors", self.sensors, "Columns of readings before the steps, one a sensor; empty: all that hold numbers");
  key("series", self.series,
      "A column that says which series a row is of, such as data.file_column; no window spans two. Empty: all are of "
      "one");
  key("known", self.options.known,
      "Columns behind the steps that are known ahead (holidays, planned works); the network gets them at each target");
  key("known_masks", self.options.known_masks,
      "Whether a known input may be missing: the network is told of it; else it is an error");
  key("windows", self.options.windows, "What is forecast from what");
  key("mode", self.options.sensors, "shared: each sensor from its own readings, by one network; joint: all from all");
  key("sensor_id", self.options.sensor_id, "With shared: whether the network knows which sensor it is");
  key("time_of_day", self.options.time_of_day, "Whether the network knows the time of day of the first target");
  key("harmonics", self.options.harmonics, "Of the time of day: sine and cosine of so many multiples of its angle");
  key("day_of_week", self.options.day_of_week, "Whether it knows the time of week");
  key("scaling", self.options.scaling, "How readings are scaled for the network");
  key("scale_each", self.options.scale_each, "Each sensor by its own figures, instead of all by the same");
  key("changes", self.options.changes, "Whether the network gives the change since the last reading");
  key("unit", self.options.unit, "Of the readings, for tables");
  key("masks", self.options.masks,
      "With fill_missing: beside each reading of a window 1 where it is there, 0 where it was filled");
  key("networks", self.networks, "An ensemble of so many, trained side by side; what it forecasts is their mean");
  key("weekends", self.weekends, "A baseline more: the average of weekdays and weekends apart");
  key("large_baselines", self.large_baselines,
      "Whether baselines of more than 1 MB are saved with the model, too, such as ridge VAR of many sensors");
  key("intervals", self.intervals,
      "Whether intervals are calibrated on the validation share, judged on the test, and saved with the model");
  key("alarm", self.alarm, "When a warning is raised, by the chances that intervals give; saved with the model");
  key("scores", self.scores, "How forecasts are scored");
}

void list_keys(Like<RecipeNetwork> auto& self, auto&& key) {
  key("layers", self.layers,
      "A chain of layers; the input before them is made as wide as there are features, of forecasts the output as "
      "well");
  key("embedding", self.embedding, "Of forecasts with sensor ids: numbers a sensor");
  key("keras", self.graph, "In place of layers: a model as Keras' to_json() writes it");
  key("seed", self.seed, "What the first weights are drawn by");
}

void list_keys(Like<RecipeTraining> auto& self, auto&& key) {
  key("optimizer", self.compile.optimizer, "By default RMSprop");
  key("loss", self.compile.loss, "What is made small");
  key("metrics", self.compile.metrics, "What is reported beside the loss");
  key("weighted_metrics", self.compile.weighted_metrics, "Likewise; class weights count in them");
  key("epochs", self.epochs, "Passes over the training rows");
  key("batch_size", self.batch_size, "Samples a step");
  key("shuffle", self.shuffle, "Whether every epoch has a new order of samples");
  key("seed", self.seed, "Of the order of samples, and of dropout");
  key("validation_freq", self.validation_freq, "Validate every so many epochs");
  key("class_weight", self.class_weight, "\"balanced\", or what samples of a class weigh, by its name");
  key("callbacks", self.callbacks, "What looks at the training, and may stop it");
  key("backup", self.backup, "A file that keeps the state of the training, to be resumed; deleted at the end");
  key("backup_freq", self.backup_freq, "Keep it after so many steps; else after every epoch");
  key("backup_seconds", self.backup_seconds, "Do not keep it within so many seconds after the time before");
}

void list_keys(Like<RecipeOutput> auto& self, auto&& key) {
  key("model", self.model, "The file of the model, .h5 or .keras, with its pipeline");
  key("report", self.report, "A page about the training, .html");
  key("predictions", self.predictions, "A CSV file: answers for the test rows beside the truth");
}

void list_keys(Like<RecipeTuner> auto& self, auto&& key) {
  key("method", self.method, "random_search; successive_halving: many candidates with few epochs, the best with more");
  key("space", self.space,
      "By the path of a key, \"network.layers[0].units\": a list of values, or low and high with log and integer");
  key("objective", self.objective, "What trials are judged by, on the validation rows; automatic: accuracy or mae");
  key("trials", self.trials, "How many settings are tried, none twice; with successive_halving in the first round");
  key("seed", self.seed, "What settings are drawn by");
  key("factor", self.factor, "With successive_halving one of so many goes on, with so many times the epochs");
  key("min_resources", self.min_resources, "With successive_halving epochs in the first round");
  key("max_resources", self.max_resources, "With successive_halving epochs that none exceeds; else training.epochs");
  key("threads", self.threads, "Trials at the same time; 0: as many as there are processors. Changes no result");
}

void list_keys(Like<RecipeFolds> auto& self, auto&& key) {
  key("by", self.by,
      "k_fold; stratified: each class of a column in each fold; group: whole groups of a column; rolling_origin: the "
      "test behind what is learned from, for forecasts the one");
  key("column", self.column, "With stratified the column of the classes, with group that of the groups");
  key("n_splits", self.n_splits, "Folds, at least 2");
  key("shuffle", self.shuffle, "Whether rows (groups) are drawn; not with rolling_origin");
  key("seed", self.seed, "What they are drawn by");
  key("test_size", self.test_size, "With rolling_origin: rows a test; else rows / (n_splits + 1)");
  key("max_train_size", self.max_train_size, "With rolling_origin: the last so many rows are learned from; else all");
  key("gap", self.gap, "With rolling_origin: rows left out between training and test");
}

void list_keys(Like<Recipe> auto& self, auto&& key) {
  key("name", self.name, "The title of the report");
  key("description", self.description, "For people");
  key("base", self.base,
      "A model file to go on from, in place of network and pipeline; trained as it was, or by training");
  key("data", self.data, "Where the rows come from");
  key("split", self.split, "Which rows are learned from, and which are kept to measure on");
  key("pipeline", self.pipeline, "From raw rows to features and targets");
  key("forecast", self.forecast,
      "Readings of sensors, and what is forecast of them; a pipeline beside it has no features and no targets");
  key("network", self.network, "Between features and targets");
  key("training", self.training, "How the network learns");
  key("tuner", self.tuner, "A search for good settings before the training, judged on the validation rows alone");
  key("cross_validation", self.cross_validation,
      "Before the training: a model for each fold of the rows that are not for the test, scored beside baselines");
  key("output", self.output, "What is written; names of files are of the recipe's folder");
}

/// What has a list of keys.
template <class Section>
concept HasKeys = requires(Section& section) {
  list_keys(section, [](std::string_view, auto&, std::string_view) {});
};

/// The names of an enumeration, in the order of its values.
template <class Enum>
struct EnumNames;
template <>
struct EnumNames<CsvHeader> {
  static constexpr std::string_view names[] = {"first_line", "none", "automatic"};
};
template <>
struct EnumNames<DateOrder> {
  static constexpr std::string_view names[] = {"automatic", "day_first", "month_first"};
};
template <>
struct EnumNames<ColumnType> {
  static constexpr const auto& names = detail::column_type_names;
};
template <>
struct EnumNames<SplitBy> {
  static constexpr std::string_view names[] = {"time", "random", "stratified", "group"};
};
template <>
struct EnumNames<FoldsBy> {
  static constexpr std::string_view names[] = {"k_fold", "stratified", "group", "rolling_origin"};
};
template <>
struct EnumNames<TunerMethod> {
  static constexpr std::string_view names[] = {"random_search", "successive_halving"};
};
template <>
struct EnumNames<TunerObjective> {
  static constexpr std::string_view names[] = {"automatic",         "loss",    "mae", "rmse", "r2", "accuracy",
                                               "balanced_accuracy", "macro_f1"};
};
template <>
struct EnumNames<SensorMode> {
  static constexpr const auto& names = detail::sensor_mode_names;
};
template <>
struct EnumNames<ReadingScaling> {
  static constexpr const auto& names = detail::reading_scaling_names;
};
template <>
struct EnumNames<Averaging> {
  static constexpr const auto& names = detail::averaging_names;
};
template <>
struct EnumNames<MissingColumn> {
  static constexpr const auto& names = detail::missing_column_names;
};
template <>
struct EnumNames<OutOfRange> {
  static constexpr const auto& names = detail::out_of_range_names;
};

}  // namespace maas::inline MAAS_ABI::recipe
