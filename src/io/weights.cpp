// read_keras_weights and write_keras_weights.
#include "maas/io/weights.hpp"

#include <algorithm>

#include "io/keras_archive.hpp"
#include "io/keras_weights.hpp"
#include "io/with_path.hpp"
#include "maas/core/new_file.hpp"

namespace maas::inline MAAS_ABI {

namespace {

constexpr const char* whole_model = "model_weights";

// Where layers are listed by name and not counted: under model_weights, or in the file itself.
std::optional<std::string> list_of_layers(const io::Hdf5Reader& file) {
  if (file.has_group(whole_model)) return whole_model;
  if (file.names("", "layer_names")) return "";
  return std::nullopt;
}

std::vector<io::StoredLayer> find(const io::Hdf5Reader& file, const Network& network, bool by_name) {
  const Graph& graph = network.graph();
  const ParameterLayout& layout = network.parameters().layout();
  if (const auto root = list_of_layers(file))
    return io::find_in_h5(file, *root, io::weight_groups(graph), layout,
                          by_name ? io::Meeting::by_name : io::Meeting::by_order);
  require<FormatError>(io::is_store(file), "{}: holds no weights of Keras'", file.path());
  return io::find_in_store(file, io::file_parts(graph), graph, layout, by_name);
}

// Layers that have weights and are not among those found.
void note_missing(const std::vector<io::StoredLayer>& found, const Network& network, std::vector<std::string>& notes) {
  const Graph& graph = network.graph();
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer) {
    const std::string& name = graph.name(layer);
    const bool there = std::ranges::any_of(found, [&](const io::StoredLayer& one) { return one.name == name; });
    if (!there && network.parameters().layout().count(layer) > 0)
      notes.push_back(fmt::format("layer \"{}\": the file has none of that name", name));
  }
}

std::vector<std::string> read(const std::string& path, Network& network, const WeightsOptions& options) {
  const io::Hdf5Reader file = io::open_weights(path);
  const std::vector<io::StoredLayer> layers = find(file, network, options.by_name);
  if (!options.skip_mismatch) io::require_fit(file, layers);
  std::vector<std::string> notes;
  for (const io::StoredLayer& layer : layers)
    if (!layer.misfit.empty()) notes.push_back(layer.misfit);
  if (options.by_name) note_missing(layers, network, notes);
  Parameters read = network.parameters();  // so that damage found half-way changes nothing
  io::read_weights(file, layers, read);
  network.parameters().values() = read.values();
  return notes;
}

}  // namespace

std::vector<std::string> read_keras_weights(const std::string& path, Network& network, const WeightsOptions& options) {
  return io::with_path(path, [&] { return read(path, network, options); });
}

void write_keras_weights(const std::string& path, const Network& network) {
  io::with_path(path, [&] {
    require<FormatError>(!path.ends_with(".keras"), "{}: a .keras archive holds a whole model; Model::save writes it",
                         path);
    network.graph().require_complete("saving");
    NewFile file(path);
    io::Hdf5Writer writer(file.temporary(), path);
    if (path.ends_with(".weights.h5"))
      io::write_store_weights(writer, network, false);
    else
      io::write_h5_weights(writer, "", network);
    writer.close();
    file.commit();
  });
}

}  // namespace maas::inline MAAS_ABI
