// run_recipe: from files to a trained, measured and saved model.
#include "recipe/run.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <optional>

#include "maas/core/new_file.hpp"
#include "maas/core/random.hpp"
#include "maas/data/folds.hpp"
#include "maas/data/split.hpp"
#include "maas/forecast/drift.hpp"
#include "maas/layers/input_layer.hpp"
#include "maas/model/checkpoint.hpp"
#include "maas/model/load.hpp"
#include "maas/recipe/recipe.hpp"
#include "maas/recipe/report.hpp"
#include "maas/recipe/table_file.hpp"
#include "maas/training/backup.hpp"
#include "maas/training/callbacks.hpp"
#include "recipe/parts.hpp"
#include "recipe/row_files.hpp"
#include "recipe/same_file.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

Place place_of(const Recipe& recipe, std::string_view section) { return Place{recipe.source}.key(section); }

// ---- Data ----

void append_rows(std::vector<Column>& all, const Table& more, const std::string& path, const std::string& first) {
  require_same_columns(all, more, path, first);
  for (Column& column : all) {
    const Column& next = more.column(column.name);
    column.numbers.insert(column.numbers.end(), next.numbers.begin(), next.numbers.end());
    column.texts.insert(column.texts.end(), next.texts.begin(), next.texts.end());
  }
}

// Where the order of dates is open, files are read as those before them, whose dates tell. `reading` is how they were.
Table read_files(const Recipe& recipe, CsvOptions& reading) {
  const RecipeData& data = recipe.data;
  std::vector<Column> columns;
  std::string first;
  for (const std::string& name : data.files) {
    const std::string path = file_in(recipe.folder, name);
    Table table = at_types(recipe, path, [&] { return read_table(path, CsvOptions(reading), reading); });
    if (!data.file_column.empty())
      table.add({.name = data.file_column,
                 .type = ColumnType::text,
                 .texts = std::vector<std::string>(static_cast<std::size_t>(table.rows()),
                                                   std::filesystem::path(path).stem().string())});
    if (first.empty()) {
      for (Index i = 0; i < table.columns(); ++i) columns.push_back(table.column(i));
      first = path;
    } else {
      append_rows(columns, table, path, first);
    }
  }
  Table all;
  for (Column& column : columns) all.add(std::move(column));
  if (data.times) all.add(counted_times(*data.times, 0, all.rows(), all, first));
  require<DataError>(all.rows() > 0, "{}: expected rows, got none", place_of(recipe, "data").key("files").text());
  return all;
}

RowList numbers_from(Index begin, Index end, bool held_out = false) {
  RowList list{.rows = std::vector<Index>(static_cast<std::size_t>(end - begin)), .held_out = held_out};
  std::iota(list.rows.begin(), list.rows.end(), begin);
  return list;
}

// Of so many rows those that do not come again.
std::vector<Index> rows_once(Index rows, const DataReport& found) {
  std::vector<Index> kept;
  std::size_t next = 0;
  for (Index row = 0; row < rows; ++row) {
    if (next < found.duplicates.size() && found.duplicates[next].row == row)
      ++next;
    else
      kept.push_back(row);
  }
  return kept;
}

// The row of the files, one after another, that each row of the table is.
std::vector<Index> rows_of_files(const Recipe& recipe, Index rows, Index duplicates, const DataReport& found) {
  if (recipe.data.drop_duplicates) return rows_once(rows + duplicates, found);
  return numbers_from(0, rows).rows;
}

// ---- Splits ----

RowList chosen(const RowList& from, const RowList& places, bool held_out) {
  RowList result{.rows = {}, .held_out = held_out};
  for (Index place : places) result.rows.push_back(from.rows[static_cast<std::size_t>(place)]);
  return result;
}

// First the test is taken off all rows, then validation off what is left; `fold` parts so many rows.
template <class MakeFold>
Parts share_out(const RecipeSplit& split, Index rows, MakeFold&& fold) {
  Parts parts{.training = numbers_from(0, rows)};
  const auto take = [&](double share, RowList& part) {
    if (share <= 0) return;
    // 0.1 / 0.9 of 90 rows are not to be a row more by rounding.
    const HoldOutOptions options{.test_size = share * (1 - 1e-12), .seed = static_cast<std::uint64_t>(split.seed)};
    const RowList before = parts.training;
    const Fold found = fold(before, options);
    parts.training = chosen(before, found.train, false);
    part = chosen(before, found.test, true);
  };
  take(split.test, parts.test);
  take(split.validation / (1 - split.test), parts.validation);
  return parts;
}

