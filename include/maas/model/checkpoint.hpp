// ModelCheckpoint: saves the model while it trains.
#pragma once

#include <fmt/args.h>
#include <fmt/format.h>

#include <string>

#include "maas/io/keras.hpp"
#include "maas/training/callbacks.hpp"

namespace maas::inline MAAS_ABI {

/// Saves after every epoch, or only after those that are the best so far. The path may hold {epoch} (counted from 1)
/// and figures by name, with Python's formats: "{epoch:02d}-{val_loss:.2f}.h5". Needs `maas::maas` to link. Throws
/// ConfigError for a name in the path that is no figure, StateError for a `monitor` that is none, FormatError when
/// saving fails.
struct ModelCheckpoint {
  std::string filepath;
  std::string monitor = "val_loss";
  bool save_best_only = false;
  Better mode = Better::automatic;
  SaveOptions options = {};

  // Kept while training; not for setting.
  detail::BestValue value_ = {};

  void train_begin(TrainingView&) { value_.reset(mode, monitor, 0); }
  void epoch_end(TrainingView& view) {
    if (save_best_only) {
      const double* now = detail::monitored(view, monitor, "ModelCheckpoint");
      if (now == nullptr || !value_.improved_by(*now)) return;
      value_.best = *now;
    }
    const bool is_chain = view.network.graph().is_chain();
    write_keras(path_of(view),
                SavedModel{.network = view.network,
                           .name = is_chain ? "sequential" : "functional",
                           .training = SavedTraining{view.optimizer, view.loss, view.metrics, view.state,
                                                     view.weighted_metrics}},
                options);
  }

 private:
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
