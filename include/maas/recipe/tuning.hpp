// Tuning: which settings a recipe's tuner has tried, and which were best on the validation rows.
#pragma once

#include <string>

#include "maas/training/history.hpp"
#include "maas/training/tuner.hpp"

namespace maas::inline MAAS_ABI {

/// What a tuner has found.
struct Tuning {
  std::string objective;  ///< what trials were judged by, on the validation rows: "mae", "accuracy", ...
  TunerReport report;     ///< all trials
  /// What answers that need no model score by the same measure on the same rows, fitted on the training rows of the
  /// best trial: {"mean", 12.3}, {"persistence", 8.1}, ...
  Logs baselines = {};

  /// For people: a line a trial, the baselines below them, then the best settings. Ends in a line end. Throws DataError
  /// where all trials failed.
  std::string text() const;
};

}  // namespace maas::inline MAAS_ABI
