// Bodies of the trainer.
#pragma once

#include <algorithm>

#include "maas/core/denormals.hpp"
#include "maas/data/class_of.hpp"
#include "maas/training/objective-inl.hpp"
#include "maas/training/trainer.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline void set_log(Logs& logs, std::string_view prefix, std::string_view name, double value) {
  for (auto& [key, old] : logs)
    if (key.size() == prefix.size() + name.size() && key.starts_with(prefix) && key.ends_with(name)) {
      old = value;
      return;
    }
  logs.emplace_back(std::string(prefix) + std::string(name), value);
}

MAAS_INLINE std::vector<OutputOptions> output_options(const CompileOptions& options, std::size_t outputs) {
  if (options.outputs.empty()) {
    require<ConfigError>(outputs == 1 || (options.metrics.empty() && options.weighted_metrics.empty()),
                         "compile: the network has {} outputs; give each its metrics through .outputs", outputs);
    return std::vector<OutputOptions>(
        outputs, {.loss = options.loss, .metrics = options.metrics, .weighted_metrics = options.weighted_metrics});
  }
  require<ConfigError>(options.outputs.size() == outputs, "compile: expected .outputs for {} outputs, got {}", outputs,
                       options.outputs.size());
  require<ConfigError>(!options.loss && options.metrics.empty() && options.weighted_metrics.empty(),
                       "compile: expected .outputs, or .loss and .metrics, got both");
  return options.outputs;
}

MAAS_INLINE Index input_width(const Graph& graph) {
  Index width = 0;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) width += graph.input_shape(static_cast<Index>(i)).size();
  return width;
}

/// From a matrix whose rows hold several parts one after the other: one of them, by itself.
inline void copy_part(const ConstMatrixView& all, Index first, MatrixView part) {
  part = all.middleCols(first, part.cols());
}

// An output without a loss has the targets of what it is measured by.
inline Index target_columns(const OutputOptions& options, Index outputs) {
  if (options.loss) return options.loss->target_columns(outputs);
  if (!options.metrics.empty()) return options.metrics.front().target_columns(outputs);
  if (!options.weighted_metrics.empty()) return options.weighted_metrics.front().target_columns(outputs);
  return outputs;
}

}  // namespace detail

MAAS_INLINE Trainer::Trainer(Network& network, const CompileOptions& options, OptimizerState& state, Index capacity,
                             Index targets, InputGradients input_gradients)
    : network_(network),
      state_(state),
      optimizer_(options.optimizer),
      workspace_(network, capacity, Mode::training, input_gradients),
      gradients_(network.parameters().shared_layout()) {
  make_heads(options);
  const Graph& graph = network.graph();
  const Index inputs = static_cast<Index>(graph.inputs().size());
  Index wanted = 0;
  for (const Head& head : heads_) wanted += head.width;
  require<ShapeError>(targets == wanted, "fit: expected {} target numbers a sample for {}, got {}", wanted,
                      heads_.size() == 1 ? heads_[0].loss->class_name() : "all outputs", targets);
  x_.resize(capacity, detail::input_width(graph));
  y_.resize(capacity, targets);
  for (Index i = 0; i < inputs; ++i) {
    inputs_.emplace_back(inputs > 1 ? capacity : 0, graph.input_shape(i).size());
    x_views_.emplace_back(nullptr, 0, 0);
  }
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    Head& head = heads_[i];
    const Index outputs = graph.output_shape(static_cast<Index>(i)).size();
    const Index rows = head.steps;
    head.targets.resize(heads_.size() > 1 ? capacity : 0, head.width);
    head.predictions.resize(head.activation ? capacity : 0, outputs);
    head.weights.resize(capacity * rows);
    head.row_weights.resize(capacity * rows);
    head.counted.resize(capacity * (head.is_masked ? rows : 0));
    head.values.resize(capacity * rows);
    y_views_.emplace_back(nullptr, 0, 0);
  }
  weight_views_.reserve(heads_.size());
  for (const ParameterEntry& entry : network.parameters().entries())
    if (entry.trainable) tensors_.push_back({entry.offset, entry.shape, entry.name});
  const bool squares = heads_.size() == 1 && heads_[0].loss->as<MeanSquaredError>() != nullptr;
  require<ConfigError>(
      !optimizer_.needs_residuals() || squares,
      "{}: expected one output with the loss mean_squared_error, of which it takes the residuals, got {}",
      optimizer_.class_name(), heads_.size() == 1 ? heads_[0].loss->class_name() : "several outputs");
  scratch_.resize(
      static_cast<std::size_t>(optimizer_.scratch_size(network.parameters().layout().trainable_size(), tensors_)));
}

