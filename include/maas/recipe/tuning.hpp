// Tuning: which settings a recipe's tuner has tried, and which were best on the validation rows.
#pragma once

#include <string>

#include "maas/training/tuner.hpp"

namespace maas::inline MAAS_ABI {

/// What a tuner has found.
struct Tuning {
  std::string objective;  ///< what trials were judged by, on the validation rows: "mae", "accuracy", ...
  TunerReport report;     ///< all trials

  /// For people: a line a trial, then the best settings. Ends in a line end. Throws DataError where all trials failed.
  std::string text() const;
};

}  // namespace maas::inline MAAS_ABI
