// maas convert: a model file in another form.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "cli/finite.hpp"
#include "cli/notes.hpp"
#include "cli/outputs.hpp"
#include "cli/samples.hpp"
#include "cli/weights.hpp"
#include "maas/io/keras.hpp"
#include "maas/io/onnx.hpp"
#include "maas/io/weights.hpp"

namespace maas::cli {

namespace {

struct ConvertCommand {
  std::string from, to, reader;
  WeightsOption weights;
  std::vector<std::string> data;
  std::optional<double> limit;

  static constexpr double usual_limit = 0.01;
};

KerasProfile profile_of(const ConvertCommand& command) {
  if (command.reader == "keras2") return KerasProfile::keras_2;
  if (command.reader == "any") return KerasProfile::any;
  if (command.reader == "both") return KerasProfile::combined;
  if (command.reader.empty() || command.to.ends_with(".keras")) return KerasProfile::automatic;
  fmt::print("Note: Keras 3 opens an .h5 and trains on with a fresh optimizer; only from a .keras it resumes\n");
  return KerasProfile::any;
}

// Rounded weights, where the outputs for the given samples allow it. Training cannot resume from the state of others.
void round_weights(SavedModel& saved, const ConvertCommand& command) {
  require<ConfigError>(!command.limit || !command.data.empty(),
                       "convert: expected --data with --limit: samples for which outputs are measured");
  const std::optional<CompactOptions> options = command.weights.options();
  if (!options) {
    require<ConfigError>(command.data.empty(), "convert: expected --weights with --data");
    return;
  }
  Network close = rounded(saved.network, *options);
  const bool same = close.parameters().values() == saved.network.parameters().values();
  if (same)
    fmt::print(
        "Note: no weight has changed: kernels of less than {} numbers stay as they are (--smallest), and so do "
        "rounded ones\n",
        options->smallest);
  else if (command.data.empty())
    fmt::print("Note: nothing says how far outputs move; --data measures it, and --limit refuses\n");
  if (!command.data.empty()) {
    const OutputChange change = change_of(saved.network, close, read_features(saved, command.from, command.data));
    fmt::print("outputs move by {:.3g} on average, {:.3g} at most; their standard deviation is {:.3g}\n", change.mean,
               change.largest, change.spread);
    const double limit = command.limit.value_or(ConvertCommand::usual_limit);
    require<DataError>(change.relative() <= limit,
                       "convert: with {} weights outputs move by {:.3g} of their standard deviation; expected at most "
                       "{:.3g}",
                       command.weights.format, change.relative(), limit);
  }
  if (same) return;  // and can be resumed as before
  saved.network = std::move(close);
  if (saved.training) saved.training->state.reset();
  if (saved.info.self_test) saved.info.self_test->outputs = saved.network.predict(saved.info.self_test->inputs);
}

bool is_onnx(const std::string& path) { return path.ends_with(".onnx"); }
bool is_weights_alone(const std::string& path) { return path.ends_with(".weights.h5"); }

void check_options(const ConvertCommand& command) {
  require<ConfigError>(command.reader.empty() || !(is_onnx(command.to) || is_weights_alone(command.to)),
                       "convert: expected no --for with {}: it is about files that hold a whole model", command.to);
}

void convert(const ConvertCommand& command) {
  check_options(command);
  const bool network_alone = is_onnx(command.to) || is_weights_alone(command.to);
  require_own_file("out", command.to, command.data);
  if (network_alone) require_own_file("out", command.to, {command.from});  // another whole model may take its place
  SavedModel saved = read_keras(command.from);
  print_notes(saved.warnings);
  round_weights(saved, command);
  if (is_onnx(command.to))
    write_onnx(command.to, saved.network, saved.name);
  else if (is_weights_alone(command.to))
    write_keras_weights(command.to, saved.network);
  else
    print_notes(write_keras(command.to, saved, {.profile = profile_of(command)}));
  if (network_alone && saved.info.pipeline) note_pipeline_left_out(command.to);
}

}  // namespace

void add_convert(CLI::App& program) {
  CLI::App* command = program.add_subcommand("convert", "Writes a model file in another form");
  auto given = std::make_shared<ConvertCommand>();
  command->add_option("in", given->from, "The model file, .h5 or .keras of any Keras")->required();
  command
      ->add_option(
          "out", given->to,
          "The new file: .keras for an archive of Keras 3, .weights.h5 for weights alone, .onnx for ONNX, else HDF5")
      ->required();
  command
      ->add_option("--for", given->reader,
                   "Who is to resume with it: keras2; keras3; any, to open in all of them; both, to resume in both")
      ->check(CLI::IsMember({"keras2", "keras3", "any", "both"}));
  add_weights_option(*command, given->weights, false);
  command
      ->add_option(
          "--data", given->data,
          "With --weights: a CSV file of samples (raw rows where the model has a pipeline), once an input; how "
          "far outputs move for them is printed")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--limit", given->limit,
          "With --data: writes nothing where outputs move by more than this share of their standard deviation, "
          "on average")
      ->default_str(fmt::format("{}", ConvertCommand::usual_limit))
      ->check(finite(CLI::NonNegativeNumber));
  command->callback([given] { convert(*given); });
}

}  // namespace maas::cli
