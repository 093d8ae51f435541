// Bodies of the trainer.
#pragma once

#include <algorithm>
#include <numeric>

#include "maas/core/denormals.hpp"
#include "maas/training/progress.hpp"
#include "maas/training/trainer.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline const Loss& required_loss(const CompileOptions& options) {
  require<StateError>(options.loss.has_value(), "fit: the model has no loss; pass .loss to compile");
  return *options.loss;
}

inline void set_log(Logs& logs, std::string_view prefix, std::string_view name, double value) {
  for (auto& [key, old] : logs)
    if (key.size() == prefix.size() + name.size() && key.starts_with(prefix) && key.ends_with(name)) {
      old = value;
      return;
    }
  logs.emplace_back(std::string(prefix) + std::string(name), value);
}

}  // namespace detail

MAAS_INLINE Trainer::Trainer(Network& network, const CompileOptions& options, OptimizerState& state, Index capacity,
                             Index targets)
    : network_(network),
      state_(state),
      optimizer_(options.optimizer),
      loss_(detail::required_loss(options)),
      metrics_(options.metrics),
      unweighted_(options.metrics.size()),
      workspace_(network, capacity, Mode::training),
      gradients_(network.parameters().shared_layout()),
      outputs_(network.graph().output_shape().last()) {
  require<ConfigError>(network.graph().inputs().size() == 1 && network.graph().outputs().size() == 1,
                       "fit: expected a network with one input and one output, got {} and {}",
                       network.graph().inputs().size(), network.graph().outputs().size());
  const Graph& graph = network.graph();
  const Index mask = graph.node(graph.outputs()[0]).mask_from;
  require<ConfigError>(mask < 0, "fit: the output carries the mask that \"{}\" makes; masked losses are not supported",
                       mask < 0 ? "" : graph.name(graph.node(mask).layer));
  const Index outputs = network.graph().output_shape().size(), rows = outputs_ == 0 ? 0 : outputs / outputs_;
  row_targets_ = loss_.target_columns(outputs_);
  require<ShapeError>(targets == rows * row_targets_, "fit: expected {} target numbers a sample for {}, got {}",
                      rows * row_targets_, loss_.class_name(), targets);
  metrics_.insert(metrics_.end(), options.weighted_metrics.begin(), options.weighted_metrics.end());
  on_logits_.resize(metrics_.size());
  use_logits();
  x_.resize(capacity, network.graph().input_shape().size());
  y_.resize(capacity, targets);
  predictions_.resize(output_activation_ ? capacity : 0, outputs);
  weights_.resize(capacity);
  row_weights_.resize(capacity * rows);
  values_.resize(capacity * rows);
  for (const ParameterEntry& entry : network.parameters().entries())
    if (entry.trainable) tensors_.push_back({entry.offset, entry.shape, entry.name});
  name_figures(metric_keys(options.metrics, options.weighted_metrics));
}

MAAS_INLINE void Trainer::name_figures(const std::vector<std::string>& keys) {
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    metric_states_.emplace_back(static_cast<std::size_t>(metrics_[i].state_size(outputs_)), 0.0);
    const Index figures = metrics_[i].figures(metric_states_[i]);
    std::vector<std::string>& names = figure_keys_.emplace_back();
    for (Index figure = 0; figure < figures; ++figure) names.push_back(Metric::figure_name(keys[i], figure, figures));
    figures_.resize(std::max(figures_.size(), names.size()));
  }
}

// A cross-entropy right after a sigmoid or softmax is computed from the logits, as Keras does: the output layer runs
// without its activation, which is applied afterwards for the metrics; those that are cross-entropies take the logits.
MAAS_INLINE void Trainer::use_logits() {
  const Graph& graph = network_.graph();
  const Index output = graph.outputs()[0];
  for (const GraphNode& node : graph.nodes())
    if (std::ranges::find(node.inputs, output) != node.inputs.end()) return;
  const std::optional<Loss> on_logits = loss_.on_logits();
  const std::optional<SplitLayer> split = graph.layer(graph.node(output).layer).split_activation();
  const bool output_is_penalized = graph.node(output).plan.activity_penalty.has_value();  // as it is after activation
  if (!on_logits || !split || output_is_penalized) return;
  if (split->activation.class_name() != "sigmoid" && split->activation.class_name() != "softmax") return;
  loss_ = *on_logits;
  output_activation_ = split->activation;
  workspace_.replace_layer(output, split->before);
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    std::optional<Metric> changed = metrics_[i].on_logits();
    on_logits_[i] = changed.has_value();
    if (changed) metrics_[i] = *std::move(changed);
  }
}

