// maas convert: a model file in another form.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "maas/io/keras.hpp"
#include "maas/io/onnx.hpp"
#include "maas/io/weights.hpp"

namespace maas::cli {

namespace {

struct ConvertCommand {
  std::string from, to, reader;
};

KerasProfile profile_of(const ConvertCommand& command) {
  if (command.reader == "keras2") return KerasProfile::keras_2;
  if (command.reader == "any") return KerasProfile::any;
  if (command.reader == "both") return KerasProfile::combined;
  if (command.reader.empty() || command.to.ends_with(".keras")) return KerasProfile::automatic;
  fmt::print("Note: Keras 3 opens an .h5 and trains on with a fresh optimizer; only from a .keras it resumes\n");
  return KerasProfile::any;
}

void convert(const ConvertCommand& command) {
  const SavedModel saved = read_keras(command.from);
  for (const std::string& warning : saved.warnings) fmt::print("Note: {}\n", warning);
  if (command.to.ends_with(".onnx"))
    write_onnx(command.to, saved.network, saved.name);
  else if (command.to.ends_with(".weights.h5"))
    write_keras_weights(command.to, saved.network);
  else
    write_keras(command.to, saved, {.profile = profile_of(command)});
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
  command->callback([given] { convert(*given); });
}

}  // namespace maas::cli
