#include "fuzz/target.hpp"

#include <limits>
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

// Rows of the columns that a pipeline asks for, and of targets that are called as they were in training.
Table raw_rows(const Pipeline& pipeline) {
  Table table;
  std::vector<std::string> names = pipeline.needed_columns();
  names.insert(names.end(), pipeline.target_names().begin(), pipeline.target_names().end());
  for (const std::string& name : names) {
    if (table.contains(name)) continue;
    const ColumnType type = pipeline.column_type(name).value_or(ColumnType::number);
    if (type == ColumnType::text)
      table.add({.name = name, .type = type, .texts = {"a", "", "b"}});
    else
      table.add({.name = name, .type = type, .numbers = {1, std::numeric_limits<double>::quiet_NaN(), -1e9}});
  }
  return table;
}

void prepare(const Pipeline& pipeline) {
  pipeline.text();
  const Table rows = raw_rows(pipeline);
  pipeline.apply(rows);
  pipeline.decode_targets(Matrix::Ones(3, static_cast<Index>(pipeline.target_names().size())), rows);
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
    const SavedModel saved = io::read_model(bytes, "file", {});
    predict(saved.network);
    if (saved.info.pipeline) prepare(*saved.info.pipeline);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace maas::inline MAAS_ABI::fuzz