MAAS_INLINE ConstMatrixView Trainer::as_rows(const ConstMatrixView& samples, Index columns) const {
  return {samples.data(), columns == 0 ? 0 : samples.size() / columns, columns};
}

MAAS_INLINE ConstVectorView Trainer::row_weights(const ConstVectorView& weights, Index rows) {
  if (weights.size() == 0 || weights.size() == rows) return weights;
  const Index each = rows / weights.size();
  for (Index row = 0; row < rows; ++row) row_weights_[row] = weights[row / each];
  return {row_weights_.data(), rows};
}

// Data sets and batches in the caller's memory are looked at here first. A label out of range would be read as a place.
MAAS_INLINE void Trainer::check_targets(const ConstMatrixView& y) const {
  try {
    loss_.check_targets(as_rows(y, row_targets_), outputs_);
  } catch (const DataError& error) {
    fail<DataError>("in a batch: {}", error.what());
  }
}

MAAS_INLINE double Trainer::forward(const ConstMatrixView& x, const ConstMatrixView& y, const ConstVectorView& weights,
                                    Mode mode, const Random& random) {
  check_targets(y);
  workspace_.set_batch(x.rows());
  workspace_.set_input(x.data());
  workspace_.forward(network_.parameters(), mode, random);
  const ConstMatrixView output = as_rows(workspace_.output(), outputs_), target = as_rows(y, row_targets_);
  ConstMatrixView predicted = output;
  if (output_activation_) {
    MatrixView activated(predictions_.data(), output.rows(), outputs_);
    output_activation_->forward(output, activated);
    repoint(predicted, activated.data(), output.rows(), outputs_);
  }
  const ConstVectorView none(nullptr, 0), each_row = row_weights(weights, output.rows());
  const double loss = loss_.mean(output, target, each_row, VectorView(values_.data(), output.rows())) + penalty() +
                      workspace_.activity_penalty();
  loss_sum_ += loss * static_cast<double>(x.rows());
  loss_samples_ += x.rows();
  for (std::size_t i = 0; i < metrics_.size(); ++i)
    metrics_[i].add(metric_states_[i], on_logits_[i] ? output : predicted, target, i < unweighted_ ? none : each_row);
  return loss;
}

MAAS_INLINE double Trainer::penalty() const {
  double sum = 0;
  for (const ParameterEntry& entry : network_.parameters().entries()) {
    if (!entry.penalty || !entry.trainable) continue;
    const ConstMatrixView weights = std::as_const(network_).parameters().view(entry);
    sum += entry.penalty->value(ConstVectorView(weights.data(), weights.size()));
  }
  return sum;
}

MAAS_INLINE void Trainer::backward_and_step(const ConstMatrixView& y, const ConstVectorView& weights) {
  const ConstMatrixView output = as_rows(workspace_.output(), outputs_);
  MatrixView gradient = workspace_.output_gradient();
  loss_.mean_gradient(output, as_rows(y, row_targets_), row_weights(weights, output.rows()),
                      MatrixView(gradient.data(), output.rows(), outputs_));
  Parameters& parameters = network_.parameters();
  workspace_.backward(parameters, gradients_);
  for (const ParameterEntry& entry : parameters.entries()) {
    if (!entry.penalty || !entry.trainable) continue;
    const ConstMatrixView w = std::as_const(parameters).view(entry);
    MatrixView g = gradients_.view(entry);
    entry.penalty->add_gradient(ConstVectorView(w.data(), w.size()), VectorView(g.data(), g.size()));
  }
  if (const std::optional<double>& scale = optimizer_.options().loss_scale_factor)
    gradients_.trainable() *= static_cast<Scalar>(*scale);
  optimizer_.step(parameters.trainable(), gradients_.trainable(), tensors_, state_);
  workspace_.apply_statistics(parameters);
  for (const ParameterEntry& entry : parameters.entries()) {
    if (!entry.constraint || !entry.trainable) continue;
    MatrixView w = parameters.view(entry);
    entry.constraint->apply(VectorView(w.data(), w.size()), entry.shape);
  }
}