const Column& split_column(const Recipe& recipe, const Table& table) {
  const Place place = place_of(recipe, "split").key("column");
  require<DataError>(table.contains(recipe.split.column), "{}: expected a column of the rows, got \"{}\"", place.text(),
                     recipe.split.column);
  return table.column(recipe.split.column);
}

Parts random_parts(const Recipe& recipe, Index rows) {
  return share_out(recipe.split, rows, [](const RowList& list, const HoldOutOptions& options) {
    return maas::split_rows(list.size(), options);
  });
}

// By the labels of a column, for classes or for groups.
template <class Split>
Parts labelled_parts(const Recipe& recipe, const Table& table, Split&& split) {
  const Column& column = split_column(recipe, table);
  return share_out(recipe.split, table.rows(), [&](const RowList& list, const HoldOutOptions& options) {
    Table only;
    only.add(column);
    return split(Labels(list.of(only).column(0)), options);
  });
}

Parts group_parts(const Recipe& recipe, const Table& table) {
  const RecipeSplit& split = recipe.split;
  const Place place = place_of(recipe, "split");
  require<DataError>(table.contains(split.column) && table.column(split.column).type == ColumnType::text,
                     "{}: expected a column of texts, got \"{}\"", place.key("column").text(), split.column);
  const std::vector<std::string>& groups = table.texts(split.column);
  const auto is_in = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& [key, names] :
       {std::pair("validation_groups", &split.validation_groups), std::pair("test_groups", &split.test_groups)})
    for (const std::string& name : *names)
      require<DataError>(is_in(groups, name), "{}: expected groups that \"{}\" has, got \"{}\"", place.key(key).text(),
                         split.column, name);
  Parts parts;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    const bool tests = is_in(split.test_groups, groups[row]), validates = is_in(split.validation_groups, groups[row]);
    require<ConfigError>(!tests || !validates, "{}: expected each group on one side, got \"{}\" on two", place.text(),
                         groups[row]);
    (tests ? parts.test : validates ? parts.validation : parts.training).rows.push_back(static_cast<Index>(row));
  }
  require<DataError>(!parts.training.rows.empty(), "{}: expected rows for training, got none", place.text());
  return parts;
}

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

// ---- Weights of classes ----

// These measure how far numbers are apart.
bool is_loss_of_numbers(const Loss& loss) {
  constexpr std::string_view names[] = {MeanSquaredError::class_name,
                                        MeanAbsoluteError::class_name,
                                        MeanAbsolutePercentageError::class_name,
                                        MeanSquaredLogarithmicError::class_name,
                                        Huber::class_name,
                                        LogCosh::class_name,
                                        Poisson::class_name,
                                        QuantileLoss::class_name};
  return std::find(std::begin(names), std::end(names), loss.class_name()) != std::end(names);
}

// Counts of vehicles are whole numbers, too: what they are is told by the loss, unless they are yes or no.
bool are_classes(const Recipe& recipe, const Pipeline& pipeline, const Matrix& y) {
  const std::vector<std::string>& targets = pipeline.target_names();
  if (targets.size() == 1 && pipeline.classes_of(targets[0]) != nullptr) return true;
  if (!recipe.training.compile.loss || !is_loss_of_numbers(*recipe.training.compile.loss)) return true;
  return std::all_of(y.data(), y.data() + y.size(), [](Scalar value) { return value == 0 || value == 1; });
}

std::map<int, double> balanced_weights(const Recipe& recipe, const Pipeline& pipeline, const Matrix& y) {
  const Place place = place_of(recipe, "training").key("class_weight");
  require<ConfigError>(are_classes(recipe, pipeline, y),
                       "{}: expected a target of classes for \"balanced\", got numbers in \"{}\"", place.text(),
                       pipeline.target_names().front());
  try {
    return balanced_class_weight(y);
  } catch (const DataError& error) {
    fail<ConfigError>("{}: expected a target of classes for \"balanced\": {}", place.text(), error.what());
  }
}

