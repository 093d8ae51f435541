#include "io/keras_archive.hpp"

#include "io/json.hpp"
#include "io/keras_config.hpp"
#include "io/keras_info.hpp"
#include "io/keras_own.hpp"
#include "io/keras_state.hpp"
#include "io/keras_training.hpp"
#include "io/keras_weights.hpp"
#include "io/limits.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr const char* metadata_name = "metadata.json";
constexpr const char* config_name = "config.json";
constexpr const char* weights_name = "model.weights.h5";
constexpr std::uint64_t most_metadata = std::uint64_t{1} << 20;
constexpr const char* archive_version = "3.4.0";  // the oldest Keras that reads what is written

// Nothing of an archive is unpacked, so that a name leads nowhere; but one that would lead elsewhere is no accident.
void check_members(const ZipReader& archive, const std::string& shown) {
  require<FormatError>(!archive.names().empty(), "{}: is an archive without members", shown);
  for (const std::string& name : archive.names()) {
    const bool known = name == metadata_name || name == config_name || name == weights_name;
    const bool asset =
        name.starts_with("assets/") && name.find("..") == std::string::npos && name.find('\\') == std::string::npos;
    require<FormatError>(known || asset, "{}: holds a member \"{}\", expected only {}, {}, {} and assets/", shown, name,
                         metadata_name, config_name, weights_name);
  }
}

Config read_json_member(const ZipReader& archive, const std::string& shown, const std::string& name,
                        std::uint64_t most) {
  const std::string where = shown + ": " + name;
  const BytesPointer bytes = archive.member(name, most);
  return parse_json(bytes->text(0, static_cast<std::size_t>(bytes->size()), where), where);
}

std::string version_of(const ZipReader& archive, const std::string& shown) {
  if (!archive.has(metadata_name)) return "";
  const Config metadata = read_json_member(archive, shown, metadata_name, most_metadata);
  const Config* version = metadata.find("keras_version");
  return version != nullptr && version->is_string() ? version->as_string() : "";
}

// Keras 3 may lose the optimizer of a model that it has saved as .h5 before; then it goes on with RMSprop.
SavedTraining read_keras_training(const Hdf5Reader& file, Config compile, const Variables& variables,
                                  const SavedModel& saved, Reading& reading) {
  const Config* optimizer = compile.find("optimizer");
  require<ConfigError>(optimizer != nullptr && !optimizer->is_null(), "compile_config: there is no optimizer");
  compile.set("optimizer_config", Config(*optimizer));
  const Writer writer{.keras_3 = !saved.keras_version.starts_with("2.")};
  SavedTraining training = read_training(compile, writer, output_names(saved.network.graph()), reading).training;
  training.state = read_store_state(file, training.optimizer, saved.network.parameters().layout().trainable_size(),
                                    variables, reading);
  return training;
}

void read_training_part(const Hdf5Reader& file, const Config& config, const OwnNotes& own, const NetworkPlan& plan,
                        SavedModel& saved, Reading& reading) {
  const Config* compile = config.find("compile_config");
  const bool compiled = compile != nullptr && compile->is_object() && !compile->as_object().empty();
  if (own.training.is_null() && !compiled) return;
  const ParameterLayout& layout = saved.network.parameters().layout();
  const Variables variables = variables_of(plan.groups, layout);
  const auto state_of_keras = [&](const Optimizer& optimizer) {
    return read_store_state(file, optimizer, layout.trainable_size(), variables, reading);
  };
  try {
    saved.training = own.training.is_null() ? read_keras_training(file, *compile, variables, saved, reading)
                                            : read_own(file, own, saved.network, variables, state_of_keras);
  } catch (const ConfigError& error) {
    reading.warn(fmt::format("training settings left out: {}", error.what()));
  }
}

Hdf5Reader weights_of(const ZipReader& archive, const std::string& shown) {
  return Hdf5Reader(archive.member(weights_name, most_weights), shown + ": " + weights_name);
}

}  // namespace

Hdf5Reader open_weights(const std::string& path) {
  const BytesPointer bytes = open_bytes(path);
  if (is_hdf5(*bytes)) return Hdf5Reader(bytes, path);
  require<FormatError>(is_zip(*bytes), "{}: is neither an HDF5 file nor a zip archive (its first bytes are others)",
                       path);
  const ZipReader archive(bytes, path);
  check_members(archive, path);
  return weights_of(archive, path);
}

SavedModel read_archive(const ZipReader& archive, const std::string& shown, const LoadOptions& options) {
  check_members(archive, shown);
  const Config config = read_json_member(archive, shown, config_name, most_text);
  const std::string version = version_of(archive, shown);
  const Hdf5Reader file = weights_of(archive, shown);
  const OwnNotes own = read_own_notes(file);
  Reading reading{.more = options.layers};
  reading.keras_2 = own.version.empty() ? version.starts_with("2.") : own.graph.contains("keras_2");
  NetworkPlan plan = read_network(config, reading, [&] { return first_kernel_of_store(file); });
  put_in_order(plan, own.graph);
  const ParameterLayout layout(plan.graph);
  const auto weights = find_in_store(file, plan.root, plan.graph, layout);
  require_fit(file, weights);
  SavedModel saved{.network = Network::undrawn(plan.graph), .name = plan.name};
  read_weights(file, weights, saved.network.parameters());
  saved.keras_version = version;
  saved.maas_version = own.version;
  saved.info = read_info(file, saved.network, options.steps);
  if (options.compile) read_training_part(file, config, own, plan, saved, reading);
  saved.warnings = std::move(reading.warnings);
  return saved;
}

std::vector<std::string> write_archive(ZipWriter& archive, const std::string& shown, const ModelView& model,
                                       bool include_optimizer, bool for_all) {
  const Graph& graph = model.network.graph();
  const Dialect dialect{.modules = true, .new_graphs = !for_all};
  const SavedTraining* training = include_optimizer && model.training ? &*model.training : nullptr;
  std::optional<Config> compile;
  std::vector<std::string> warnings = warnings_of_layers(graph, dialect);
  if (training != nullptr) compile = write_training(*training, model.state, dialect, warnings);
  Config config = write_network(graph, std::string(model.name), dialect);
  if (compile) config.set("compile_config", *compile);
  const std::string json = write_json(config);
  require<FormatError>(json.size() <= most_text, "{}: {}: expected at most {} bytes, got {}", shown, config_name,
                       most_text, json.size());
  const std::string metadata = write_json(Config{}.set("keras_version", archive_version));

  const Variables variables = variables_of(weight_groups(graph), model.network.parameters().layout());
  Hdf5Writer weights(shown);
  write_store_weights(weights, model.network, for_all);
  const bool keras_resumes = compile && model.state != nullptr;
  if (keras_resumes)
    write_store_state(weights, training->optimizer, *model.state, variables,
                      !for_all && !has_keras_schedule(training->optimizer));
  write_own(weights, model, variables, {.training = training != nullptr, .slots = !keras_resumes});
  archive.add(metadata_name, metadata);
  archive.add(config_name, json);
  archive.add(weights_name, weights.image());
  archive.close();
  return warnings;
}

}  // namespace maas::inline MAAS_ABI::io