MAAS_INLINE void Trainer::make_heads(const CompileOptions& options) {
  const Graph& graph = network_.graph();
  const std::vector<OutputOptions> all = detail::output_options(options, graph.outputs().size());
  const auto losses = std::ranges::count_if(all, [](const OutputOptions& output) { return output.loss.has_value(); });
  require<StateError>(losses > 0, "fit: the model has no loss; pass .loss to compile");
  several_losses_ = losses > 1;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Index node = graph.outputs()[i];
    require<ConfigError>(std::ranges::count(graph.outputs(), node) == 1,
                         "fit: expected different outputs, got that of \"{}\" twice",
                         graph.name(graph.node(node).layer));
    Head head{.name = graph.name(graph.node(node).layer), .loss = all[i].loss, .loss_weight = all[i].loss_weight};
    const Shape& shape = graph.output_shape(static_cast<Index>(i));
    head.outputs = shape.last();
    head.row_targets = detail::target_columns(all[i], head.outputs);
    head.steps = head.outputs == 0 ? 1 : shape.size() / head.outputs;
    head.width = head.outputs == 0 ? 0 : head.steps * head.row_targets;
    head.loss_width = head.outputs;
    if (head.loss) {
      head.loss->check_output(shape);
      head.loss_width = head.loss->row_width(shape);
    }
    find_mask(head, node);
    head.loss_key = head.name + "_loss";
    for (const Metric& metric : all[i].metrics) head.measures.push_back({.metric = metric});
    for (const Metric& metric : all[i].weighted_metrics) head.measures.push_back({.metric = metric, .weighted = true});
    use_logits(head, node);
    heads_.push_back(std::move(head));
  }
  name_figures();
}

// Steps that a mask leaves out weigh nothing, as in Keras.
MAAS_INLINE void Trainer::find_mask(Head& head, Index output) {
  const Graph& graph = network_.graph();
  const Index mask = graph.node(output).mask_from;
  if (mask < 0) return;
  const Shape& shape = graph.node(output).plan.output;
  require<ConfigError>(graph.node(mask).mask_steps * shape.last() == shape.size(),
                       "fit: the output of \"{}\" carries a mask of {} steps, expected one of {}", head.name,
                       graph.node(mask).mask_steps, shape.size() / std::max<Index>(shape.last(), 1));
  require<ConfigError>(!head.loss || !head.loss->whole_samples(),
                       "fit: the output of \"{}\" carries the mask that \"{}\" makes; {} takes whole samples, "
                       "expected a loss of single steps",
                       head.name, graph.name(graph.node(mask).layer), head.loss ? head.loss->class_name() : "");
  head.is_masked = true;
}