// ---- Network ----

Model build(const Recipe& recipe, Index features) {
  const RecipeNetwork& network = recipe.network;
  const Place place = place_of(recipe, "network");
  try {
    std::vector<Layer> layers{InputLayer{Shape{features}}};
    layers.insert(layers.end(), network.layers.begin(), network.layers.end());
    if (!network.graph) check_sizes(layers, place);
    Model model = network.graph ? Model(Network(*network.graph)) : Model(Network(Graph(layers)), "sequential");
    model.initialize(static_cast<std::uint64_t>(network.seed));
    return model;
  } catch (const Error& error) {
    fail_network(recipe, error);
  }
}

void check_fit(const Recipe& recipe, const Pipeline& pipeline, const Network& network) {
  const Graph& graph = network.graph();
  const Place place = place_of(recipe, "network");
  require<ConfigError>(graph.inputs().size() == 1 && graph.outputs().size() == 1,
                       "{}: expected 1 input and 1 output, got {} and {}", place.text(), graph.inputs().size(),
                       graph.outputs().size());
  const auto features = static_cast<Index>(pipeline.feature_names().size());
  require<ConfigError>(graph.input_shape().size() == features,
                       "{}: expected an input for the {} features, got one for {}", place.text(), features,
                       graph.input_shape().size());
  const Index outputs = graph.output_shape().size();
  const auto targets = static_cast<Index>(pipeline.target_names().size());
  std::string names;
  for (const std::string& name : pipeline.target_names()) names += (names.empty() ? "\"" : ", \"") + name + "\"";
  require<ConfigError>(pipeline.output_names(outputs).has_value(),
                       "{}: expected an output for each of the {} targets ({}), or for each class of a single one; the "
                       "last layer gives {}",
                       place.text(), targets, names, outputs);
}

// ---- Output ----

std::string cell(const TargetEvaluation& target, double value) {
  return target.is_class ? detail::csv_cell(target.classes[static_cast<std::size_t>(value)], detail::csv_special)
                         : fmt::format("{:.9g}", value);
}

// row, then of each target the truth and the answer; empty where one of them is not there.
void write_predictions(const std::string& path, const Evaluation& evaluation, const std::vector<Index>& rows) {
  std::vector<std::string> lines;
  for (Index row : rows) lines.push_back(std::to_string(row));
  std::string head = "row";
  for (const TargetEvaluation& target : evaluation.targets) {
    head += "," + detail::csv_cell(target.target, detail::csv_special) + "," +
            detail::csv_cell(target.target + " predicted", detail::csv_special);
    std::size_t next = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const bool there = next < target.rows.size() && target.rows[next] == static_cast<Index>(i);
      lines[i] += there ? "," + cell(target, target.truth[next]) + "," + cell(target, target.predicted[next]) : ",,";
      next += there ? 1 : 0;
    }
  }
  NewFile file(path);
  file.write(head + "\n");
  for (const std::string& line : lines) file.write(line + "\n");
  file.commit();
}

Report report_of(const Recipe& recipe, const RecipeResult& result) {
  Report page{.title = recipe.name.empty() ? recipe.source : recipe.name, .description = recipe.description};
  page.notes = result.warnings;
  const RecipeRows& rows = result.rows;
  page.facts = {{"rows", std::to_string(rows.all)},
                {"left out before, as they come twice", std::to_string(rows.duplicates)},
                {"for training", fmt::format("{}, {} of them left out by steps", rows.training, rows.left_out)},
                {"for validation", std::to_string(rows.validation)},
                {"for the test", std::to_string(rows.test)},
                {"features", std::to_string(result.model.info().pipeline->feature_names().size())},
                {"weights", std::to_string(result.model.network().parameters().count())},
                {"epochs", std::to_string(result.history.epochs().size())}};
  page.history = result.history;
  page.evaluations = result.evaluations;
  page.cross_validation = result.cross_validation;
  page.tuning = result.tuning;
  if (!recipe.data.stream) page.data = result.data;  // of a stream nothing is looked for
  return page;
}

