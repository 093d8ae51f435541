// Trainer: the loop of batch, forward, loss, backward, step; and the same without the step, evaluation.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "maas/data/dataset.hpp"
#include "maas/network/network.hpp"
#include "maas/training/callback.hpp"
#include "maas/training/history.hpp"
#include "maas/training/options.hpp"

namespace maas::inline MAAS_ABI {

/// Trains one network with one set of options. All memory is taken when it is made; a step takes none.
class Trainer {
 public:
  /// For batches of up to `capacity` samples of `targets` numbers each. The network and the state must outlive it.
  /// Throws StateError without a loss, ShapeError where the loss wants targets of another width.
  Trainer(Network& network, const CompileOptions& options, OptimizerState& state, Index capacity, Index targets);

  Index capacity() const { return workspace_.capacity(); }
  Index targets() const { return y_.cols(); }

  /// One step over samples in the caller's memory; returns their loss. Dropout draws from `random`. `weights` has one
  /// number a sample, or is empty. Running figures are added to. Throws DataError for targets out of range.
  double train(const ConstMatrixView& x, const ConstMatrixView& y, const ConstVectorView& weights,
               const Random& random);
  /// Loss of samples in the caller's memory, without a step. Running figures are added to.
  double test(const ConstMatrixView& x, const ConstMatrixView& y, const ConstVectorView& weights);

  /// One pass of steps over the samples in this order. `weights` has one number a sample of the set, or is empty.
  /// `after_batch` is called after each step and may stop the pass by returning Signal::stop.
  template <class AfterBatch>
  Signal epoch(const Dataset& data, std::span<const Index> order, const ConstVectorView& weights, Index batch,
               const Random& random, AfterBatch&& after_batch);
  /// One pass without steps.
  void evaluate(const Dataset& data, std::span<const Index> order, const ConstVectorView& weights, Index batch);

  /// Forgets the running figures.
  void reset_figures();
  /// Writes the running figures: "loss" (the mean over samples, penalties included), then the metrics; `prefix` before
  /// each name. Logs that have the names already are overwritten in place.
  void write_logs(Logs& logs, std::string_view prefix = "") const;

 private:
  double forward(const ConstMatrixView& x, const ConstMatrixView& y, const ConstVectorView& weights, Mode mode,
                 const Random& random);
  void check_targets(const ConstMatrixView& y) const;
  void backward_and_step(const ConstMatrixView& y, const ConstVectorView& weights);
  void use_logits();
  void name_figures(const std::vector<std::string>& keys);
  ConstMatrixView load(const Dataset& data, std::span<const Index> rows);
  ConstVectorView weights_of(std::span<const Index> rows, const ConstVectorView& weights);
  ConstMatrixView as_rows(const ConstMatrixView& samples, Index columns) const;
  ConstVectorView row_weights(const ConstVectorView& weights, Index rows);
  double penalty() const;

  Network& network_;
  OptimizerState& state_;
  Optimizer optimizer_;
  Loss loss_;
  std::vector<Metric> metrics_;  // those that ignore weights, then the others
  std::size_t unweighted_;       // how many ignore weights
  Workspace workspace_;
  Parameters gradients_;
  std::optional<Activation> output_activation_;  // applied after the network where the loss works on logits
  Index outputs_, row_targets_;                  // numbers a row of predictions and of targets
  Matrix x_, y_, predictions_;
  Vector weights_, row_weights_, values_;
  std::vector<TensorPlace> tensors_;
  double loss_sum_ = 0;
  Index loss_samples_ = 0;
  std::vector<std::vector<double>> metric_states_;
  std::vector<bool> on_logits_;                        // whether a metric is computed from the logits
  std::vector<std::vector<std::string>> figure_keys_;  // of each metric; most have one figure
  mutable std::vector<double> figures_;                // those being written
};

/// What fit needs beside its options.
struct FitData {
  Dataset training;
  std::optional<Dataset> validation;
  Vector weights;             ///< one a sample, or empty
  Vector validation_weights;  ///< likewise
};

/// The whole of Keras' fit on data sets. Throws ConfigError for options out of range, NumericError never: a loss that
/// is not a number shows in the history (see TerminateOnNaN).
History fit(Network& network, const CompileOptions& options, OptimizerState& state, const FitData& data,
            const FitOptions& fit);

/// Loss and metrics over a data set, in batches.
Logs evaluate(Network& network, const CompileOptions& options, OptimizerState& state, const Dataset& data,
              const Vector& weights, Index batch_size);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/training/trainer-inl.hpp"
#endif
