// Progress: the line that fit prints; the only thing in training that prints.
#pragma once

#include <chrono>

#include "maas/training/callback.hpp"

namespace maas::inline MAAS_ABI {

/// Prints to standard output, as Keras does: a bar with time a step, remaining time and running figures while an epoch
/// runs (verbose 1), or a plain line an epoch (verbose 2). -1: 1 at a terminal, else 2.
struct Progress {
  int verbose = -1;

  void train_begin(TrainingView& view);
  void epoch_begin(TrainingView& view);
  void batch_end(TrainingView& view);
  void epoch_end(TrainingView& view);

  // Kept while training; not for setting.
  using Clock = std::chrono::steady_clock;
  Clock::time_point epoch_start_ = {}, last_print_ = {};
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/training/progress-inl.hpp"
#endif