void check_writable(const std::string& path, const std::string& given, const Place& place) {
  std::error_code problem;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  require<ConfigError>(folder.empty() || std::filesystem::is_directory(folder, problem),
                       "{}: expected a file in a folder that is there, got \"{}\"", place.text(), given);
  require<ConfigError>(!std::filesystem::is_directory(path, problem), "{}: expected a file, got a folder, \"{}\"",
                       place.text(), given);
  try {
    const NewFile probe(path);  // leaves nothing behind
  } catch (const FormatError& error) {
    fail<ConfigError>("{}: {}", place.text(), error.what());
  }
}

bool writes_to(const Callback& callback, const std::string& file) {
  if (const auto* logger = callback.as<CSVLogger>()) return is_same_file(logger->filename, file);
  const auto* checkpoint = callback.as<ModelCheckpoint>();
  return checkpoint != nullptr && is_same_file(checkpoint->filepath, file);
}

// What cannot be written, or would replace what is read, is said before hours of training.
void check_outputs(const Recipe& recipe) {
  const RecipeOutput& output = recipe.output;
  std::vector<std::pair<std::string, std::string>> taken;  // keys and their files
  for (std::size_t i = 0; i < recipe.data.files.size(); ++i)
    taken.emplace_back(fmt::format("data.files[{}]", i), file_in(recipe.folder, recipe.data.files[i]));
  if (!recipe.base.empty()) taken.emplace_back("base", file_in(recipe.folder, recipe.base));
  const Place callbacks = place_of(recipe, "training").key("callbacks");
  for (std::size_t i = 0; i < recipe.training.callbacks.size(); ++i)
    for (const auto& [key, file] : taken)
      require<ConfigError>(!writes_to(recipe.training.callbacks[i](), file),
                           "{}: expected a file of its own, got \"{}\", which {} names", callbacks.item(i).text(), file,
                           key);
  for (const auto& [key, name] : {std::pair("model", &output.model), std::pair("report", &output.report),
                                  std::pair("predictions", &output.predictions)}) {
    if (name->empty()) continue;
    const Place place = place_of(recipe, "output").key(key);
    const std::string path = file_in(recipe.folder, *name);
    for (const auto& [other, file] : taken)
      require<ConfigError>(!is_same_file(path, file), "{}: expected a file of its own, got \"{}\", which {} names",
                           place.text(), *name, other);
    check_writable(path, *name, place);
    taken.emplace_back(fmt::format("output.{}", key), path);
  }
}

}  // namespace

RowList Parts::before_test() const {
  RowList all = training;
  all.rows.insert(all.rows.end(), validation.rows.begin(), validation.rows.end());
  std::sort(all.rows.begin(), all.rows.end());
  return all;
}

namespace {

Parts parts_of(const Recipe& recipe, const Table& table) {
  const RecipeSplit& split = recipe.split;
  if (split.by == SplitBy::random) return random_parts(recipe, table.rows());
  if (split.by == SplitBy::stratified) return labelled_parts(recipe, table, split_stratified);
  if (split.by == SplitBy::group)
    return split.validation_groups.empty() && split.test_groups.empty() ? labelled_parts(recipe, table, split_by_group)
                                                                        : group_parts(recipe, table);
  const TimeSplit found = split_by_time(table.rows(), split.validation, split.test);
  return {numbers_from(found.train.begin, found.train.end),
          numbers_from(found.validation.begin, found.validation.end, true),
          numbers_from(found.test.begin, found.test.end, true)};
}

}  // namespace

Parts part_rows(const Recipe& recipe, const Table& table) {
  return at_place(place_of(recipe, "split"), "", [&] { return parts_of(recipe, table); });
}

constexpr Index largest = Index{1} << 31;  // numbers in a sample, in a weight, in all weights: io reads no larger ones

Index checked_size(const Shape& shape, const Place& place) {
  Index size = 1;
  for (Index dimension : shape) {
    require<ConfigError>(dimension >= 0 && dimension <= largest && (dimension == 0 || size <= largest / dimension),
                         "{}: expected at most {} numbers, got a shape of {}", place.text(), largest, shape.text());
    size *= dimension;
  }
  return size;
}

void check_sizes(const std::vector<Layer>& chain, const Place& place) {
  Shape shape;
  Index weights = 0;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const Place layer = i == 0 ? place : place.key("layers").item(i - 1);
    const LayerPlan plan =
        at_place(layer, "", [&] { return i == 0 ? chain[i].plan({}) : chain[i].plan(std::span(&shape, 1)); });
    checked_size(plan.output, layer);
    for (const ParameterSpec& weight : plan.parameters) weights += checked_size(weight.shape, layer);
    require<ConfigError>(weights <= largest, "{}: expected at most {} weights in all, got {}", layer.text(), largest,
                         weights);
    shape = plan.output;
  }
}

