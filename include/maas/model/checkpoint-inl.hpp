// ModelCheckpoint: saves the model while it trains: the bodies.
#pragma once

#include <fmt/args.h>
#include <fmt/format.h>

#include <utility>

#include "maas/model/checkpoint.hpp"
#include "maas/training/folder.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void ModelCheckpoint::train_begin(TrainingView& view) {
  require<ConfigError>(save_freq.value_or(1) >= 1, "ModelCheckpoint: expected a save_freq of at least 1, got {}",
                       save_freq.value_or(1));
  const double best = value_.best;
  value_.reset(mode, view, monitor, 0);
  if (std::exchange(has_begun_, true))
    value_.best = best;  // of the fits before: the file holds their best
  else if (initial_value_threshold)
    value_.best = *initial_value_threshold;
}

MAAS_INLINE void ModelCheckpoint::batch_end(TrainingView& view) {
  if (!save_freq || ++steps_since_ < *save_freq) return;
  steps_since_ = 0;
  save(view, view.step);
}

MAAS_INLINE void ModelCheckpoint::epoch_end(TrainingView& view) {
  if (!save_freq) save(view, std::nullopt);
}

MAAS_INLINE void ModelCheckpoint::keep_state(StateArchive& archive) {
  archive("ModelCheckpoint/best", value_.best);
  archive("ModelCheckpoint/steps", steps_since_);
}

MAAS_INLINE void ModelCheckpoint::save(TrainingView& view, std::optional<Index> batch) {
  if (save_best_only) {
    const double* now = value_.monitored(view, monitor, "ModelCheckpoint");
    if (now == nullptr || !value_.improved_by(*now)) return;
    value_.best = *now;
  }
  std::string name(view.model_name);
  if (name.empty()) name = view.network.graph().is_chain() ? "sequential" : "functional";
  const std::string path = path_of(view, batch);
  detail::make_folder_of(path);
  warnings = write_keras_view(
      path,
      ModelView{view.network, name,
                SavedTraining{view.optimizer, view.loss, view.metrics, std::nullopt, view.weighted_metrics,
                              view.outputs ? *view.outputs : std::vector<OutputOptions>()},
                &view.state, info},
      options);
}

MAAS_INLINE std::string ModelCheckpoint::path_of(const TrainingView& view, std::optional<Index> batch) const {
  fmt::dynamic_format_arg_store<fmt::format_context> values;
  values.push_back(fmt::arg("epoch", view.epoch + 1));
  if (batch) values.push_back(fmt::arg("batch", *batch));
  for (const auto& [name, value] : view.logs) values.push_back(fmt::arg(name.c_str(), value));
  try {
    return fmt::vformat(filepath, values);
  } catch (const fmt::format_error& error) {
    fail<ConfigError>("ModelCheckpoint: the path \"{}\" cannot be filled in: {}", filepath, error.what());
  }
}

}  // namespace maas::inline MAAS_ABI
