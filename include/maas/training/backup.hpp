// BackupAndRestore: a run that is killed goes on where it was.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "maas/training/callback.hpp"

namespace maas::inline MAAS_ABI {

/// Keeps a backup of a fit in a file, and goes on from it when the same fit is started again after it was killed: the
/// same program that makes, compiles and fits the model ends with the same bits as if it had never stopped. In the file
/// are the weights, the optimizer's state, the place in the epoch and in the order of samples, the running figures, the
/// history and what the other callbacks remember. The history that fit returns begins with the first epoch of the run
/// that was killed (in Keras with the first one after it).
///
/// The file appears whole or not at all, replaces the one before, and is deleted once the fit is over. It is for the
/// same build on the same kind of machine. A CSVLogger needs `.append = true` to keep its lines; a source of batches is
/// read from its start, passing over what was used, so it must give the same batches again.
///
/// fit throws FormatError where the file is damaged or of another fit (other layers, optimizer, samples, seed or
/// callbacks), or cannot be written; a model whose backup is refused is as it was.
struct BackupAndRestore {
  std::string path;                               ///< of the file
  std::optional<Index> save_freq = std::nullopt;  ///< after so many steps; else after every epoch
  /// A backup that is due within so many seconds after the last one, or after the start, is left out; the next one
  /// comes when it is due. So short epochs write no file each. 0, as in Keras: none is left out.
  double min_seconds = 0;
  bool delete_checkpoint = true;  ///< false: the file stays after the end of the fit

  static constexpr bool comes_last = true;  // the others have seen the epoch before it is written down

  void train_begin(TrainingView& view);
  void epoch_begin(TrainingView& view);
  void batch_end(TrainingView& view);
  void epoch_end(TrainingView& view);
  void train_end(TrainingView& view) const;
  void keep_state(StateArchive& archive) { archive("BackupAndRestore/steps", steps_since_); }

  // Kept while training; not for setting.
  std::string restored_ = {};  // what the file held of an epoch that was stopped, until that has begun again
  Index steps_since_ = 0;      // since a backup was last due
  std::chrono::steady_clock::time_point saved_ = {};  // when the last one was made, or the fit began

 private:
  enum class Place { in_epoch, after_epoch };
  Place restore(TrainingView& view, std::string content) const;
  void save_if_due(TrainingView& view, Place place);
  void save(TrainingView& view, Place place) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/training/backup-inl.hpp"
#endif