MAAS_INLINE double Trainer::train(const ConstMatrixView& x, const ConstMatrixView& y, const ConstVectorView& weights,
                                  const Random& random) {
  const FlushDenormals flush;
  const double loss = forward(x, y, weights, Mode::training, random);
  backward_and_step(y, weights);
  return loss;
}

MAAS_INLINE double Trainer::test(const ConstMatrixView& x, const ConstMatrixView& y, const ConstVectorView& weights) {
  const FlushDenormals flush;
  return forward(x, y, weights, Mode::inference, Random());
}

MAAS_INLINE ConstMatrixView Trainer::load(const Dataset& data, std::span<const Index> rows) {
  const Index count = static_cast<Index>(rows.size());
  data.gather(rows, MatrixView(x_.data(), count, x_.cols()), MatrixView(y_.data(), count, y_.cols()));
  return {x_.data(), count, x_.cols()};
}

MAAS_INLINE ConstVectorView Trainer::weights_of(std::span<const Index> rows, const ConstVectorView& weights) {
  if (weights.size() == 0) return {nullptr, 0};
  for (std::size_t i = 0; i < rows.size(); ++i) weights_[static_cast<Index>(i)] = weights[rows[i]];
  return {weights_.data(), static_cast<Index>(rows.size())};
}

template <class AfterBatch>
Signal Trainer::epoch(const Dataset& data, std::span<const Index> order, const ConstVectorView& weights, Index batch,
                      const Random& random, AfterBatch&& after_batch) {
  const Index size = static_cast<Index>(order.size());
  for (Index first = 0; first < size; first += batch) {
    const auto rows =
        order.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(batch, size - first)));
    const ConstMatrixView x = load(data, rows);
    train(x, ConstMatrixView(y_.data(), x.rows(), y_.cols()), weights_of(rows, weights),
          random.stream(static_cast<std::uint64_t>(state_.step)));
    if (after_batch() == Signal::stop) return Signal::stop;
  }
  return Signal::go_on;
}

MAAS_INLINE void Trainer::evaluate(const Dataset& data, std::span<const Index> order, const ConstVectorView& weights,
                                   Index batch) {
  const Index size = static_cast<Index>(order.size());
  for (Index first = 0; first < size; first += batch) {
    const auto rows =
        order.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(batch, size - first)));
    const ConstMatrixView x = load(data, rows);
    test(x, ConstMatrixView(y_.data(), x.rows(), y_.cols()), weights_of(rows, weights));
  }
}

MAAS_INLINE void Trainer::reset_figures() {
  loss_sum_ = 0;
  loss_samples_ = 0;
  for (std::vector<double>& state : metric_states_) std::ranges::fill(state, 0.0);
}

MAAS_INLINE void Trainer::write_logs(Logs& logs, std::string_view prefix) const {
  detail::set_log(logs, prefix, "loss", loss_samples_ > 0 ? loss_sum_ / static_cast<double>(loss_samples_) : 0.0);
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    metrics_[i].results(metric_states_[i], figures_);
    for (std::size_t figure = 0; figure < figure_keys_[i].size(); ++figure)
      detail::set_log(logs, prefix, figure_keys_[i][figure], figures_[figure]);
  }
}

namespace detail {

/// A new order of the samples: Fisher and Yates' shuffle, drawn from the stream.
inline void shuffle(std::span<Index> order, const Random& random) {
  for (std::uint64_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i, i)]);
}

inline void check_fit(const Network& network, const FitData& data, const FitOptions& fit) {
  require<ConfigError>(fit.batch_size >= 1, "fit: expected a batch_size of at least 1, got {}", fit.batch_size);
  require<ConfigError>(fit.epochs >= 1, "fit: expected at least 1 epoch, got {}", fit.epochs);
  require<ConfigError>(fit.initial_epoch >= 0, "fit: expected an initial_epoch of at least 0, got {}",
                       fit.initial_epoch);
  require<ConfigError>(fit.validation_freq >= 1, "fit: expected a validation_freq of at least 1, got {}",
                       fit.validation_freq);
  require<DataError>(data.training.size() > 0, "fit: expected at least 1 sample, got none");
  const Shape& expected = network.graph().input_shape();
  require<ShapeError>(data.training.feature_shape().size() == expected.size(),
                      "fit: expected {} numbers a sample ({}), got {}", expected.size(), expected.text(),
                      data.training.feature_shape().size());
  if (!data.validation) return;
  require<ShapeError>(data.validation->feature_shape().size() == expected.size() &&
                          data.validation->target_shape().size() == data.training.target_shape().size(),
                      "fit: expected validation data of {} features and {} targets a sample, got {} and {}",
                      expected.size(), data.training.target_shape().size(), data.validation->feature_shape().size(),
                      data.validation->target_shape().size());
}

