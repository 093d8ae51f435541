// read_keras and write_keras: the parts of a model.h5 put together.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "io/hdf5_file.hpp"
#include "io/json.hpp"
#include "io/keras_config.hpp"
#include "io/keras_state.hpp"
#include "io/keras_training.hpp"
#include "maas/core/new_file.hpp"
#include "maas/io/keras.hpp"
#include "maas/version.hpp"

namespace maas::inline MAAS_ABI {

namespace io {
namespace {

// The version written into files: their JSON is in its style, whatever reads them.
constexpr const char* written_version = "2.15.0";

std::vector<Index> dimensions_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

// ---- Reading ----

// A layer's weights as a file lists them.
struct StoredGroup {
  std::string name;
  std::vector<std::string> weights;  // paths from the root
};

void check_unique(const std::string& path, const std::string& where, const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (const std::string& name : names)
    require<FormatError>(seen.insert(name).second, "{}: {} names \"{}\" twice", path, where, name);
}

std::vector<StoredGroup> stored_groups(const Hdf5Reader& file) {
  const auto layers = file.names("model_weights", "layer_names");
  require<FormatError>(layers.has_value(), "{}: model_weights does not list its layers (layer_names)", file.path());
  check_unique(file.path(), "layer_names", *layers);
  std::vector<StoredGroup> groups;
  for (const std::string& layer : *layers) {
    const std::string group = "model_weights/" + layer;
    auto weights = file.names(group, "weight_names");
    if (!weights || weights->empty()) continue;
    check_unique(file.path(), "weight_names of " + layer, *weights);
    for (std::string& weight : *weights) weight = group + "/" + weight;
    groups.push_back({layer, std::move(*weights)});
  }
  return groups;
}

// All weights of a group in Keras' order: in all of its layers those that training moves, then in all the others.
std::vector<const ParameterEntry*> entries_of(const WeightGroup& group, const ParameterLayout& layout) {
  std::vector<const ParameterEntry*> entries;
  for (bool trainable : {true, false})
    for (Index layer : group.layers)
      for (Index which = 0; which < layout.count(layer); ++which) {
        const ParameterEntry& entry = layout.entry(layer, which);
        if (entry.trainable == trainable) entries.push_back(&entry);
      }
  return entries;
}

struct Matched {
  const ParameterEntry* entry;
  std::string dataset;
};

// Groups are found by name. Keras goes by position, which is the same in every file it writes; where names do not fit,
// so does this.
std::vector<Matched> match_weights(const Hdf5Reader& file, const std::vector<WeightGroup>& groups,
                                   const ParameterLayout& layout) {
  const std::vector<StoredGroup> stored = stored_groups(file);
  std::vector<const WeightGroup*> wanted;
  for (const WeightGroup& group : groups)
    if (!entries_of(group, layout).empty()) wanted.push_back(&group);
  require<FormatError>(stored.size() == wanted.size(), "{}: expected the weights of {} layers, got those of {}",
                       file.path(), wanted.size(), stored.size());
  auto named = [&](const std::string& name) {
    return std::ranges::find_if(stored, [&](const StoredGroup& group) { return group.name == name; });
  };
  const bool by_name =
      std::ranges::all_of(wanted, [&](const WeightGroup* g) { return named(g->name) != stored.end(); });
  std::vector<Matched> matched;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const StoredGroup& from = by_name ? *named(wanted[i]->name) : stored[i];
    const auto entries = entries_of(*wanted[i], layout);
    require<FormatError>(entries.size() == from.weights.size(), "{}: layer \"{}\": expected {} weights, got {}",
                         file.path(), wanted[i]->name, entries.size(), from.weights.size());
    for (std::size_t k = 0; k < entries.size(); ++k) matched.push_back({entries[k], from.weights[k]});
  }
  return matched;
}

std::string shape_text(const std::vector<Index>& dimensions) {
  std::string text;
  for (Index dimension : dimensions) text += (text.empty() ? "" : "x") + std::to_string(dimension);
  return text.empty() ? "a single number" : text;
}

// Before any memory is taken for weights.
void check_shapes(const Hdf5Reader& file, const std::vector<Matched>& weights) {
  for (const auto& [entry, dataset] : weights) {
    const std::vector<Index> expected = dimensions_of(entry->shape), got = file.dataset(dataset).dimensions;
    require<FormatError>(expected == got, "{}: weight {}: expected {}, got {} (dataset {})", file.path(), entry->name,
                         shape_text(expected), shape_text(got), dataset);
  }
}

std::optional<std::vector<Index>> first_kernel(const Hdf5Reader& file) {
  const std::vector<StoredGroup> groups = stored_groups(file);
  if (groups.empty()) return std::nullopt;
  return file.dataset(groups[0].weights[0]).dimensions;
}

Config read_json(const Hdf5Reader& file, const char* attribute) {
  const auto text = file.text("", attribute);
  return text ? parse_json(*text, file.path() + ": " + attribute) : Config();
}

void require_model(const Hdf5Reader& file) {
  if (file.text("", "model_config")) return;
  const bool weights_only = file.names("", "layer_names").has_value() || file.has_group("layers");
  require<FormatError>(!weights_only, "{}: holds weights only, expected a whole model (no model_config)", file.path());
  fail<FormatError>("{}: is an HDF5 file, but no Keras model (no model_config)", file.path());
}

Variables variables_of(const std::vector<WeightGroup>& groups, const ParameterLayout& layout) {
  Variables variables;
  for (const WeightGroup& group : groups)
    for (const ParameterEntry* entry : entries_of(group, layout))
      if (entry->trainable) variables.push_back(entry);
  return variables;
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

// Training settings as maas left them, or as Keras did. What is not known does not keep the network from being used.
void read_training_part(const Hdf5Reader& file, const NetworkPlan& plan, SavedModel& saved, Reading& reading) {
  const Config own = read_json(file, "maas_training");
  const Config keras = own.is_null() ? read_json(file, "training_config") : Config();
  if (own.is_null() && keras.is_null()) return;
  const ParameterLayout& layout = saved.network.parameters().layout();
  const Variables variables = variables_of(plan.groups, layout);
  try {
    if (!own.is_null()) {
      SavedTraining training = read_own_training(own);
      require<ConfigError>(training.outputs.empty() || training.outputs.size() == plan.graph.outputs().size(),
                           "expected settings of {} outputs, got {}", plan.graph.outputs().size(),
                           training.outputs.size());
      training.state = read_own_state(file, training.optimizer, layout.trainable_size(), variables);
      saved.training = std::move(training);
      return;
    }
    const Writer writer = writer_of(saved);
    CompiledAs compiled = read_training(keras, writer, output_names(saved.network.graph()), reading);
    compiled.training.state = read_keras_state(file, compiled.training.optimizer, layout.trainable_size(), variables,
                                               compiled.order, writer.keras_3, reading);
    saved.training = std::move(compiled.training);
  } catch (const ConfigError& error) {
    reading.warn(fmt::format("training settings left out: {}", error.what()));
  }
}

SavedModel read(const Hdf5Reader& file, const LoadOptions& options) {
  require_model(file);
  const std::string version = file.text("", "keras_version").value_or("");
  const std::string maas_version = file.text("", "maas_version").value_or("");
  const Config own = read_json(file, "maas_graph");
  Reading reading{.keras_1 = version.starts_with("1."), .more = options.layers};
  reading.keras_2 = maas_version.empty() ? !version.starts_with("3") : own.contains("keras_2");
  NetworkPlan plan = read_network(read_json(file, "model_config"), reading, [&] { return first_kernel(file); });
  plan.graph = in_order(std::move(plan.graph), own, plan.groups);
  const ParameterLayout layout(plan.graph);
  const std::vector<Matched> weights = match_weights(file, plan.groups, layout);
  check_shapes(file, weights);
  SavedModel saved{.network = Network(plan.graph), .name = plan.name};
  for (const auto& [entry, dataset] : weights)
    file.read(dataset, dimensions_of(entry->shape), saved.network.parameters().view(*entry).data());
  saved.keras_version = version;
  saved.backend = file.text("", "backend").value_or("");
  saved.maas_version = maas_version;
  if (options.compile) read_training_part(file, plan, saved, reading);
  saved.warnings = std::move(reading.warnings);
  return saved;
}

// ---- Writing ----

void write_weights(Hdf5Writer& file, const Network& network, const std::vector<Index>& layers) {
  const Graph& graph = network.graph();
  const ParameterLayout& layout = network.parameters().layout();
  const bool lists_inputs = !(graph.is_chain() && graph.layers().size() == graph.nodes().size());
  file.group("model_weights");
  std::vector<std::string> names;
  for (Index layer : layers)
    if (lists_inputs || graph.layer(layer).as<InputLayer>() == nullptr) names.push_back(graph.name(layer));
  file.names("model_weights", "layer_names", names);
  file.text("model_weights", "backend", "tensorflow");
  file.text("model_weights", "keras_version", written_version);
  for (Index layer : layers) {
    if (!lists_inputs && graph.layer(layer).as<InputLayer>() != nullptr) continue;
    const std::string group = "model_weights/" + graph.name(layer);
    file.group(group);
    std::vector<std::string> weights;
    const WeightGroup alone{graph.name(layer), {layer}};
    for (const ParameterEntry* entry : entries_of(alone, layout)) {
      weights.push_back(entry->name + ":0");
      file.group(group + "/" + entry->name.substr(0, entry->name.rfind('/')));
      file.floats(group + "/" + weights.back(), dimensions_of(entry->shape), network.parameters().view(*entry).data());
    }
    file.names(group, "weight_names", weights);
  }
}

std::vector<std::string> write_training_part(Hdf5Writer& file, const SavedTraining& training,
                                             const Variables& variables, KerasProfile profile) {
  std::vector<std::string> notes;
  if (const auto config = write_training(training, notes)) file.text("", "training_config", write_json(*config));
  file.text("", "maas_training", write_json(write_own_training(training)));
  note_own_training(training, notes);
  if (!training.state) return notes;
  if (profile == KerasProfile::keras_2) write_keras_2_state(file, training.optimizer, *training.state, variables);
  write_own_state(file, training.optimizer, *training.state, variables);
  return notes;
}

std::vector<std::string> write(Hdf5Writer& file, const SavedModel& model, const SaveOptions& options) {
  const Graph& graph = model.network.graph();
  const bool for_keras_2 = options.profile == KerasProfile::keras_2;
  const std::vector<Index> layers = keras_layer_order(graph);
  file.text("", "keras_version", written_version);
  file.text("", "backend", "tensorflow");
  file.text("", "model_config", write_json(write_network(graph, model.name, for_keras_2)));
  file.text("", "maas_version", MAAS_VERSION);
  Config own = write_order(graph);
  if (for_keras_2) own.set("keras_2", true);
  if (!own.is_null()) file.text("", "maas_graph", write_json(own));
  write_weights(file, model.network, layers);
  if (!model.training || !options.include_optimizer) return {};
  std::vector<WeightGroup> groups;
  for (Index layer : layers) groups.push_back({graph.name(layer), {layer}});
  return write_training_part(file, *model.training, variables_of(groups, model.network.parameters().layout()),
                             options.profile);
}

}  // namespace
}  // namespace io

SavedModel read_keras(const std::string& path, const LoadOptions& options) {
  try {
    const io::Hdf5Reader file(path);
    return io::read(file, options);
  } catch (const FormatError&) {
    throw;
  } catch (const Error& error) {
    fail<FormatError>("{}: {}", path, error.what());
  }
}

std::vector<std::string> write_keras(const std::string& path, const SavedModel& model, const SaveOptions& options) {
  try {
    NewFile file(path);
    io::Hdf5Writer writer(file.temporary(), path);
    std::vector<std::string> notes = io::write(writer, model, options);
    writer.close();
    file.commit();
    return notes;
  } catch (const FormatError&) {
    throw;
  } catch (const Error& error) {
    fail<FormatError>("{}: {}", path, error.what());
  }
}

}  // namespace maas::inline MAAS_ABI
