#include "fuzz/target.hpp"

#include <optional>
#include <vector>

#include "io/bytes.hpp"
#include "io/hdf5_file.hpp"
#include "io/json.hpp"
#include "io/keras_config.hpp"
#include "io/read_model.hpp"
#include "io/zip_archive.hpp"
#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI::fuzz {

namespace {

// Large networks are read, but predicting with them would only take time.
constexpr Index most_numbers = 100000;

void predict(const Network& network) {
  const Graph& graph = network.graph();
  Index numbers = 0;
  for (const GraphNode& node : graph.nodes()) numbers += node.plan.output.size() + node.plan.cache;
  if (numbers > most_numbers) return;
  std::vector<Matrix> inputs;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i)
    inputs.push_back(Matrix::Ones(2, graph.input_shape(static_cast<Index>(i)).size()));
  network.predict(inputs);
}

void read_text(const std::string& text) {
  const Config config = io::parse_json(text, "config");
  io::Reading reading;
  io::read_network(config, reading, [] { return std::optional<std::vector<Index>>(); });
}

}  // namespace

bool read_anything(const std::string& file) {
  try {
    const io::BytesPointer bytes = io::held_bytes(file);
    if (!io::is_hdf5(*bytes) && !io::is_zip(*bytes)) {
      read_text(file);
      return true;
    }
    predict(io::read_model(bytes, "file", {}).network);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace maas::inline MAAS_ABI::fuzz
