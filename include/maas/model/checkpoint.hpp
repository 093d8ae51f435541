// ModelCheckpoint: saves the model while it trains.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "maas/io/keras.hpp"
#include "maas/training/callbacks.hpp"

namespace maas::inline MAAS_ABI {

/// Saves after every epoch, or every `save_freq` steps; or only when the figure is the best so far, over all fits that
/// the callback is given to. The path may hold {epoch} and, with `save_freq`, {batch} (both counted from 1) and figures
/// by name, with Python's formats: "{epoch:02d}-{val_loss:.2f}.h5". Its folder is made if it is not there. Needs
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
  ModelInfo info = {};                                           ///< of every file: model.info(), say

  // Result, to be read after fit through Callback::as.
  std::vector<std::string> warnings = {};  ///< what of the model Keras will not find: see write_keras

  // Kept while training; not for setting.
  detail::BestValue value_ = {};
  Index steps_since_ = 0;  // since the last saving
  bool has_begun_ = false;

  void train_begin(TrainingView& view);
  void batch_end(TrainingView& view);
  void epoch_end(TrainingView& view);
  void keep_state(StateArchive& archive);

 private:
  void save(TrainingView& view, std::optional<Index> batch);

  std::string path_of(const TrainingView& view, std::optional<Index> batch) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/model/checkpoint-inl.hpp"
#endif