// The keys of all figures are those of metric_keys; of several outputs, with the output's name in front. A weighted
// metric whose key is taken is "<output>_weighted_<metric>". Keras lists those of one output as compile has them, those
// of several by name.
MAAS_INLINE void Trainer::name_figures() {
  const bool several = heads_.size() > 1;
  std::vector<std::pair<std::string, int>> seen;
  const auto times_seen = [&](const std::string& name) -> int& {
    for (auto& [key, times] : seen)
      if (key == name) return times;
    return seen.emplace_back(name, 0).second;
  };
  for (bool weighted : {false, true})
    for (Head& head : heads_)
      for (Measure& measure : head.measures) {
        if (measure.weighted != weighted) continue;
        const std::string output = several ? head.name + "_" : "";
        std::string key = output + measure.metric.name();
        if (weighted && times_seen(key) > 0) key = output + "weighted_" + measure.metric.name();
        int& times = times_seen(key);
        if (times++ > 0) key += "_" + std::to_string(times - 1);
        measure.state.assign(static_cast<std::size_t>(measure.metric.state_size(head.outputs)), 0.0);
        const Index figures = measure.metric.figures(measure.state);
        for (Index i = 0; i < figures; ++i) measure.keys.push_back(Metric::figure_name(key, i, figures));
        figures_.resize(std::max(figures_.size(), measure.keys.size()));
        shown_.push_back(&measure);
      }
  if (several)
    std::ranges::sort(
        shown_, {}, [](const Measure* measure) -> const auto& { return measure->keys; });
}

MAAS_INLINE std::optional<bool> Trainer::larger_is_better(std::string_view name) const {
  if (name == "loss") return false;
  for (const Head& head : heads_) {
    if (several_losses_ && head.loss && head.loss_key == name) return false;
    for (const Measure& measure : head.measures)
      if (std::ranges::find(measure.keys, name) != measure.keys.end()) return measure.metric.larger_is_better();
  }
  return std::nullopt;
}

// A cross-entropy right after a sigmoid or softmax is computed from the logits, as Keras does: the output layer runs
// without its activation, which is applied afterwards for the metrics; those that are cross-entropies take the logits.
MAAS_INLINE void Trainer::use_logits(Head& head, Index output) {
  const Graph& graph = network_.graph();
  for (const GraphNode& node : graph.nodes())
    if (std::ranges::find(node.inputs, output) != node.inputs.end()) return;
  const std::optional<Loss> on_logits = head.loss ? head.loss->on_logits() : std::nullopt;
  const std::optional<SplitLayer> split = graph.layer(graph.node(output).layer).split_activation();
  const bool output_is_penalized = graph.node(output).plan.activity_penalty.has_value();  // as it is after activation
  if (!on_logits || !split || output_is_penalized) return;
  if (split->activation.class_name() != "sigmoid" && split->activation.class_name() != "softmax") return;
  head.loss = *on_logits;
  head.activation = split->activation;
  workspace_.replace_layer(output, split->before);
  for (Measure& measure : head.measures) {
    std::optional<Metric> changed = measure.metric.on_logits();
    measure.on_logits = changed.has_value();
    if (changed) measure.metric = *std::move(changed);
  }
}

MAAS_INLINE ConstMatrixView Trainer::as_rows(const ConstMatrixView& samples, Index columns) const {
  return {samples.data(), columns == 0 ? 0 : samples.size() / columns, columns};
}

// Rows as the loss counts them: whole samples for some, the last axis for most.
MAAS_INLINE ConstMatrixView Trainer::loss_targets(const Head& head, const ConstMatrixView& y) const {
  return as_rows(y, head.loss_width == head.outputs ? head.row_targets : head.loss_width);
}

MAAS_INLINE ConstVectorView Trainer::sample_weights(const BatchView& batch, Index output) const {
  if (batch.weights.empty()) return {nullptr, 0};
  return batch.weights[batch.weights.size() == 1 ? 0 : static_cast<std::size_t>(output)];
}

// The mask of the batch that ran last, one number a row; none where the output carries no mask.
MAAS_INLINE ConstVectorView Trainer::mask_of(const Head& head, Index output) const {
  if (!head.is_masked) return {nullptr, 0};
  const ConstMatrixView mask = workspace_.output_mask(output);
  return {mask.data(), mask.size()};
}

// What the rows of the batch that ran last weigh in the loss: their sample weights and their mask.
MAAS_INLINE ConstVectorView Trainer::loss_weights(Head& head, Index output, const BatchView& batch) const {
  const ConstVectorView weights = sample_weights(batch, output), mask = mask_of(head, output);
  if (mask.size() == 0) return weights;
  if (weights.size() == 0) return mask;
  const Index each = mask.size() / weights.size();
  for (Index row = 0; row < mask.size(); ++row) head.counted[row] = mask[row] * weights[row / each];
  return {head.counted.data(), mask.size()};
}

