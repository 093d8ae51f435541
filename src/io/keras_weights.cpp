#include "io/keras_weights.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "maas/core/names.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

std::string shape_text(const std::vector<Index>& dimensions) {
  std::string text;
  for (Index dimension : dimensions) text += (text.empty() ? "" : "x") + std::to_string(dimension);
  return text.empty() ? "a single number" : text;
}

std::string below(const std::string& group, const std::string& name) {
  return group.empty() ? name : group + "/" + name;
}

// Pairs weights with datasets; what does not fit is said in the result.
StoredLayer paired(const Hdf5Reader& file, const std::string& name, const std::vector<const ParameterEntry*>& entries,
                   const std::vector<std::string>& datasets) {
  StoredLayer layer{name};
  if (entries.size() != datasets.size()) {
    layer.misfit = fmt::format("layer \"{}\": expected {} weights, got {}", name, entries.size(), datasets.size());
    return layer;
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::vector<Index> expected = dimensions_of(entries[i]->shape), got = file.dataset(datasets[i]).dimensions;
    if (expected != got && layer.misfit.empty())
      layer.misfit = fmt::format("weight {}: expected {}, got {} (dataset {})", entries[i]->name, shape_text(expected),
                                 shape_text(got), datasets[i]);
    layer.weights.push_back({entries[i], datasets[i]});
  }
  return layer;
}

// ---- model.h5 ----

// A layer's weights as a file lists them.
struct ListedLayer {
  std::string name;
  std::vector<std::string> datasets;
};

void check_unique(const std::string& path, const std::string& where, const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (const std::string& name : names)
    require<FormatError>(seen.insert(name).second, "{}: {} names \"{}\" twice", path, where, name);
}

std::vector<ListedLayer> listed_layers(const Hdf5Reader& file, const std::string& root) {
  const auto names = file.names(root, "layer_names");
  const std::string where = root.empty() ? "the file" : root;
  require<FormatError>(names.has_value(), "{}: {} does not list its layers (layer_names)", file.path(), where);
  check_unique(file.path(), "layer_names", *names);
  std::vector<ListedLayer> layers;
  for (const std::string& name : *names) {
    const std::string group = below(root, name);
    auto weights = file.names(group, "weight_names");
    if (!weights || weights->empty()) continue;
    check_unique(file.path(), "weight_names of " + name, *weights);
    for (std::string& weight : *weights) weight = group + "/" + weight;
    layers.push_back({name, std::move(*weights)});
  }
  return layers;
}

}  // namespace

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

Variables variables_of(const std::vector<WeightGroup>& groups, const ParameterLayout& layout) {
  Variables variables;
  for (const WeightGroup& group : groups)
    for (const ParameterEntry* entry : entries_of(group, layout))
      if (entry->trainable) variables.push_back(entry);
  return variables;
}

std::vector<WeightGroup> weight_groups(const Graph& graph) {
  std::vector<WeightGroup> groups;
  for (Index layer : keras_layer_order(graph)) groups.push_back({graph.name(layer), {layer}});
  return groups;
}

std::vector<StoredLayer> find_in_h5(const Hdf5Reader& file, const std::string& root,
                                    const std::vector<WeightGroup>& groups, const ParameterLayout& layout,
                                    Meeting meeting) {
  const std::vector<ListedLayer> listed = listed_layers(file, root);
  std::vector<const WeightGroup*> wanted;
  for (const WeightGroup& group : groups)
    if (!entries_of(group, layout).empty()) wanted.push_back(&group);
  auto named = [&](const WeightGroup* group) {
    return std::ranges::find_if(listed, [&](const ListedLayer& layer) { return layer.name == group->name; });
  };
  if (meeting != Meeting::by_name)
    require<FormatError>(listed.size() == wanted.size(), "{}: expected the weights of {} layers, got those of {}",
                         file.path(), wanted.size(), listed.size());
  const bool all_named =
      std::ranges::all_of(wanted, [&](const WeightGroup* group) { return named(group) != listed.end(); });
  const bool by_order = meeting == Meeting::by_order || (meeting == Meeting::by_name_or_order && !all_named);
  std::vector<StoredLayer> layers;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto from = by_order ? listed.begin() + static_cast<std::ptrdiff_t>(i) : named(wanted[i]);
    if (from != listed.end())
      layers.push_back(paired(file, wanted[i]->name, entries_of(*wanted[i], layout), from->datasets));
  }
  return layers;
}

