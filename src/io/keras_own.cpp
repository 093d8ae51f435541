#include "io/keras_own.hpp"

#include "io/json.hpp"
#include "io/keras_info.hpp"
#include "io/keras_training.hpp"
#include "maas/version.hpp"

namespace maas::inline MAAS_ABI::io {

namespace {

constexpr const char* group = "maas";

}  // namespace

OwnNotes read_own_notes(const Hdf5Reader& file) {
  if (!file.has_group(group)) return {};
  return {.version = file.text(group, "version").value_or(""),
          .graph = read_own_json(file, "graph"),
          .training = read_own_json(file, "training")};
}

SavedTraining read_own(const Hdf5Reader& file, const OwnNotes& notes, const Network& network,
                       const Variables& variables,
                       const std::function<std::optional<OptimizerState>(const Optimizer&)>& keras_state) {
  SavedTraining training = read_own_training(notes.training);
  const std::size_t outputs = network.graph().outputs().size();
  require<ConfigError>(training.outputs.empty() || training.outputs.size() == outputs,
                       "expected settings of {} outputs, got {}", outputs, training.outputs.size());
  std::optional<OptimizerState> keras;
  if (!has_own_slots(file)) keras = keras_state(training.optimizer);
  training.state = read_own_state(file, training.optimizer, network.parameters().layout().trainable_size(), variables,
                                  std::move(keras));
  return training;
}

void write_own(Hdf5Writer& file, const ModelView& model, const Variables& variables, const OwnParts& parts) {
  file.group(group);
  file.text(group, "version", MAAS_VERSION);
  Config graph = write_order(model.network.graph());
  if (parts.for_keras_2) graph.set("keras_2", true);
  if (!graph.is_null()) file.text(group, "graph", write_json(graph));
  write_info(file, model.info, model.network);
  if (!parts.training || !model.training) return;
  file.text(group, "training", write_json(write_own_training(*model.training)));
  if (model.state != nullptr) write_own_state(file, model.training->optimizer, *model.state, variables, parts.slots);
}

}  // namespace maas::inline MAAS_ABI::io
