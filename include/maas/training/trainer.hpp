// Trainer: a batch forward, its loss, backward, a step; and the same without the step, evaluation.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "maas/data/batches.hpp"
#include "maas/data/dataset.hpp"
#include "maas/network/network.hpp"
#include "maas/training/callback.hpp"
#include "maas/training/history.hpp"
#include "maas/training/options.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
/// What each output is compiled with. Throws ConfigError where the options do not fit their number.
std::vector<OutputOptions> output_options(const CompileOptions& options, std::size_t outputs);
/// Numbers a sample has in all inputs together.
Index input_width(const Graph& graph);
}  // namespace detail

/// A batch in memory of the caller: contiguous, samples in rows.
struct BatchView {
  std::span<const ConstMatrixView> x;             ///< one an input
  std::span<const ConstMatrixView> y;             ///< one an output
  std::span<const ConstVectorView> weights = {};  ///< none, one for all outputs, or one an output: one number a sample,
                                                  ///< or one a step (position of all axes of the output but the last)

  Index size() const { return x[0].rows(); }
};

/// Weights of all samples of a set: none, one vector for all outputs, or one an output. Each has one number a sample,
/// or one a step, sample by sample.
using SampleWeights = std::vector<Vector>;

/// Trains one network with one set of options. All memory is taken when it is made; a step takes none.
class Trainer {
 public:
  /// For batches of up to `capacity` samples of `targets` numbers each, those of all outputs together. The network and
  /// the state must outlive it. Throws StateError without a loss, ShapeError where the losses want targets of another
  /// width, ConfigError for options that do not fit the network's outputs.
  Trainer(Network& network, const CompileOptions& options, OptimizerState& state, Index capacity, Index targets,
          InputGradients input_gradients = InputGradients::none);

  Index capacity() const { return workspace_.capacity(); }
  Index targets() const { return y_.cols(); }
  /// Numbers a sample has in the targets of an output.
  Index target_width(Index output) const { return heads_[static_cast<std::size_t>(output)].width; }

  /// One step over a batch; returns its loss. Dropout draws from `random`. Running figures are added to. Throws
  /// DataError for targets out of range.
  double train(const BatchView& batch, const Random& random);
  /// Loss of a batch, without a step. Running figures are added to.
  double test(const BatchView& batch);
  /// Loss of a batch and its gradients, without a step: of the weights in gradients(), of the inputs, where they are
  /// wanted, in input_gradient(). Penalties are included.
  double differentiate(const BatchView& batch, Mode mode, const Random& random);
  const Parameters& gradients() const { return gradients_; }
  ConstMatrixView input_gradient(Index input) const { return workspace_.input_gradient(input); }

  /// The same for a network of one input and one output. `weights` has one number a sample, or is empty.
  double train(const ConstMatrixView& x, const ConstMatrixView& y, const ConstVectorView& weights,
               const Random& random);
  double test(const ConstMatrixView& x, const ConstMatrixView& y, const ConstVectorView& weights);

  /// One step over these rows of a data set. Where the network has several inputs or outputs, a sample of the set has
  /// their numbers one after the other. Where there are no weights, samples weigh what `class_weight` says of the class
  /// of their targets, of one output; others 1.
  void train(const Dataset& data, std::span<const Index> rows, const SampleWeights& weights, const Random& random,
             const std::map<int, double>& class_weight = {});
  /// The first `steps` batches of a data set, or all, without steps.
  void evaluate(const Dataset& data, const SampleWeights& weights, Index batch, std::optional<Index> steps = {});

  /// Forgets the running figures.
  void reset_figures();
  /// Writes the running figures: "loss" (the mean over samples, penalties included), of several outputs that of each,
  /// "<output>_loss" (the mean over batches, as in Keras, without loss weights), then the metrics, those of several
  /// outputs sorted by name; `prefix` before each name. Logs that have the names already are overwritten in place.
  void write_logs(Logs& logs, std::string_view prefix = "") const;
  /// Whether a figure that write_logs writes is better larger, without prefix; nothing where its metric does not say,
  /// or no figure has that name.
  std::optional<bool> larger_is_better(std::string_view name) const;
  /// The running figures to bytes and back.
  void keep_state(StateArchive& archive);

 private:
  /// A metric of one output.
  struct Measure {
    Metric metric;
    bool weighted = false;
    bool on_logits = false;              // it is computed from the logits
    std::vector<double> state = {};      // running
    std::vector<std::string> keys = {};  // of its figures; most have one
  };
  /// One output of the network: what its predictions are compared with, and what was found so far.
  struct Head {
    std::string name;
    std::optional<Loss> loss;  // nothing: it is only measured
    double loss_weight = 1;
    std::vector<Measure> measures = {};
    std::optional<Activation> activation = std::nullopt;  // applied after the network where the loss works on logits
    Index outputs = 0, row_targets = 0;                   // numbers a row of predictions and of targets
    Index steps = 1;                                      // rows a sample
    Index width = 0;                                      // target numbers a sample
    Index loss_width = 0;                                 // predictions a row as the loss counts rows
    Matrix targets = {}, predictions = {};
    bool is_masked = false;
    Vector weights = {}, row_weights = {}, counted = {}, values = {};
    std::string loss_key = {};
    double loss_sum = 0, batch_loss = 0;  // of all batches, and of the last
  };

  class BatchObjective;

  void make_heads(const CompileOptions& options);
  void find_mask(Head& head, Index output);
  void use_logits(Head& head, Index output);
  void name_figures();
  double run(const BatchView& batch, Mode mode, const Random& random);
  double forward(const BatchView& batch, Mode mode, const Random& random);
  void add_figures(Head& head, Index output, const BatchView& batch);
  void check_targets(const BatchView& batch) const;
  void check_weights(const BatchView& batch) const;
  void backward(const BatchView& batch);
  void step();
  void step_with_objective(double loss, const BatchView& batch, const Random& random);
  void after_step();
  ConstMatrixView loss_targets(const Head& head, const ConstMatrixView& y) const;
  ConstVectorView sample_weights(const BatchView& batch, Index output) const;
  BatchView load(const Dataset& data, std::span<const Index> rows, const SampleWeights& weights,
                 const std::map<int, double>& class_weight = {});
  ConstMatrixView as_rows(const ConstMatrixView& samples, Index columns) const;
  ConstVectorView row_weights(Head& head, Index output, const BatchView& batch, Index rows) const;
  ConstVectorView loss_weights(Head& head, Index output, const BatchView& batch) const;
  ConstVectorView mask_of(const Head& head, Index output) const;
  double penalty() const;

  Network& network_;
  OptimizerState& state_;
  Optimizer optimizer_;
  Workspace workspace_;
  Parameters gradients_;
  std::vector<Head> heads_;     // one an output
  Matrix x_, y_;                // a batch as the data set gives it
  std::vector<Matrix> inputs_;  // of several inputs, each by itself
  std::vector<ConstMatrixView> x_views_, y_views_;
  std::vector<ConstVectorView> weight_views_;
  std::vector<TensorPlace> tensors_;
  bool several_losses_ = false;
  std::vector<double> scratch_;  // of optimizers that look at several points in a step
  double loss_sum_ = 0;
  Index loss_samples_ = 0, loss_batches_ = 0;
  std::vector<const Measure*> shown_;    // of all heads, in the order of the logs
  mutable std::vector<double> figures_;  // those being written
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/training/trainer-inl.hpp"
#endif
