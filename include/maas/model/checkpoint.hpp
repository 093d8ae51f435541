// ModelCheckpoint: saves the model while it trains.
#pragma once

#include <fmt/args.h>
#include <fmt/format.h>

#include <string>

#include "maas/io/keras.hpp"
#include "maas/training/callbacks.hpp"

namespace maas::inline MAAS_ABI {

/// Saves after every epoch, or every `save_freq` steps; or only when the figure is the best so far. The path may hold
/// {epoch} (counted from 1) and figures by name, with Python's formats: "{epoch:02d}-{val_loss:.2f}.h5". Needs
/// `maas::maas` to link. Throws ConfigError for a name in the path that is no figure, StateError for a `monitor` that
/// is none, FormatError when saving fails.
struct ModelCheckpoint {
  std::string filepath;
  std::string monitor = "val_loss";
  bool save_best_only = false;
  Better mode = Better::automatic;
  SaveOptions options = {};
  std::optional<Index> save_freq = std::nullopt;                 ///< after so many steps; else after every epoch
  std::optional<double> initial_value_threshold = std::nullopt;  ///< with save_best_only: the best so far

  // Result, to be read after fit through Callback::as.
  std::vector<std::string> notes = {};  ///< what of the training settings Keras will not find: see write_keras

  // Kept while training; not for setting.
  detail::BestValue value_ = {};
  Index steps_since_ = 0;  // since the last saving

  void train_begin(TrainingView&) {
    require<ConfigError>(save_freq.value_or(1) >= 1, "ModelCheckpoint: expected a save_freq of at least 1, got {}",
                         save_freq.value_or(1));
    value_.reset(mode, monitor, 0);
    if (initial_value_threshold) value_.best = *initial_value_threshold;
    steps_since_ = 0;
  }
  void batch_end(TrainingView& view) {
    if (!save_freq || ++steps_since_ < *save_freq) return;
    steps_since_ = 0;
    save(view);
  }
  void epoch_end(TrainingView& view) {
    if (!save_freq) save(view);
  }
  void keep_state(StateArchive& archive) {
    archive("ModelCheckpoint/best", value_.best);
    archive("ModelCheckpoint/steps", steps_since_);
  }

 private:
  void save(TrainingView& view) {
    if (save_best_only) {
      const double* now = detail::monitored(view, monitor, "ModelCheckpoint");
      if (now == nullptr || !value_.improved_by(*now)) return;
      value_.best = *now;
    }
    const bool is_chain = view.network.graph().is_chain();
    notes = write_keras(
        path_of(view),
        SavedModel{.network = view.network,
                   .name = is_chain ? "sequential" : "functional",
                   .training = SavedTraining{view.optimizer, view.loss, view.metrics, view.state, view.weighted_metrics,
                                             view.outputs ? *view.outputs : std::vector<OutputOptions>()}},
        options);
  }

  std::string path_of(const TrainingView& view) const {
    fmt::dynamic_format_arg_store<fmt::format_context> values;
    values.push_back(fmt::arg("epoch", view.epoch + 1));
    for (const auto& [name, value] : view.logs) values.push_back(fmt::arg(name.c_str(), value));
    try {
      return fmt::vformat(filepath, values);
    } catch (const fmt::format_error& error) {
      fail<ConfigError>("ModelCheckpoint: the path \"{}\" cannot be filled in: {}", filepath, error.what());
    }
  }
};

}  // namespace maas::inline MAAS_ABI
