// maas predict: predictions for rows of CSV files.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "cli/commands.hpp"
#include "cli/outputs.hpp"
#include "cli/samples.hpp"
#include "cli/weights.hpp"
#include "maas/data/csv.hpp"
#include "maas/io/keras.hpp"
#include "maas/model/model.hpp"
#include "maas/recipe/evaluation.hpp"

namespace maas::cli {

namespace {

struct PredictOptions {
  std::string model;
  std::vector<std::string> inputs, outputs;
  bool prepared = false;
  WeightsOption weights;
};

// Of two outputs in one file only the later one would be left.
void require_different_files(const std::vector<std::string>& paths) {
  std::set<std::filesystem::path> seen;
  for (const std::string& path : paths) {
    std::error_code error;  // of what is no file, which is refused when it is to be written
    const std::filesystem::path real = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
    require<ConfigError>(seen.insert(error ? std::filesystem::path(path) : real).second,
                         "expected another file with each --output, got {} twice", path);
  }
}

void write_file(const std::string& path, const Matrix& y, const std::vector<std::string>& names = {}) {
  try {
    write_csv(path, y, names);
  } catch (const FormatError& error) {
    fail<FormatError>("{}; without --output predictions go to the standard output", error.what());
  }
}

// One file or the standard output holds all outputs side by side; as many files as outputs hold one each.
void write_outputs(const std::vector<Matrix>& outputs, const std::vector<std::string>& paths) {
  if (paths.size() > 1) {
    require<ConfigError>(paths.size() == outputs.size(), "the model has {} outputs, got {} files with --output",
                         outputs.size(), paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) write_file(paths[i], outputs[i]);
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
    write_file(paths[0], all);
}

void predict_raw(const Model& model, const PredictOptions& options) {
  const Pipeline& pipeline = *model.info().pipeline;
  require<ConfigError>(
      options.inputs.size() == 1 && options.outputs.size() <= 1,
      "the model has a pipeline: expected 1 file with --input and at most 1 with --output, got {} and {}",
      options.inputs.size(), options.outputs.size());
  const CsvOptions reading = reading_for(model.info(), options.model, {.comment = '#'});
  Matrix y;
  try {
    y = model.predict(read_table_for(pipeline, options.inputs[0], reading));
  } catch (const DataError& error) {
    fail<DataError>("{}: {}", options.inputs[0], error.what());
  }
  const std::vector<std::string> names = pipeline.output_names(y.cols()).value_or(std::vector<std::string>());
  if (options.outputs.empty())
    fmt::print("{}", csv_text(y, names));
  else
    write_file(options.outputs[0], y, names);
}

void predict(const PredictOptions& options) {
  require_different_files(options.outputs);
  std::vector<std::string> read = options.inputs;
  read.push_back(options.model);
  for (const std::string& output : options.outputs) require_own_file("--output", output, read);
  SavedModel saved = read_keras(options.model, {.compile = false});
  require<ConfigError>(!saved.info.forecast || options.inputs.size() == saved.network.graph().inputs().size(),
                       "{}: expected samples as its network takes them, a file for each of its {} inputs, got {}; maas "
                       "forecast takes readings",
                       options.model, saved.network.graph().inputs().size(), options.inputs.size());
  saved.network = compact_as_asked(saved.network, options.weights);
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
  add_weights_option(*command, options->weights);
  command->callback([options] { predict(*options); });
}

}  // namespace maas::cli
