// What compile and fit are told.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "maas/data/batches.hpp"
#include "maas/data/dataset.hpp"
#include "maas/losses/losses.hpp"
#include "maas/metrics/metrics.hpp"
#include "maas/network/output_options.hpp"
#include "maas/optimizers/optimizers.hpp"
#include "maas/training/callback.hpp"

namespace maas::inline MAAS_ABI {

/// How a model is to be trained. Defaults are Keras'.
struct CompileOptions {
  Optimizer optimizer = default_optimizer();  ///< RMSprop{}
  std::optional<Loss> loss = std::nullopt;    ///< needed by fit and evaluate; of several outputs, that of each
  std::vector<Metric> metrics = {};           ///< of the one output
  std::vector<Metric> weighted_metrics = {};  ///< reported after the others; sample and class weights count in them
  std::vector<OutputOptions> outputs = {};    ///< one an output, in the place of loss and metrics
};

/// Samples to measure on while training: features and targets, one sample a row. Owns its copy.
struct ValidationData {
  MatrixList x, y;                                     ///< one matrix an input, and an output
  std::optional<Vector> sample_weight = std::nullopt;  ///< multiplies each sample's loss
  std::vector<Vector> sample_weights = {};             ///< in its place: one an output
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
  std::optional<Vector> sample_weight = std::nullopt;    ///< multiplies each sample's loss
  std::map<int, double> class_weight = {};               ///< multiplies the loss of each class' samples; others count 1
                                                         ///< (see balanced_class_weight)
  int initial_epoch = 0;                                 ///< epochs already done
  int validation_freq = 1;                               ///< validate every so many epochs
  std::optional<Index> steps_per_epoch = std::nullopt;   ///< else a pass over the samples; the next epoch goes on there
  std::optional<Index> validation_steps = std::nullopt;  ///< validate on so many batches only, the first ones
  std::optional<Index> validation_batch_size = std::nullopt;  ///< else batch_size
  std::vector<Vector> sample_weights = {};                    ///< in the place of sample_weight: one an output
  std::optional<Dataset> validation_set = std::nullopt;       ///< in the place of validation_data, which goes before
};

}  // namespace maas::inline MAAS_ABI
