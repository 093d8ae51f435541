#include "io/keras_h5.hpp"

#include <cstdlib>

#include "io/json.hpp"
#include "io/keras_config.hpp"
#include "io/keras_info.hpp"
#include "io/keras_own.hpp"
#include "io/keras_state.hpp"
#include "io/keras_training.hpp"
#include "io/keras_weights.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr const char* weights_group = "model_weights";

Config read_json(const Hdf5Reader& file, const char* attribute) {
  const auto text = file.text("", attribute);
  return text ? parse_json(*text, file.path() + ": " + attribute) : Config();
}

void require_model(const Hdf5Reader& file) {
  if (file.text("", "model_config")) return;
  const bool weights_only = file.names("", "layer_names").has_value() || is_store(file);
  require<FormatError>(!weights_only,
                       "{}: holds weights only, expected a whole model (no model_config); Model::load_weights reads it",
                       file.path());
  fail<FormatError>("{}: is an HDF5 file, but no Keras model (no model_config)", file.path());
}

// The package keras 1.0 to 2.3, which is not TensorFlow's; files without a version are its oldest. 2.10 comes
// after 2.4.
bool is_before_tensorflow(const std::string& version) {
  if (version.find("tf") != std::string::npos) return false;
  if (version.empty() || version.starts_with("1.")) return true;
  return version.starts_with("2.") && std::atoi(version.c_str() + 2) < 4;
}

Writer writer_of(const SavedModel& saved) {
  Writer writer;
  const std::string& version = saved.keras_version;
  writer.keras_3 = version.starts_with("3") && saved.maas_version.empty();
  writer.before_tensorflow = is_before_tensorflow(version);
  return writer;
}

SavedTraining read_keras_training(const Hdf5Reader& file, const Config& config, const Variables& variables,
                                  const SavedModel& saved, Reading& reading) {
  const Writer writer = writer_of(saved);
  CompiledAs compiled = read_training(config, writer, output_names(saved.network.graph()), reading);
  compiled.training.state =
      read_keras_state(file, compiled.training.optimizer, saved.network.parameters().layout().trainable_size(),
                       variables, compiled.order, writer.keras_3, reading);
  return std::move(compiled.training);
}

// Training settings as maas left them, or as Keras did. What is not known does not keep the network from being used.
void read_training_part(const Hdf5Reader& file, const OwnNotes& own, const NetworkPlan& plan, SavedModel& saved,
                        Reading& reading) {
  const Config keras = own.training.is_null() ? read_json(file, "training_config") : Config();
  if (own.training.is_null() && keras.is_null()) return;
  const ParameterLayout& layout = saved.network.parameters().layout();
  const Variables variables = variables_of(plan.groups, layout);
  const auto state_for_keras_2 = [&](const Optimizer& optimizer) {
    return read_keras_state(file, optimizer, layout.trainable_size(), variables, SlotOrder::grouped, false, reading);
  };
  try {
    saved.training = own.training.is_null() ? read_keras_training(file, keras, variables, saved, reading)
                                            : read_own(file, own, saved.network, variables, state_for_keras_2);
  } catch (const ConfigError& error) {
    reading.warn(fmt::format("training settings left out: {}", error.what()));
  }
}

}  // namespace

SavedModel read_h5(const Hdf5Reader& file, const LoadOptions& options) {
  require_model(file);
  const std::string version = file.text("", "keras_version").value_or("");
  const OwnNotes own = read_own_notes(file);
  Reading reading{.keras_1 = version.starts_with("1."), .more = options.layers};
  reading.keras_2 = own.version.empty() ? !version.starts_with("3") : own.graph.contains("keras_2");
  NetworkPlan plan = read_network(read_json(file, "model_config"), reading, [&] { return first_kernel_of_h5(file); });
  put_in_order(plan, own.graph);
  const ParameterLayout layout(plan.graph);
  const auto weights = find_in_h5(file, weights_group, plan.groups, layout, Meeting::by_name_or_order);
  require_fit(file, weights);
  SavedModel saved{.network = Network::undrawn(plan.graph), .name = plan.name};
  read_weights(file, weights, saved.network.parameters());
  saved.keras_version = version;
  saved.backend = file.text("", "backend").value_or("");
  saved.maas_version = own.version;
  saved.info = read_info(file, saved.network, options.steps);
  if (options.compile) read_training_part(file, own, plan, saved, reading);
  saved.warnings = std::move(reading.warnings);
  return saved;
}

std::vector<std::string> write_h5(Hdf5Writer& file, const ModelView& model, bool include_optimizer, bool for_keras_2) {
  const Graph& graph = model.network.graph();
  const Dialect dialect{.for_keras_2 = for_keras_2};
  const Variables variables = variables_of(weight_groups(graph), model.network.parameters().layout());
  const SavedTraining* training = include_optimizer && model.training ? &*model.training : nullptr;
  file.text("", "keras_version", h5_version);
  file.text("", "backend", "tensorflow");
  file.text("", "model_config", write_json(write_network(graph, std::string(model.name), dialect)));
  std::vector<std::string> warnings = warnings_of_layers(graph, dialect);
  if (training != nullptr)
    if (const auto config = write_training(*training, model.state, dialect, warnings))
      file.text("", "training_config", write_json(*config));
  write_h5_weights(file, weights_group, model.network);
  const bool keras_resumes = for_keras_2 && training != nullptr && model.state != nullptr;
  if (keras_resumes) write_keras_2_state(file, training->optimizer, *model.state, variables);
  write_own(file, model, variables,
            {.training = training != nullptr, .slots = !keras_resumes, .for_keras_2 = for_keras_2});
  return warnings;
}

}  // namespace maas::inline MAAS_ABI::io