MAAS_INLINE ConstVectorView Trainer::row_weights(Head& head, Index output, const BatchView& batch, Index rows) const {
  const ConstVectorView weights = sample_weights(batch, output);
  if (weights.size() == 0 || weights.size() == rows) return weights;
  const Index each = rows / weights.size();
  for (Index row = 0; row < rows; ++row) head.row_weights[row] = weights[row / each];
  return {head.row_weights.data(), rows};
}

// Data sets and batches in the caller's memory are looked at here first. A label out of range would be read as a place.
MAAS_INLINE void Trainer::check_targets(const BatchView& batch) const {
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const Head& head = heads_[i];
    if (!head.loss) continue;
    try {
      head.loss->check_targets(loss_targets(head, batch.y[i]), head.loss_width);
    } catch (const DataError& error) {
      const std::string where = heads_.size() > 1 ? " for \"" + head.name + "\"" : "";
      fail<DataError>("in a batch{}: {}", where, error.what());
    }
  }
}

// One a sample, or one a step where the loss looks at steps.
MAAS_INLINE void Trainer::check_weights(const BatchView& batch) const {
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const Head& head = heads_[i];
    const Index count = sample_weights(batch, static_cast<Index>(i)).size(), samples = batch.size();
    if (count == 0 || count == samples) continue;
    if (head.loss_width == head.outputs && count == samples * head.steps) continue;
    fail<ShapeError>(
        "in a batch: expected {} sample weights for \"{}\", or one a step where its loss is one of steps, got {}",
        samples, head.name, count);
  }
}

// The loss of a batch, penalties included; the network's outputs are in the workspace afterwards, those losses in
// heads.
MAAS_INLINE double Trainer::run(const BatchView& batch, Mode mode, const Random& random) {
  workspace_.set_batch(batch.size());
  for (std::size_t i = 0; i < batch.x.size(); ++i) workspace_.set_input(batch.x[i].data(), static_cast<Index>(i));
  workspace_.forward(network_.parameters(), mode, random);
  double loss = 0;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    Head& head = heads_[i];
    if (!head.loss) continue;
    const Index output = static_cast<Index>(i);
    const ConstMatrixView judged = as_rows(workspace_.output(output), head.loss_width);
    head.batch_loss = head.loss->mean(judged, loss_targets(head, batch.y[i]), loss_weights(head, output, batch),
                                      VectorView(head.values.data(), judged.rows()), mask_of(head, output));
    loss += head.loss_weight * head.batch_loss;
  }
  return loss + penalty() + workspace_.activity_penalty();
}

MAAS_INLINE double Trainer::forward(const BatchView& batch, Mode mode, const Random& random) {
  check_targets(batch);
  check_weights(batch);
  const double loss = run(batch, mode, random);
  for (std::size_t i = 0; i < heads_.size(); ++i) add_figures(heads_[i], static_cast<Index>(i), batch);
  loss_sum_ += loss * static_cast<double>(batch.size());
  loss_samples_ += batch.size();
  ++loss_batches_;
  return loss;
}

// Adds a batch that was run to the figures of one output.
MAAS_INLINE void Trainer::add_figures(Head& head, Index i, const BatchView& batch) {
  const ConstMatrixView output = as_rows(workspace_.output(i), head.outputs);
  const ConstMatrixView target = as_rows(batch.y[static_cast<std::size_t>(i)], head.row_targets);
  ConstMatrixView predicted = output;
  if (head.activation) {
    MatrixView activated(head.predictions.data(), output.rows(), head.outputs);
    head.activation->forward(output, activated);
    repoint(predicted, activated.data(), output.rows(), head.outputs);
  }
  const ConstVectorView mask = mask_of(head, i), each_row = row_weights(head, i, batch, output.rows());
  const ConstVectorView counted = loss_weights(head, i, batch), none(nullptr, 0);
  // Keras' means look at the mask, with sample weights or without; its other metrics do not.
  for (Measure& measure : head.measures) {
    const bool masked = head.is_masked && measure.metric.heeds_masks();
    const ConstVectorView& weights =
        masked ? (measure.weighted ? counted : mask) : (measure.weighted ? each_row : none);
    measure.metric.add(measure.state, measure.on_logits ? output : predicted, target, weights);
  }
  if (head.loss) head.loss_sum += head.batch_loss;
}

