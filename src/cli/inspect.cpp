// maas inspect: what a model file holds.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "maas/io/keras.hpp"
#include "maas/network/summary.hpp"

namespace maas::cli {

namespace {

std::string writer_of(const SavedModel& saved) {
  if (saved.keras_version.empty()) return "written by a program that does not say its name or version";
  std::string text = "written by Keras " + saved.keras_version;
  if (!saved.backend.empty()) text += " (" + saved.backend + ")";
  return text;
}

std::string setting_text(const Config& value) { return value.is_string() ? value.as_string() : value.text(); }

// "Adam (learning_rate 0.001, beta_1 0.9)"; what is not set is left out.
std::string settings_text(std::string_view class_name, const Config& fields) {
  std::string inside;
  for (const auto& [key, value] : fields.as_object())
    if (!value.is_null()) inside += (inside.empty() ? "" : ", ") + key + " " + setting_text(value);
  return std::string(class_name) + (inside.empty() ? "" : " (" + inside + ")");
}

void print_layers(const Network& network) {
  fmt::print("Layers\n");
  const Graph& graph = network.graph();
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer)
    fmt::print("  {}: {}{}\n", graph.name(layer),
               settings_text(graph.layer(layer).class_name(), graph.layer(layer).config()),
               graph.layer(layer).trainable() ? "" : ", frozen");
}

void print_weights(const Network& network) {
  fmt::print("Weights\n");
  for (const ParameterEntry& entry : network.parameters().entries()) {
    const ConstMatrixView values = network.parameters().view(entry);
    fmt::print("  {}: {}", entry.name, entry.shape.text());
    if (values.size() > 0) fmt::print(", from {:.4g} to {:.4g}", values.minCoeff(), values.maxCoeff());
    fmt::print("\n");
  }
}

void print_losses(const std::string& output, const std::optional<Loss>& loss, const std::vector<Metric>& all) {
  fmt::print("  {}loss: {}\n", output, loss ? setting_text(to_config(*loss)) : "none");
  std::string metrics;
  for (const Metric& metric : all) metrics += (metrics.empty() ? "" : ", ") + setting_text(to_config(metric));
  fmt::print("  {}metrics: {}\n", output, metrics.empty() ? "none" : metrics);
}

void print_training(const SavedModel& saved) {
  if (!saved.training) {
    fmt::print("Training: no settings in the file\n");
    return;
  }
  const SavedTraining& training = *saved.training;
  fmt::print("Training\n  optimizer: {}\n",
             settings_text(training.optimizer.class_name(), training.optimizer.config()));
  if (training.outputs.empty()) print_losses("", training.loss, training.metrics);
  for (std::size_t i = 0; i < training.outputs.size(); ++i) {
    const Graph& graph = saved.network.graph();
    print_losses(graph.name(graph.node(graph.outputs()[i]).layer) + ": ", training.outputs[i].loss,
                 training.outputs[i].metrics);
  }
  if (training.state)
    fmt::print("  state: {} steps taken, learning rate {}\n", training.state->step, training.state->learning_rate);
  else
    fmt::print("  state: none in the file; training would start anew\n");
}

void print_pipeline(const SavedModel& saved) {
  if (!saved.info.pipeline) return;
  fmt::print("Pipeline\n");
  std::string text = saved.info.pipeline->text();
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    fmt::print("  {}\n", text.substr(0, end));
    text.erase(0, end + 1);
  }
}

void inspect(const std::string& path) {
  const SavedModel saved = read_keras(path);
  fmt::print("{}: {}\n\n{}\n", path, writer_of(saved), summary(saved.network, saved.name));
  print_layers(saved.network);
  print_weights(saved.network);
  print_training(saved);
  print_pipeline(saved);
  for (const std::string& warning : saved.warnings) fmt::print("Note: {}\n", warning);
}

}  // namespace

void add_inspect(CLI::App& program) {
  CLI::App* command = program.add_subcommand("inspect", "Shows what a model file holds");
  auto path = std::make_shared<std::string>();
  command->add_option("model", *path, "The model file, such as model.h5")->required();
  command->callback([path] { inspect(*path); });
}

}  // namespace maas::cli
