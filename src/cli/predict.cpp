// maas predict: predictions for rows of CSV files.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "maas/data/csv.hpp"
#include "maas/io/keras.hpp"
#include "maas/model/model.hpp"

namespace maas::cli {

namespace {

struct PredictOptions {
  std::string model;
  std::vector<std::string> inputs, outputs;
  bool prepared = false;
};

// Rows are samples. A first line of names is passed over, and so are lines that start with #.
Matrix read_samples(const std::string& path, Index expected, const Shape& shape) {
  const Table table = read_csv(path, {.header = CsvHeader::automatic, .comment = '#'});
  require<DataError>(table.rows() > 0, "{}: expected at least 1 row of numbers, got none", path);
  require<ShapeError>(table.columns() == expected, "{}: expected {} numbers a row ({}), got {}", path, expected,
                      shape.text(), table.columns());
  for (Index i = 0; i < table.columns(); ++i)
    require<FormatError>(table.column(i).type == ColumnType::number, "{}: expected only numbers, got {}", path,
                         table.column(i).why_text.empty() ? "another kind of column" : table.column(i).why_text);
  Matrix samples = table.matrix();
  for (Index row = 0; row < samples.rows(); ++row)
    for (Index column = 0; column < samples.cols(); ++column)
      require<DataError>(std::isfinite(samples(row, column)),
                         "{}: expected finite numbers, got {} in row {}, column {} (counted from 0)", path,
                         samples(row, column), row, column);
  return samples;
}

std::vector<Matrix> read_inputs(const Network& network, const std::vector<std::string>& paths) {
  const Graph& graph = network.graph();
  require<ConfigError>(paths.size() == graph.inputs().size(), "the model has {} inputs, got {} files with --input",
                       graph.inputs().size(), paths.size());
  std::vector<Matrix> inputs;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Shape& shape = graph.input_shape(static_cast<Index>(i));
    inputs.push_back(read_samples(paths[i], shape.size(), shape));
    require<ShapeError>(inputs[i].rows() == inputs[0].rows(), "{}: expected {} rows, as in {}, got {}", paths[i],
                        inputs[0].rows(), paths[0], inputs[i].rows());
  }
  return inputs;
}

// One file or the standard output holds all outputs side by side; as many files as outputs hold one each.
void write_outputs(const std::vector<Matrix>& outputs, const std::vector<std::string>& paths) {
  if (paths.size() > 1) {
    require<ConfigError>(paths.size() == outputs.size(), "the model has {} outputs, got {} files with --output",
                         outputs.size(), paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) write_csv(paths[i], outputs[i]);
    return;
  }
  Index columns = 0;
  for (const Matrix& output : outputs) columns += output.cols();
  Matrix all(outputs[0].rows(), columns);
  Index first = 0;
  for (const Matrix& output : outputs) {
    all.middleCols(first, output.cols()) = output;
    first += output.cols();
  }
  if (paths.empty())
    fmt::print("{}", csv_text(all));
  else
    write_csv(paths[0], all);
}

// Raw rows, whose columns are found by name and hold what they held in training.
Table read_raw(const std::string& path, const Pipeline& pipeline) {
  CsvOptions options{.comment = '#'};
  const Table guessed = read_csv(path, options);
  for (const std::string& name : pipeline.needed_columns())
    if (const auto type = pipeline.column_type(name); type && guessed.contains(name)) options.types[name] = *type;
  return read_csv(path, options);
}

void predict_raw(const Model& model, const PredictOptions& options) {
  const Pipeline& pipeline = *model.info().pipeline;
  require<ConfigError>(
      options.inputs.size() == 1 && options.outputs.size() <= 1,
      "the model has a pipeline: expected 1 file with --input and at most 1 with --output, got {} and {}",
      options.inputs.size(), options.outputs.size());
  Matrix y;
  try {
    y = model.predict(read_raw(options.inputs[0], pipeline));
  } catch (const DataError& error) {
    fail<DataError>("{}: {}", options.inputs[0], error.what());
  }
  const std::vector<std::string> names = pipeline.output_names(y.cols()).value_or(std::vector<std::string>());
  if (options.outputs.empty())
    fmt::print("{}", csv_text(y, names));
  else
    write_csv(options.outputs[0], y, names);
}

void predict(const PredictOptions& options) {
  SavedModel saved = read_keras(options.model, {.compile = false});
  if (saved.info.pipeline && !options.prepared) return predict_raw(Model(std::move(saved)), options);
  write_outputs(saved.network.predict(read_inputs(saved.network, options.inputs)), options.outputs);
}

}  // namespace

void add_predict(CLI::App& program) {
  CLI::App* command = program.add_subcommand("predict", "Predicts with a model file for the rows of CSV files");
  auto options = std::make_shared<PredictOptions>();
  command->add_option("model", options->model, "The model file, such as model.h5")->required();
  command
      ->add_option("--input", options->inputs,
                   "A CSV file, one sample a row; once for each input of the model, in order. For a model with a "
                   "pipeline, raw rows with the names of their columns in the first line")
      ->required()
      ->allow_extra_args(false);
  command
      ->add_option("--output", options->outputs,
                   "Where predictions go, 9 significant digits; once for all outputs side by side, or once for each; "
                   "without it to the standard output")
      ->allow_extra_args(false);
  command->add_flag("--prepared", options->prepared,
                    "The rows hold what the network takes: leave the model's pipeline aside");
  command->callback([options] { predict(*options); });
}

}  // namespace maas::cli