MAAS_INLINE double Trainer::penalty() const {
  double sum = 0;
  for (const ParameterEntry& entry : network_.parameters().entries()) {
    if (!entry.penalty || !entry.trainable) continue;
    const ConstMatrixView weights = std::as_const(network_).parameters().view(entry);
    sum += entry.penalty->value(ConstVectorView(weights.data(), weights.size()), entry.shape);
  }
  return sum;
}

// Gradients of the batch that ran last, penalties included.
MAAS_INLINE void Trainer::backward(const BatchView& batch) {
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    Head& head = heads_[i];
    const Index output = static_cast<Index>(i);
    MatrixView gradient = workspace_.output_gradient(output);
    if (!head.loss) {
      gradient.setZero();
      continue;
    }
    const ConstMatrixView judged = as_rows(workspace_.output(output), head.loss_width);
    head.loss->mean_gradient(judged, loss_targets(head, batch.y[i]), loss_weights(head, output, batch),
                             MatrixView(gradient.data(), judged.rows(), head.loss_width), mask_of(head, output));
    if (head.loss_weight != 1) gradient *= static_cast<Scalar>(head.loss_weight);
  }
  const Parameters& parameters = network_.parameters();
  workspace_.backward(parameters, gradients_);
  for (const ParameterEntry& entry : parameters.entries()) {
    if (!entry.penalty || !entry.trainable) continue;
    const ConstMatrixView w = parameters.view(entry);
    MatrixView g = gradients_.view(entry);
    entry.penalty->add_gradient(ConstVectorView(w.data(), w.size()), entry.shape, VectorView(g.data(), g.size()));
  }
}

MAAS_INLINE void Trainer::step() {
  if (const std::optional<double>& scale = optimizer_.options().loss_scale_factor)
    gradients_.trainable() *= static_cast<Scalar>(*scale);
  optimizer_.step(network_.parameters().trainable(), gradients_.trainable(), tensors_, state_);
}

MAAS_INLINE void Trainer::after_step() {
  Parameters& parameters = network_.parameters();
  workspace_.apply_statistics(parameters);
  for (const ParameterEntry& entry : parameters.entries()) {
    if (!entry.constraint || !entry.trainable) continue;
    MatrixView w = parameters.view(entry);
    entry.constraint->apply(VectorView(w.data(), w.size()), entry.shape);
  }
}

MAAS_INLINE double Trainer::train(const BatchView& batch, const Random& random) {
  const FlushDenormals flush;
  const double loss = forward(batch, Mode::training, random);
  backward(batch);
  if (optimizer_.needs_objective())
    step_with_objective(loss, batch, random);
  else
    step();
  after_step();
  return loss;
}

MAAS_INLINE double Trainer::test(const BatchView& batch) {
  const FlushDenormals flush;
  return forward(batch, Mode::inference, Random());
}

MAAS_INLINE double Trainer::differentiate(const BatchView& batch, Mode mode, const Random& random) {
  const FlushDenormals flush;
  const double loss = forward(batch, mode, random);
  backward(batch);
  return loss;
}

MAAS_INLINE double Trainer::train(const ConstMatrixView& x, const ConstMatrixView& y, const ConstVectorView& weights,
                                  const Random& random) {
  return train(BatchView{{&x, 1}, {&y, 1}, {&weights, 1}}, random);
}

MAAS_INLINE double Trainer::test(const ConstMatrixView& x, const ConstMatrixView& y, const ConstVectorView& weights) {
  return test(BatchView{{&x, 1}, {&y, 1}, {&weights, 1}});
}