void fail_network(const Recipe& recipe, const Error& error) {
  const std::string place = place_of(recipe, "network").text();
  const std::string_view what = error.what();
  fail<ConfigError>("{}", what.starts_with(place) ? std::string(what) : place + ": " + error.what());
}

RecipeRowsRead read_rows(const Recipe& recipe) {
  CsvOptions reading = recipe.data.csv;
  Table table = read_files(recipe, reading);
  DataReport found = report(table);
  const Index all = table.rows();
  if (recipe.data.drop_duplicates) table = table.select(rows_once(all, found));
  const Index duplicates = all - table.rows();
  return {std::move(table), std::move(found), duplicates, std::move(reading)};
}

PartedRows parted_rows(const Recipe& recipe) {
  PartedRows found{read_rows(recipe), {}, {}, {}, {}};
  Table& table = found.read.table;
  found.parts = part_rows(recipe, table);
  table.hold_out(found.parts.test);  // validation rows are learned from in folds
  found.training = found.parts.training.of(table);
  found.validation = found.parts.validation.of(table);
  found.test = found.parts.test.of(table);
  return found;
}

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

void write_outputs(const Recipe& recipe, RecipeResult& result, const std::vector<Index>& test_rows) {
  const RecipeOutput& output = recipe.output;
  if (!output.model.empty()) {
    const std::vector<std::string> found = result.model.save(file_in(recipe.folder, output.model));
    result.warnings.insert(result.warnings.end(), found.begin(), found.end());
  }
  if (!output.predictions.empty())
    write_predictions(file_in(recipe.folder, output.predictions), result.evaluations.back(), test_rows);
  if (!output.report.empty()) write_report(file_in(recipe.folder, output.report), report_of(recipe, result));
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

std::map<int, double> class_weights(const Recipe& recipe, const Pipeline& pipeline, const Matrix& y) {
  const ClassWeights& given = recipe.training.class_weight;
  const Place place = place_of(recipe, "training").key("class_weight");
  if (given.balanced) return balanced_weights(recipe, pipeline, y);
  std::map<int, double> weights;
  std::vector<std::string> names;
  const std::vector<std::string>& targets = pipeline.target_names();
  if (const auto* classes = targets.size() == 1 ? pipeline.classes_of(targets[0]) : nullptr)
    names = *classes;
  else if (pipeline.target_names().size() > 1)
    names = pipeline.target_names();
  for (const auto& [name, weight] : given.weights) {
    const auto found = std::find(names.begin(), names.end(), name);
    const bool is_number = !name.empty() && name.size() < 9 && name.find_first_not_of("0123456789") == name.npos;
    if (found == names.end() && !is_number) fail_unknown(place, "classes", name, names);
    weights[found != names.end() ? static_cast<int>(found - names.begin()) : std::stoi(name)] = weight;
  }
  return weights;
}

Model ready_model(const Recipe& recipe, std::optional<Model> base, const Pipeline& pipeline, KeptFigures kept,
                  const FitOptions& fit) {
  Model model = base ? std::move(*base) : build(recipe, static_cast<Index>(pipeline.feature_names().size()));
  check_fit(recipe, pipeline, model.network());
  model.info().pipeline = pipeline;
  model.info().inputs.clear();
  for (const std::string& name : pipeline.feature_names()) {
    if (model.info().inputs.empty()) model.info().inputs.emplace_back();
    model.info().inputs[0].push_back({.name = name});
  }
  model.info().baselines = std::move(kept.baselines);
  model.info().reference = std::move(kept.reference);
  model.info().reading = to_config(recipe.data.csv);
  for (const Callback& callback : fit.callbacks)
    if (auto* checkpoint = callback.as<ModelCheckpoint>()) checkpoint->info = model.info();
  if (recipe.base.empty() || recipe.training.compile.loss) model.compile(recipe.training.compile);
  if (model.info().self_test) model.info().self_test->outputs.clear();  // of a base: they are given anew
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