std::optional<std::vector<Index>> first_kernel_of_h5(const Hdf5Reader& file) {
  const std::vector<ListedLayer> layers = listed_layers(file, "model_weights");
  if (layers.empty()) return std::nullopt;
  return file.dataset(layers[0].datasets[0]).dimensions;
}

// ---- Stores ----

namespace {

constexpr const char* new_container = "layers";
constexpr const char* old_container = "_layer_checkpoint_dependencies";  // of Keras 2.12 to 2.14

// A layer, and the group of a store that holds its weights.
struct StorePlace {
  Index layer;
  std::string group;
};

bool has_weights(const FilePart& part, const ParameterLayout& layout) {
  if (part.layer >= 0) return layout.count(part.layer) > 0;
  return std::ranges::any_of(part.parts, [&](const FilePart& inner) { return has_weights(inner, layout); });
}

// A part's group is called after its class, and counted per class in every model. A Sequential does not count its
// input; Keras 2.12 to 2.14 counted everything with weights twice.
void collect_places(const FilePart& model, const std::string& group, bool old, const ParameterLayout& layout,
                    std::vector<StorePlace>& places) {
  std::map<std::string, int> counts;
  const bool skips_input = model.class_name == "Sequential";
  for (const FilePart& part : model.parts) {
    if (skips_input && part.class_name == "InputLayer") continue;
    const std::string name = snake_case(part.class_name);
    int& count = counts[name];
    const std::string slot = count == 0 ? name : name + "_" + std::to_string(count);
    count += old && has_weights(part, layout) ? 2 : 1;
    const std::string place = below(group, (old ? old_container : new_container) + ("/" + slot));
    if (part.layer >= 0)
      places.push_back({part.layer, place});
    else
      collect_places(part, place, old, layout, places);
  }
}

std::vector<StorePlace> places_of(const FilePart& root, const ParameterLayout& layout, bool old) {
  std::vector<StorePlace> places;
  collect_places(root, "", old, layout, places);
  return places;
}

// A layer's weights in the order of a store: first those that are made to be trained, frozen or not.
std::vector<const ParameterEntry*> store_entries(const Graph& graph, const ParameterLayout& layout, Index layer) {
  const auto node = std::ranges::find_if(graph.nodes(), [&](const GraphNode& n) { return n.layer == layer; });
  std::vector<const ParameterEntry*> entries;
  for (bool trainable : {true, false})
    for (Index which = 0; which < layout.count(layer); ++which)
      if (node->plan.parameters[static_cast<std::size_t>(which)].trainable == trainable)
        entries.push_back(&layout.entry(layer, which));
  return entries;
}

// vars/0, vars/1, ... of a group.
std::vector<std::string> numbered(const Hdf5Reader& file, const std::string& group) {
  std::vector<std::string> datasets;
  const std::string vars = group + "/vars";
  if (!file.has_group(vars)) return datasets;
  for (std::size_t i = 0, count = file.members(vars).size(); i < count; ++i)
    datasets.push_back(vars + "/" + std::to_string(i));
  return datasets;
}

// The groups of layers by the names that Keras notes beside their weights.
std::map<std::string, std::string> noted_names(const Hdf5Reader& file) {
  std::map<std::string, std::string> groups;
  for (const std::string& slot : file.members(new_container)) {
    const std::string group = new_container + ("/" + slot);
    if (!file.has_group(group + "/vars")) continue;
    if (const auto name = file.text(group + "/vars", "name")) groups.emplace(*name, group);
  }
  require<FormatError>(!groups.empty(),
                       "{}: does not note the names of its layers (Keras before 3.5 does not), so that they cannot be "
                       "found by name",
                       file.path());
  return groups;
}

}  // namespace

bool is_store(const Hdf5Reader& file) {
  return file.has_group(new_container) || file.has_group(old_container) || file.has_group("vars");
}