MAAS_INLINE BatchView Trainer::load(const Dataset& data, std::span<const Index> rows, const SampleWeights& weights,
                                    const std::map<int, double>& class_weight) {
  const Index count = static_cast<Index>(rows.size());
  data.gather(rows, MatrixView(x_.data(), count, x_.cols()), MatrixView(y_.data(), count, y_.cols()));
  const ConstMatrixView x(x_.data(), count, x_.cols()), y(y_.data(), count, y_.cols());
  Index first = 0;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    Matrix& input = inputs_[i];
    const Scalar* samples = inputs_.size() == 1 ? x_.data() : input.data();
    if (inputs_.size() > 1) detail::copy_part(x, first, MatrixView(input.data(), count, input.cols()));
    repoint(x_views_[i], samples, count, input.cols());
    first += input.cols();
  }
  first = 0;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    Head& head = heads_[i];
    const Scalar* samples = heads_.size() == 1 ? y_.data() : head.targets.data();
    if (heads_.size() > 1) detail::copy_part(y, first, MatrixView(head.targets.data(), count, head.width));
    repoint(y_views_[i], samples, count, head.width);
    first += head.width;
  }
  weight_views_.clear();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    Vector& chosen = heads_[i].weights;
    const Index each = weights[i].size() / data.size();  // more than one where every step of a sample has its own
    for (Index k = 0; k < count; ++k)
      chosen.segment(k * each, each) = weights[i].segment(rows[static_cast<std::size_t>(k)] * each, each);
    weight_views_.emplace_back(chosen.data(), count * each);
  }
  if (weights.empty() && !class_weight.empty()) {
    Vector& chosen = heads_[0].weights;
    for (Index k = 0; k < count; ++k) chosen[k] = detail::class_weight_of(class_weight, y_views_[0], k);
    weight_views_.emplace_back(chosen.data(), count);
  }
  return {x_views_, y_views_, weight_views_};
}

MAAS_INLINE void Trainer::train(const Dataset& data, std::span<const Index> rows, const SampleWeights& weights,
                                const Random& random, const std::map<int, double>& class_weight) {
  train(load(data, rows, weights, class_weight), random.stream(static_cast<std::uint64_t>(state_.step)));
}

MAAS_INLINE void Trainer::evaluate(const Dataset& data, const SampleWeights& weights, Index batch,
                                   std::optional<Index> steps) {
  RowBatches batches(data, batch, false, 0);
  const Index count = std::min(batches.count(), steps.value_or(batches.count()));
  for (Index i = 0; i < count; ++i) test(load(data, batches.next(0), weights));
}

MAAS_INLINE void Trainer::reset_figures() {
  loss_sum_ = 0;
  loss_samples_ = loss_batches_ = 0;
  for (Head& head : heads_) {
    head.loss_sum = 0;
    for (Measure& measure : head.measures) std::ranges::fill(measure.state, 0.0);
  }
}

MAAS_INLINE void Trainer::write_logs(Logs& logs, std::string_view prefix) const {
  const auto mean = [](double sum, Index count) { return count > 0 ? sum / static_cast<double>(count) : 0.0; };
  detail::set_log(logs, prefix, "loss", mean(loss_sum_, loss_samples_));
  // Keras weighs the batches of the loss by their samples, but those of an output's loss all the same.
  for (const Head& head : heads_)
    if (several_losses_ && head.loss) detail::set_log(logs, prefix, head.loss_key, mean(head.loss_sum, loss_batches_));
  for (const Measure* measure : shown_) {
    measure->metric.results(measure->state, figures_);
    for (std::size_t i = 0; i < measure->keys.size(); ++i) detail::set_log(logs, prefix, measure->keys[i], figures_[i]);
  }
}

MAAS_INLINE void Trainer::keep_state(StateArchive& archive) {
  archive("figures/loss", loss_sum_);
  archive("figures/samples", loss_samples_);
  archive("figures/batches", loss_batches_);
  for (Head& head : heads_) {
    archive("figures/output loss", head.loss_sum);
    for (Measure& measure : head.measures) archive("figures/metric", measure.state);
  }
}

}  // namespace maas::inline MAAS_ABI
