// ModelCheckpoint: saves the model while it trains: the bodies.
#pragma once

#include <fmt/args.h>
#include <fmt/format.h>

#include "maas/model/checkpoint.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void ModelCheckpoint::train_begin(TrainingView&) {
  require<ConfigError>(save_freq.value_or(1) >= 1, "ModelCheckpoint: expected a save_freq of at least 1, got {}",
                       save_freq.value_or(1));
  value_.reset(mode, monitor, 0);
  if (initial_value_threshold) value_.best = *initial_value_threshold;
  steps_since_ = 0;
}

MAAS_INLINE void ModelCheckpoint::batch_end(TrainingView& view) {
  if (!save_freq || ++steps_since_ < *save_freq) return;
  steps_since_ = 0;
  save(view);
}

MAAS_INLINE void ModelCheckpoint::epoch_end(TrainingView& view) {
  if (!save_freq) save(view);
}

MAAS_INLINE void ModelCheckpoint::keep_state(StateArchive& archive) {
  archive("ModelCheckpoint/best", value_.best);
  archive("ModelCheckpoint/steps", steps_since_);
}

MAAS_INLINE void ModelCheckpoint::save(TrainingView& view) {
  if (save_best_only) {
    const double* now = detail::monitored(view, monitor, "ModelCheckpoint");
    if (now == nullptr || !value_.improved_by(*now)) return;
    value_.best = *now;
  }
  const bool is_chain = view.network.graph().is_chain();
  warnings = write_keras_view(
      path_of(view),
      ModelView{view.network, is_chain ? "sequential" : "functional",
                SavedTraining{view.optimizer, view.loss, view.metrics, std::nullopt, view.weighted_metrics,
                              view.outputs ? *view.outputs : std::vector<OutputOptions>()},
                &view.state, info},
      options);
}

MAAS_INLINE std::string ModelCheckpoint::path_of(const TrainingView& view) const {
  fmt::dynamic_format_arg_store<fmt::format_context> values;
  values.push_back(fmt::arg("epoch", view.epoch + 1));
  for (const auto& [name, value] : view.logs) values.push_back(fmt::arg(name.c_str(), value));
  try {
    return fmt::vformat(filepath, values);
  } catch (const fmt::format_error& error) {
    fail<ConfigError>("ModelCheckpoint: the path \"{}\" cannot be filled in: {}", filepath, error.what());
  }
}

}  // namespace maas::inline MAAS_ABI