std::vector<StoredLayer> find_in_store(const Hdf5Reader& file, const FilePart& root, const Graph& graph,
                                       const ParameterLayout& layout, bool by_name) {
  const bool old = !file.has_group(new_container) && file.has_group(old_container);
  std::map<std::string, std::string> by_names;
  if (by_name) by_names = noted_names(file);
  std::vector<StoredLayer> layers;
  for (const auto& [layer, place] : places_of(root, layout, old)) {
    const auto entries = store_entries(graph, layout, layer);
    const std::string& name = graph.name(layer);
    if (entries.empty() || (by_name && !by_names.contains(name))) continue;
    const std::string& group = by_name ? by_names.at(name) : place;
    layers.push_back(paired(file, name, entries, numbered(file, group)));
    if (!layers.back().misfit.empty()) layers.back().misfit += fmt::format(", in the group {}", group);
  }
  return layers;
}

std::optional<std::vector<Index>> first_kernel_of_store(const Hdf5Reader& file) {
  for (const char* container : {new_container, old_container}) {
    const std::string kernel = container + std::string("/dense/vars/0");
    if (file.has_group(container + std::string("/dense/vars"))) return file.dataset(kernel).dimensions;
  }
  return std::nullopt;
}

void require_fit(const Hdf5Reader& file, const std::vector<StoredLayer>& layers) {
  for (const StoredLayer& layer : layers)
    require<FormatError>(layer.misfit.empty(), "{}: {}", file.path(), layer.misfit);
}

void read_weights(const Hdf5Reader& file, const std::vector<StoredLayer>& layers, Parameters& weights) {
  for (const StoredLayer& layer : layers) {
    if (!layer.misfit.empty()) continue;
    for (const auto& [entry, dataset] : layer.weights)
      file.read(dataset, dimensions_of(entry->shape), weights.view(*entry).data());
  }
}

// ---- Writing ----

void write_h5_weights(Hdf5Writer& file, const std::string& root, const Network& network) {
  const Graph& graph = network.graph();
  const ParameterLayout& layout = network.parameters().layout();
  const bool lists_inputs = file_parts(graph).class_name != "Sequential";
  std::vector<WeightGroup> groups = weight_groups(graph);
  if (!lists_inputs)
    std::erase_if(groups, [&](const WeightGroup& g) { return graph.layer(g.layers[0]).as<InputLayer>() != nullptr; });
  if (!root.empty()) file.group(root);
  std::vector<std::string> names;
  for (const WeightGroup& group : groups) names.push_back(group.name);
  file.names(root, "layer_names", names);
  file.text(root, "backend", "tensorflow");
  file.text(root, "keras_version", h5_version);
  for (const WeightGroup& layer : groups) {
    const std::string group = below(root, layer.name);
    file.group(group);
    std::vector<std::string> weights;
    for (const ParameterEntry* entry : entries_of(layer, layout)) {
      weights.push_back(entry->name + ":0");
      file.group(group + "/" + entry->name.substr(0, entry->name.rfind('/')));
      file.floats(group + "/" + weights.back(), dimensions_of(entry->shape), network.parameters().view(*entry).data());
    }
    file.names(group, "weight_names", weights);
  }
}

void write_store_weights(Hdf5Writer& file, const Network& network, bool for_2_12) {
  const Graph& graph = network.graph();
  const ParameterLayout& layout = network.parameters().layout();
  const FilePart root = file_parts(graph);
  const std::vector<StorePlace> places = places_of(root, layout, false);
  file.group("vars");
  file.group(new_container);
  for (const auto& [layer, group] : places) {
    file.group(group + "/vars");
    file.text(group + "/vars", "name", graph.name(layer));
    Index number = 0;
    for (const ParameterEntry* entry : store_entries(graph, layout, layer))
      file.floats(group + "/vars/" + std::to_string(number++), dimensions_of(entry->shape),
                  network.parameters().view(*entry).data());
  }
  if (!for_2_12) return;
  file.group(old_container);
  const std::vector<StorePlace> old = places_of(root, layout, true);
  for (std::size_t i = 0; i < places.size(); ++i) file.link(places[i].group, old[i].group);
}

}  // namespace maas::inline MAAS_ABI::io