/// The stream of random numbers of a fit: it goes on where the last fit, or a loaded file, stopped.
inline Random stream_of(std::uint64_t seed, std::int64_t step, std::uint64_t use) {
  return Random(seed).stream(use).stream(static_cast<std::uint64_t>(step));
}

}  // namespace detail

MAAS_INLINE History fit(Network& network, const CompileOptions& options, OptimizerState& state, const FitData& data,
                        const FitOptions& fit) {
  detail::check_fit(network, data, fit);
  const Index samples = data.training.size();
  const Index batch = options.optimizer.full_batch() ? samples : std::min(fit.batch_size, samples);
  const Index test_batch = data.validation ? std::min(fit.batch_size, data.validation->size()) : 1;
  Trainer trainer(network, options, state, std::max(batch, test_batch), data.training.target_shape().size());

  std::vector<Index> order(static_cast<std::size_t>(samples)),
      test_order(static_cast<std::size_t>(data.validation ? data.validation->size() : 0));
  std::iota(test_order.begin(), test_order.end(), Index(0));
  const ConstVectorView weights(data.weights.data(), data.weights.size());
  const ConstVectorView test_weights(data.validation_weights.data(), data.validation_weights.size());

  std::vector<Callback> callbacks = fit.callbacks;
  if (fit.verbose != 0) callbacks.push_back(Progress{.verbose = fit.verbose});
  Logs logs;
  History history;
  TrainingView view{.epochs = fit.epochs,
                    .steps = (samples + batch - 1) / batch,
                    .validates = data.validation.has_value(),
                    .logs = logs,
                    .network = network,
                    .optimizer = options.optimizer,
                    .state = state,
                    .loss = options.loss,
                    .metrics = options.metrics,
                    .weighted_metrics = options.weighted_metrics};
  for (Callback& callback : callbacks) callback.train_begin(view);
  Signal signal = Signal::go_on;
  for (int epoch = fit.initial_epoch; epoch < fit.epochs && signal == Signal::go_on; ++epoch) {
    view.epoch = epoch;
    view.step = 0;
    logs.clear();
    trainer.reset_figures();
    std::iota(order.begin(), order.end(), Index(0));
    if (fit.shuffle) detail::shuffle(order, detail::stream_of(fit.seed, state.step, 1));
    for (Callback& callback : callbacks) callback.epoch_begin(view);
    signal = trainer.epoch(data.training, order, weights, batch, Random(fit.seed).stream(2), [&] {
      ++view.step;
      trainer.write_logs(logs);
      Signal wish = Signal::go_on;
      for (Callback& callback : callbacks)
        if (callback.batch_end(view) == Signal::stop) wish = Signal::stop;
      return wish;
    });
    trainer.write_logs(logs);
    if (data.validation && (epoch + 1) % fit.validation_freq == 0) {
      trainer.reset_figures();
      trainer.evaluate(*data.validation, test_order, test_weights, test_batch);
      trainer.write_logs(logs, "val_");
    }
    for (Callback& callback : callbacks)
      if (callback.epoch_end(view) == Signal::stop) signal = Signal::stop;
    history.add(epoch, logs);
  }
  options.optimizer.finish(network.parameters().trainable(), state);
  for (Callback& callback : callbacks) callback.train_end(view);
  return history;
}

MAAS_INLINE Logs evaluate(Network& network, const CompileOptions& options, OptimizerState& state, const Dataset& data,
                          const Vector& weights, Index batch_size) {
  require<ConfigError>(batch_size >= 1, "evaluate: expected a batch_size of at least 1, got {}", batch_size);
  require<DataError>(data.size() > 0, "evaluate: expected at least 1 sample, got none");
  const Index batch = std::min(batch_size, data.size());
  Trainer trainer(network, options, state, batch, data.target_shape().size());
  std::vector<Index> order(static_cast<std::size_t>(data.size()));
  std::iota(order.begin(), order.end(), Index(0));
  trainer.evaluate(data, order, ConstVectorView(weights.data(), weights.size()), batch);
  Logs logs;
  trainer.write_logs(logs);
  return logs;
}

}  // namespace maas::inline MAAS_ABI
