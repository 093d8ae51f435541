// What compile and fit are told.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "maas/losses/losses.hpp"
#include "maas/metrics/metrics.hpp"
#include "maas/optimizers/optimizers.hpp"
#include "maas/training/callback.hpp"

namespace maas::inline MAAS_ABI {

/// How a model is to be trained. Defaults are Keras'.
struct CompileOptions {
  Optimizer optimizer = RMSprop{};
  std::optional<Loss> loss = std::nullopt;  ///< needed by fit and evaluate
  std::vector<Metric> metrics = {};
  std::vector<Metric> weighted_metrics = {};  ///< reported after the others; sample and class weights count in them
};

/// Samples to measure on while training: features and targets, one sample a row. Owns its copy.
struct ValidationData {
  Matrix x, y;
  std::optional<Vector> sample_weight = std::nullopt;  ///< multiplies each sample's loss
};

/// One fit. Defaults are Keras'.
struct FitOptions {
  int epochs = 1;               ///< the final epoch's number, counted from 1
  Index batch_size = 32;        ///< samples a step; the last batch of an epoch may be smaller
  int verbose = -1;             ///< 0 silent, 1 a progress bar, 2 a line an epoch; -1: 1 at a terminal, else 2
  bool shuffle = true;          ///< a new order of samples every epoch
  double validation_split = 0;  ///< the last share of the samples, before shuffling, is kept for validation
  std::optional<ValidationData> validation_data = std::nullopt;  ///< takes precedence over validation_split
  std::uint64_t seed = 0;  ///< of shuffling and dropout; what is drawn also follows from the steps taken so far
  std::vector<Callback> callbacks = {};
  std::optional<Vector> sample_weight = std::nullopt;  ///< multiplies each sample's loss
  std::map<int, double> class_weight = {};             ///< multiplies the loss of each class' samples; others count 1
  int initial_epoch = 0;                               ///< epochs already done
  int validation_freq = 1;                             ///< validate every so many epochs
};

}  // namespace maas::inline MAAS_ABI
