// Bodies of Model.
#pragma once

#include <fmt/format.h>

#include <cmath>

#include "maas/data/class_of.hpp"
#include "maas/data/digest.hpp"
#include "maas/layers/input_layer.hpp"
#include "maas/model/model.hpp"
#include "maas/version.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// `missing`: whether NaN may stand there.
inline void require_finite(std::string_view what, std::string_view which, MatrixArg m, bool missing = false) {
  if (m.allFinite()) return;
  for (Index row = 0; row < m.rows(); ++row)
    for (Index column = 0; column < m.cols(); ++column)
      require<DataError>(std::isfinite(m(row, column)) || (missing && std::isnan(m(row, column))),
                         "{}: expected finite numbers in {}, got {} in row {}, column {} (counted from 0)", what, which,
                         m(row, column), row, column);
}

/// Rows of the last axis that a sample of an output has: steps of a sequence.
inline Index steps_of(const Graph& graph, std::size_t output) {
  const Shape& shape = graph.output_shape(static_cast<Index>(output));
  return shape.last() == 0 ? 1 : shape.size() / shape.last();
}

/// The weights given: none, one vector, or one an output; each has one number a sample, or one a step.
inline SampleWeights checked_weights(std::string_view what, const std::optional<Vector>& weight,
                                     const std::vector<Vector>& weights, Index samples, const Graph& graph) {
  const std::size_t outputs = graph.outputs().size();
  require<ConfigError>(!weight || weights.empty(), "{}: expected sample_weight or sample_weights, got both", what);
  SampleWeights result = weight ? SampleWeights{*weight} : weights;
  require<ShapeError>(result.size() <= 1 || result.size() == outputs,
                      "{}: expected sample_weights for {} outputs, got {}", what, outputs, result.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const Index steps = steps_of(graph, i), count = result[i].size();
    require_finite(what, "sample weights", result[i]);
    if (count == samples || count == samples * steps) continue;
    require<ShapeError>(steps > 1, "{}: expected {} sample weights, got {}", what, samples, count);
    fail<ShapeError>("{}: expected {} sample weights, or {}, one a step, got {}", what, samples, samples * steps,
                     count);
  }
  return result;
}

template <class Options>
bool has_sample_weights(const Options& options) {
  return options.sample_weight || !options.sample_weights.empty();
}

/// Weights of classes, from the options of a fit or of a batch.
template <class Options>
void check_class_weight(std::string_view what, const Options& options, const Graph& graph) {
  const std::map<int, double>& weights = options.class_weight;
  if (weights.empty()) return;
  require<ConfigError>(!has_sample_weights(options), "{}: expected sample_weight or class_weight, got both", what);
  require<ConfigError>(graph.outputs().size() == 1, "{}: class_weight is for models of one output, got one of {}", what,
                       graph.outputs().size());
  for (const auto& [label, weight] : weights)
    require<DataError>(std::isfinite(weight), "{}: expected finite numbers in class_weight, got {} for class {}", what,
                       weight, label);
}

/// From the options of a fit or the weights of a batch.
template <class Options>
SampleWeights sample_weights(std::string_view what, MatrixArg y, const Options& options, const Graph& graph) {
  check_class_weight(what, options, graph);
  if (has_sample_weights(options))
    return checked_weights(what, options.sample_weight, options.sample_weights, y.rows(), graph);
  if (options.class_weight.empty()) return {};
  Vector weights(y.rows());
  for (Index row = 0; row < y.rows(); ++row) {
    weights[row] = class_weight_of(options.class_weight, y, row);
  }
  return {std::move(weights)};
}

/// A part of the weights of so many samples.
inline SampleWeights part_of(const SampleWeights& weights, Index samples, Index first, Index count) {
  SampleWeights part;
  for (const Vector& all : weights) {
    const Index each = all.size() / samples;
    part.emplace_back(all.segment(first * each, count * each));
  }
  return part;
}

/// Several matrices side by side.
inline Matrix joined(const std::vector<Matrix>& parts) {
  Index width = 0;
  for (const Matrix& part : parts) width += part.cols();
  Matrix result(parts.empty() ? 0 : parts[0].rows(), width);
  Index first = 0;
  for (const Matrix& part : parts) {
    result.middleCols(first, part.cols()) = part;
    first += part.cols();
  }
  return result;
}

/// Views of a batch's matrices.
struct BatchViews {
  std::vector<ConstMatrixView> x, y;
  std::vector<ConstVectorView> weights;

  BatchViews(const std::vector<Matrix>& inputs, const std::vector<Matrix>& targets,
             const SampleWeights& sample_weights = {}) {
    for (const Matrix& m : inputs) x.emplace_back(m.data(), m.rows(), m.cols());
    for (const Matrix& m : targets) y.emplace_back(m.data(), m.rows(), m.cols());
    for (const Vector& v : sample_weights) weights.emplace_back(v.data(), v.size());
  }
  BatchView view() const { return {x, y, weights}; }
};

/// How many of the samples train; the rest validates.
inline Index training_part(Index samples, double validation_split) {
  require<ConfigError>(validation_split >= 0 && validation_split < 1,
                       "fit: expected a validation_split from 0 to below 1, got {}", validation_split);
  const Index training = static_cast<Index>(std::floor(static_cast<double>(samples) * (1 - validation_split)));
  require<DataError>(training > 0 && (validation_split == 0 || training < samples),
                     "fit: a validation_split of {} leaves a part of {} samples empty", validation_split, samples);
  return training;
}

}  // namespace detail

MAAS_INLINE Model::Model(Network network, std::string name) : network_(std::move(network)), name_(std::move(name)) {}
MAAS_INLINE Model::Model(const Symbol& input, const Symbol& output) : Model(Network(input, output)) {}
MAAS_INLINE Model::Model(const std::vector<Symbol>& inputs, const std::vector<Symbol>& outputs, std::string name)
    : Model(Network(std::span<const Symbol>(inputs), outputs), std::move(name)) {}
MAAS_INLINE Model::~Model() = default;

MAAS_INLINE Matrix Model::gradient_times_input(MatrixArg x, Index number) const {
  return maas::gradient_times_input(network_, {Matrix(x)}, number)[0];
}

MAAS_INLINE void Model::set_self_test(MatrixArg samples) { set_self_test(std::vector<Matrix>{Matrix(samples)}); }

MAAS_INLINE Model::Model(SavedModel saved) : Model(std::move(saved.network), std::move(saved.name)) {
  info_ = std::move(saved.info);
  if (!saved.training) return;
  SavedTraining& training = *saved.training;
  compile({.optimizer = training.optimizer,
           .loss = training.loss,
           .metrics = training.metrics,
           .weighted_metrics = training.weighted_metrics,
           .outputs = training.outputs});
  if (training.state) state_ = std::move(training.state);
}

MAAS_INLINE Model::Model(const Model& other)
    : network_(other.network_),
      name_(other.name_),
      options_(other.options_),
      state_(other.state_),
      info_(other.info_) {}

// Without the trainer of train_on_batch: it points into the other model.
MAAS_INLINE Model::Model(Model&& other) noexcept
    : network_(std::move(other.network_)),
      name_(std::move(other.name_)),
      options_(std::move(other.options_)),
      state_(std::move(other.state_)),
      info_(std::move(other.info_)) {
  other.batch_trainer_.reset();
}

MAAS_INLINE Model& Model::operator=(Model other) noexcept {
  batch_trainer_.reset();  // it points into what is about to change
  std::swap(network_, other.network_);
  std::swap(name_, other.name_);
  std::swap(options_, other.options_);
  std::swap(state_, other.state_);
  std::swap(info_, other.info_);
  return *this;
}

MAAS_INLINE void Model::initialize(std::uint64_t seed) {
  network_.parameters().initialize(seed);
  if (options_) compile(*options_);
}

MAAS_INLINE std::vector<Symbol> Model::operator()(const std::vector<Symbol>& inputs) const {
  const Graph& graph = network_.graph();
  const ParameterLayout& layout = network_.parameters().layout();
  require<ShapeError>(inputs.size() == graph.inputs().size(), "model \"{}\": expected {} inputs, got {}", name_,
                      graph.inputs().size(), inputs.size());
  std::vector<std::shared_ptr<const std::vector<Matrix>>> weights;
  for (Index layer = 0; layer < static_cast<Index>(graph.layers().size()); ++layer) {
    std::vector<Matrix> each;
    for (Index which = 0; which < layout.count(layer); ++which)
      each.emplace_back(network_.parameters().view(layer, which));
    weights.push_back(std::make_shared<const std::vector<Matrix>>(std::move(each)));
  }
  std::vector<Symbol> symbols;  // one a node
  for (Index i = 0; i < static_cast<Index>(graph.nodes().size()); ++i) {
    const GraphNode& node = graph.node(i);
    const auto place = std::ranges::find(graph.inputs(), i);
    if (place != graph.inputs().end()) {
      const Symbol& input = inputs[static_cast<std::size_t>(place - graph.inputs().begin())];
      require<ShapeError>(input.shape() == node.plan.output, "model \"{}\": expected samples of {} in input {}, got {}",
                          name_, node.plan.output.text(), place - graph.inputs().begin(), input.shape().text());
      symbols.push_back(input);
      continue;
    }
    std::vector<Symbol> taken;
    for (Index from : node.inputs) taken.push_back(symbols[static_cast<std::size_t>(from)]);
    symbols.emplace_back(graph.layer(node.layer), std::move(taken), weights[static_cast<std::size_t>(node.layer)]);
  }
  std::vector<Symbol> outputs;
  for (Index output : graph.outputs()) outputs.push_back(symbols[static_cast<std::size_t>(output)]);
  return outputs;
}

MAAS_INLINE Symbol Model::operator()(const Symbol& input) const {
  require<ShapeError>(network_.graph().outputs().size() == 1,
                      "model \"{}\": has {} outputs; pass a vector of its inputs", name_,
                      network_.graph().outputs().size());
  return (*this)(std::vector<Symbol>{input})[0];
}

MAAS_INLINE std::vector<std::string> Model::weight_names() const {
  std::vector<std::string> names;
  for (const ParameterEntry& entry : network_.parameters().entries()) names.push_back(entry.name);
  return names;
}

MAAS_INLINE std::vector<Matrix> Model::get_weights() const {
  std::vector<Matrix> weights;
  for (const ParameterEntry& entry : network_.parameters().entries())
    weights.emplace_back(network_.parameters().view(entry));
  return weights;
}

MAAS_INLINE void Model::set_weights(const std::vector<Matrix>& weights) {
  const std::vector<ParameterEntry>& entries = network_.parameters().entries();
  require<ShapeError>(weights.size() == entries.size(), "set_weights: expected {} weights, got {}", entries.size(),
                      weights.size());
  for (std::size_t i = 0; i < entries.size(); ++i)
    require<ShapeError>(weights[i].rows() == entries[i].rows() && weights[i].cols() == entries[i].columns(),
                        "set_weights: expected {} x {} numbers for \"{}\", got {} x {}", entries[i].rows(),
                        entries[i].columns(), entries[i].name, weights[i].rows(), weights[i].cols());
  for (std::size_t i = 0; i < entries.size(); ++i) network_.parameters().view(entries[i]) = weights[i];
}

MAAS_INLINE void Model::set_trainable(std::string_view layer, bool trainable) {
  const Graph& graph = network_.graph();
  std::vector<Layer> layers = graph.layers();
  const auto found = std::ranges::find(graph.names(), layer);
  if (found == graph.names().end()) {
    std::string known;
    for (const std::string& name : graph.names()) known += (known.empty() ? "" : ", ") + name;
    fail<ConfigError>("set_trainable: there is no layer \"{}\"; there are {}", layer, known);
  }
  Layer& changed = layers[static_cast<std::size_t>(found - graph.names().begin())];
  changed = trainable ? changed.thawed() : changed.frozen();
  replace_layers(layers);
}

MAAS_INLINE void Model::set_trainable(bool trainable) {
  std::vector<Layer> layers = network_.graph().layers();
  for (Layer& layer : layers)
    if (layer.as<InputLayer>() == nullptr) layer = trainable ? layer.thawed() : layer.frozen();
  replace_layers(layers);
}

// The same graph with other handles; trainable weights lie before the others, so that all move.
MAAS_INLINE void Model::replace_layers(const std::vector<Layer>& layers) {
  const Graph& graph = network_.graph();
  std::vector<Layer> chain;
  for (const GraphNode& node : graph.nodes()) chain.push_back(layers[static_cast<std::size_t>(node.layer)]);
  Network changed(graph.is_chain() ? Graph(chain) : Graph(layers, graph.nodes(), graph.inputs(), graph.outputs()));
  for (const ParameterEntry& entry : network_.parameters().entries())
    changed.parameters().view(entry.name) = std::as_const(network_).parameters().view(entry);
  batch_trainer_.reset();
  network_ = std::move(changed);
  if (options_) compile(*options_);
}

MAAS_INLINE void Model::compile(CompileOptions options) {
  batch_trainer_.reset();
  detail::output_options(options, network_.graph().outputs().size());  // throws where they do not fit
  options_ = std::move(options);
  state_ = OptimizerState(options_->optimizer, network_.parameters().layout().trainable_size());
}

MAAS_INLINE void Model::require_compiled(std::string_view what) const {
  require<StateError>(options_.has_value(), "{}: the model is not compiled; call compile first", what);
}

MAAS_INLINE const CompileOptions& Model::compile_options() const {
  require_compiled("compile_options");
  return *options_;
}

MAAS_INLINE const OptimizerState& Model::optimizer_state() const {
  require_compiled("optimizer_state");
  return *state_;
}

MAAS_INLINE OptimizerState& Model::optimizer_state() {
  require_compiled("optimizer_state");
  return *state_;
}

MAAS_INLINE void Model::check_features(std::string_view what, MatrixArg x, Index input) const {
  const Shape& expected = network_.graph().input_shape(input);
  const bool several = network_.graph().inputs().size() > 1;
  const std::string which = several ? fmt::format("x[{}]", input) : "x";
  require<ShapeError>(x.cols() == expected.size(), "{}: expected {} features a sample ({}){}, got {}", what,
                      expected.size(), expected.text(), several ? " in " + which : "", x.cols());
  detail::require_finite(what, which, x);
}

MAAS_INLINE void Model::check_targets(std::string_view what, MatrixArg y, Index output) const {
  const Graph& graph = network_.graph();
  const bool several = graph.outputs().size() > 1;
  const std::string which = several ? fmt::format("y[{}]", output) : "y";
  const std::optional<Loss>& loss =
      options_->outputs.empty() ? options_->loss : options_->outputs[static_cast<std::size_t>(output)].loss;
  detail::require_finite(what, which, y, loss && loss->takes_missing());
  if (!loss) return;
  const Index outputs = graph.output_shape(output).last(), columns = loss->target_columns(outputs);
  const Index wanted = graph.output_shape(output).size() / outputs * columns;
  require<ShapeError>(y.cols() == wanted, "{}: expected {} target numbers a sample for {}{}, got {}", what, wanted,
                      loss->class_name(), several ? " in " + which : "", y.cols());
  const Matrix targets = y;
  loss->check_targets(ConstMatrixView(targets.data(), targets.size() / columns, columns), outputs);
}

MAAS_INLINE void Model::check_samples(std::string_view what, MatrixArg x, MatrixArg y) const {
  require_compiled(what);
  const Graph& graph = network_.graph();
  require<ShapeError>(graph.inputs().size() == 1 && graph.outputs().size() == 1,
                      "{}: the network has {} inputs and {} outputs; pass vectors of matrices, one an input and an "
                      "output",
                      what, graph.inputs().size(), graph.outputs().size());
  require<DataError>(x.rows() > 0, "{}: expected at least 1 sample, got none", what);
  require<DataError>(x.rows() == y.rows(), "{}: expected as many targets as samples, got {} samples and {} targets",
                     what, x.rows(), y.rows());
  check_features(what, x, 0);
  check_targets(what, y, 0);
}

MAAS_INLINE void Model::check_samples(std::string_view what, const std::vector<Matrix>& x,
                                      const std::vector<Matrix>& y) const {
  require_compiled(what);
  const std::size_t inputs = network_.graph().inputs().size(), outputs = network_.graph().outputs().size();
  require<ShapeError>(x.size() == inputs && y.size() == outputs,
                      "{}: expected {} matrices of samples and {} of targets, got {} and {}", what, inputs, outputs,
                      x.size(), y.size());
  const Index rows = x[0].rows();
  require<DataError>(rows > 0, "{}: expected at least 1 sample, got none", what);
  for (std::size_t i = 0; i < inputs; ++i) {
    require<DataError>(x[i].rows() == rows, "{}: expected {} samples in x[{}], as in the first, got {}", what, rows, i,
                       x[i].rows());
    check_features(what, x[i], static_cast<Index>(i));
  }
  for (std::size_t i = 0; i < outputs; ++i) {
    require<DataError>(y[i].rows() == rows, "{}: expected as many targets in y[{}] as samples, {}, got {}", what, i,
                       rows, y[i].rows());
    check_targets(what, y[i], static_cast<Index>(i));
  }
}

// What a fit was is noted when it is done.
MAAS_INLINE void Model::note_run(std::string data, Index samples, const History& history, const FitOptions& options) {
  std::vector<TrainingRun>& runs = info_.training;
  if (runs.size() >= ModelInfo::most_runs) runs.erase(runs.begin());
  runs.push_back({.data = std::move(data),
                  .samples = samples,
                  .epochs = static_cast<int>(history.epochs().size()),
                  .batch_size = options.batch_size,
                  .seed = options.seed,
                  .version = MAAS_VERSION});
}

MAAS_INLINE const Pipeline& Model::fitting_pipeline() const {
  require<StateError>(info_.pipeline.has_value(),
                      "predict: expected a model with a pipeline for a table, got one without; set info().pipeline");
  check_pipeline(*info_.pipeline, network_);
  return *info_.pipeline;
}

// What the network gives; NaN for rows of which a feature is missing, whatever the layers would make of that.
MAAS_INLINE Matrix Model::predict_prepared(const Table& rows) const {
  Matrix x = fitting_pipeline().apply(rows);
  std::vector<Index> unknown;
  for (Index row = 0; row < x.rows(); ++row)
    if (x.row(row).hasNaN()) {
      unknown.push_back(row);
      x.row(row).setZero();
    }
  Matrix y = network_.predict(x);
  for (Index row : unknown) y.row(row).setConstant(std::numeric_limits<Scalar>::quiet_NaN());
  return y;
}

MAAS_INLINE Matrix Model::predict(const Table& rows) const {
  Matrix y = predict_prepared(rows);
  return info_.pipeline->target_names().empty() ? y : info_.pipeline->invert_targets(y, rows);
}

MAAS_INLINE Table Model::predict_table(const Table& rows) const {
  const Matrix y = predict_prepared(rows);
  require<StateError>(!info_.pipeline->target_names().empty(),
                      "predict_table: expected a pipeline with targets, got one without");
  return info_.pipeline->decode_targets(y, rows);
}

MAAS_INLINE void Model::set_self_test(const std::vector<Matrix>& samples) {
  ModelInfo checked{.self_test = SelfTest{.inputs = samples}};
  check_info(checked, network_);
  info_.self_test = std::move(checked.self_test);
}

MAAS_INLINE History Model::fit(MatrixArg x, MatrixArg y, const FitOptions& options) {
  check_samples("fit", x, y);
  History history = fit_checked(x, y, options);
  note_run(digest_text(digest_of(x)) + digest_text(digest_of(y)), x.rows(), history, options);
  return history;
}

MAAS_INLINE History Model::fit(const std::vector<Matrix>& x, const std::vector<Matrix>& y, const FitOptions& options) {
  check_samples("fit", x, y);
  const Matrix all_x = detail::joined(x), all_y = detail::joined(y);
  History history = fit_checked(all_x, all_y, options);
  note_run(digest_text(digest_of(all_x)) + digest_text(digest_of(all_y)), all_x.rows(), history, options);
  return history;
}

namespace detail {

/// The data that fit validates on, where options name it: matrices joined, which must outlive the set, or a set.
struct ValidationSamples {
  Matrix x, y;
  std::optional<Dataset> set;
  SampleWeights weights;

  template <class Check>
  ValidationSamples(const FitOptions& options, const Graph& graph, Check&& check) {
    if (options.validation_data) {
      const ValidationData& data = *options.validation_data;
      check(data);
      x = joined(data.x.matrices());
      y = joined(data.y.matrices());
      set = Dataset(Arrays(x, y));
      weights = checked_weights("fit (validation_data)", data.sample_weight, data.sample_weights, data.x.rows(), graph);
    } else if (options.validation_set) {
      set = options.validation_set;
    }
  }
};

}  // namespace detail

// Of several inputs or outputs, x and y hold them side by side.
MAAS_INLINE History Model::fit_checked(MatrixArg x, MatrixArg y, const FitOptions& options) {
  const Graph& graph = network_.graph();
  const SampleWeights weights = detail::sample_weights("fit", y, options, graph);
  const detail::ValidationSamples validation(options, graph, [&](const ValidationData& data) {
    check_samples("fit (validation_data)", data.x.matrices(), data.y.matrices());
  });
  if (validation.set)
    return maas::fit(network_, *options_, *state_, {Arrays(x, y), validation.set, weights, validation.weights}, options,
                     name_);
  const Index samples = x.rows(), training = detail::training_part(samples, options.validation_split);
  if (training == samples)
    return maas::fit(network_, *options_, *state_, {Arrays(x, y), std::nullopt, weights, {}}, options, name_);
  const Index rest = samples - training;
  const FitData data{Arrays(x.topRows(training), y.topRows(training)),
                     Dataset(Arrays(x.bottomRows(rest), y.bottomRows(rest))),
                     detail::part_of(weights, samples, 0, training),
                     options.class_weight.empty() ? detail::part_of(weights, samples, training, rest)
                                                  : SampleWeights()};  // class weights only train
  return maas::fit(network_, *options_, *state_, data, options, name_);
}

MAAS_INLINE History Model::fit(const Dataset& data, const FitOptions& options) {
  require_compiled("fit");
  require<ConfigError>(options.validation_split == 0,
                       "fit: validation_split is for matrices; pass validation_data with a data set");
  const Graph& graph = network_.graph();
  detail::check_class_weight("fit", options, graph);
  const SampleWeights weights =
      detail::checked_weights("fit", options.sample_weight, options.sample_weights, data.size(), graph);
  const detail::ValidationSamples validation(options, graph, [&](const ValidationData& samples) {
    check_samples("fit (validation_data)", samples.x.matrices(), samples.y.matrices());
  });
  History history =
      maas::fit(network_, *options_, *state_, {data, validation.set, weights, validation.weights, options.class_weight},
                options, name_);
  note_run("", data.size(), history, options);
  return history;
}

MAAS_INLINE History Model::fit(const BatchSource& source, const FitOptions& options) {
  require_compiled("fit");
  require<ConfigError>(options.class_weight.empty() && !options.sample_weight && options.sample_weights.empty(),
                       "fit: sample and class weights are for matrices; a source gives sample_weights with its "
                       "batches");
  require<ConfigError>(options.validation_split == 0,
                       "fit: validation_split is for matrices; pass validation_data with a source of batches");
  require<ConfigError>(!options_->optimizer.full_batch(),
                       "fit: {} steps on all samples at once, which a source of batches has not",
                       options_->optimizer.class_name());
  const detail::ValidationSamples validation(options, network_.graph(), [&](const ValidationData& samples) {
    check_samples("fit (validation_data)", samples.x.matrices(), samples.y.matrices());
  });
  History history = maas::fit(network_, *options_, *state_, source, validation.set, validation.weights, options, name_);
  note_run("", 0, history, options);
  return history;
}

MAAS_INLINE Logs Model::evaluate(MatrixArg x, MatrixArg y, Index batch_size, const std::optional<Vector>& sample_weight,
                                 std::optional<Index> steps) {
  check_samples("evaluate", x, y);
  return maas::evaluate(network_, *options_, *state_, Arrays(x, y),
                        detail::checked_weights("evaluate", sample_weight, {}, x.rows(), network_.graph()), batch_size,
                        steps);
}

MAAS_INLINE Logs Model::evaluate(const std::vector<Matrix>& x, const std::vector<Matrix>& y, Index batch_size,
                                 const std::vector<Vector>& sample_weights, std::optional<Index> steps) {
  check_samples("evaluate", x, y);
  const Matrix all_x = detail::joined(x), all_y = detail::joined(y);
  return maas::evaluate(
      network_, *options_, *state_, Arrays(all_x, all_y),
      detail::checked_weights("evaluate", std::nullopt, sample_weights, all_x.rows(), network_.graph()), batch_size,
      steps);
}

MAAS_INLINE Logs Model::evaluate(const Dataset& data, Index batch_size, std::optional<Index> steps) {
  require_compiled("evaluate");
  const Index width = detail::input_width(network_.graph());
  require<ShapeError>(data.feature_shape().size() == width, "evaluate: expected {} numbers a sample, got {}", width,
                      data.feature_shape().size());
  return maas::evaluate(network_, *options_, *state_, data, {}, batch_size, steps);
}

MAAS_INLINE void Model::predict(const Dataset& data, const PredictionSink& sink, Index batch_size) const {
  const Graph& graph = network_.graph();
  require<ShapeError>(graph.outputs().size() == 1, "predict: expected a network of 1 output for a data set, got {}",
                      graph.outputs().size());
  require<ConfigError>(batch_size >= 1, "predict: expected a batch_size of at least 1, got {}", batch_size);
  const Index width = detail::input_width(graph), samples = data.size();
  require<ShapeError>(data.feature_shape().size() == width, "predict: expected {} numbers a sample, got {}", width,
                      data.feature_shape().size());
  const Index batch = std::min(batch_size, std::max<Index>(samples, 1));
  Matrix x(batch, width), y(batch, data.target_shape().size());
  std::vector<Matrix> inputs(graph.inputs().size());
  RowBatches batches(data, batch, false, 0);
  for (Index first = 0; first < samples; first += batch) {
    const std::span<const Index> rows = batches.next(0);
    const auto count = static_cast<Index>(rows.size());
    data.gather(rows, MatrixView(x.data(), count, width), MatrixView(y.data(), count, y.cols()));
    Index begin = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Index each = graph.input_shape(static_cast<Index>(i)).size();
      inputs[i] = ConstMatrixView(x.data(), count, width).middleCols(begin, each);
      begin += each;
    }
    const Matrix predicted = network_.predict(inputs)[0];
    sink(first, ConstMatrixView(predicted.data(), predicted.rows(), predicted.cols()));
  }
}

MAAS_INLINE Matrix Model::predict(const Dataset& data, Index batch_size) const {
  Matrix y(data.size(), network_.graph().output_shape().size());
  predict(
      data, [&](Index first, const ConstMatrixView& part) { y.middleRows(first, part.rows()) = part; }, batch_size);
  return y;
}

// Takes no memory, so that a step takes none.
MAAS_INLINE void Model::check_batch(std::string_view what, const BatchView& batch) const {
  require_compiled(what);
  const Graph& graph = network_.graph();
  require<ShapeError>(batch.x.size() == graph.inputs().size() && batch.y.size() == graph.outputs().size(),
                      "{}: expected {} inputs and {} outputs, got {} and {}", what, graph.inputs().size(),
                      graph.outputs().size(), batch.x.size(), batch.y.size());
  for (std::size_t i = 0; i < batch.x.size(); ++i) {
    const Index width = graph.input_shape(static_cast<Index>(i)).size();
    require<ShapeError>(batch.x[i].cols() == width, "{}: expected {} features a sample, got {}", what, width,
                        batch.x[i].cols());
    require<ShapeError>(batch.x[i].rows() == batch.size(), "{}: expected {} samples in each input, got {}", what,
                        batch.size(), batch.x[i].rows());
  }
  for (const ConstMatrixView& y : batch.y)
    require<ShapeError>(batch.size() == y.rows() && batch.size() > 0,
                        "{}: expected as many targets as samples, got {} and {}", what, y.rows(), batch.size());
  require<ShapeError>(batch.weights.size() <= 1 || batch.weights.size() == batch.y.size(),
                      "{}: expected sample weights for {} outputs, got {}", what, batch.y.size(), batch.weights.size());
  for (const ConstVectorView& weights : batch.weights)
    require<ShapeError>(weights.size() % batch.size() == 0, "{}: expected {} sample weights, got {}", what,
                        batch.size(), weights.size());
}

MAAS_INLINE Trainer& Model::batch_trainer(const BatchView& batch) {
  Index targets = 0;
  for (const ConstMatrixView& y : batch.y) targets += y.cols();
  if (batch_trainer_ == nullptr || batch_trainer_->capacity() < batch.size() || batch_trainer_->targets() != targets)
    batch_trainer_ = std::make_unique<Trainer>(network_, *options_, *state_, batch.size(), targets);
  for (std::size_t i = 0; i < batch.y.size(); ++i) {
    const Index width = batch_trainer_->target_width(static_cast<Index>(i));
    require<ShapeError>(batch.y[i].cols() == width, "fit: expected {} target numbers a sample for output {}, got {}",
                        width, i, batch.y[i].cols());
  }
  batch_trainer_->reset_figures();
  return *batch_trainer_;
}

MAAS_INLINE void Model::train_on_batch(const BatchView& batch, Logs& logs, std::uint64_t seed) {
  check_batch("train_on_batch", batch);
  Trainer& trainer = batch_trainer(batch);
  trainer.train(batch, Random(seed).stream(2).stream(static_cast<std::uint64_t>(state_->step)));
  trainer.write_logs(logs);
}

MAAS_INLINE void Model::train_on_batch(const ConstMatrixView& x, const ConstMatrixView& y, Logs& logs,
                                       std::uint64_t seed) {
  train_on_batch(BatchView{{&x, 1}, {&y, 1}}, logs, seed);
}

MAAS_INLINE Logs Model::train_on_batch(MatrixArg x, MatrixArg y, std::uint64_t seed) {
  check_samples("train_on_batch", x, y);
  const Matrix samples = x, targets = y;
  Logs logs;
  train_on_batch(ConstMatrixView(samples.data(), x.rows(), x.cols()),
                 ConstMatrixView(targets.data(), y.rows(), y.cols()), logs, seed);
  return logs;
}

MAAS_INLINE Logs Model::train_on_batch(const std::vector<Matrix>& x, const std::vector<Matrix>& y, std::uint64_t seed) {
  return train_on_batch(x, y, BatchWeights(), seed);
}

MAAS_INLINE Logs Model::train_on_batch(MatrixArg x, MatrixArg y, const BatchWeights& weights, std::uint64_t seed) {
  check_samples("train_on_batch", x, y);
  return train_on_batch(std::vector<Matrix>{Matrix(x)}, std::vector<Matrix>{Matrix(y)}, weights, seed);
}

MAAS_INLINE Logs Model::train_on_batch(const std::vector<Matrix>& x, const std::vector<Matrix>& y,
                                       const BatchWeights& weights, std::uint64_t seed) {
  check_samples("train_on_batch", x, y);
  const SampleWeights of_samples = detail::sample_weights("train_on_batch", y[0], weights, network_.graph());
  Logs logs;
  train_on_batch(detail::BatchViews(x, y, of_samples).view(), logs, seed);
  return logs;
}

MAAS_INLINE void Model::test_on_batch(const BatchView& batch, Logs& logs) {
  check_batch("test_on_batch", batch);
  Trainer& trainer = batch_trainer(batch);
  trainer.test(batch);
  trainer.write_logs(logs);
}

MAAS_INLINE Logs Model::test_on_batch(MatrixArg x, MatrixArg y, const BatchWeights& weights) {
  check_samples("test_on_batch", x, y);
  return test_on_batch(std::vector<Matrix>{Matrix(x)}, std::vector<Matrix>{Matrix(y)}, weights);
}

MAAS_INLINE Logs Model::test_on_batch(const std::vector<Matrix>& x, const std::vector<Matrix>& y,
                                      const BatchWeights& weights) {
  check_samples("test_on_batch", x, y);
  const SampleWeights of_samples = detail::sample_weights("test_on_batch", y[0], weights, network_.graph());
  const detail::BatchViews batch(x, y, of_samples);
  Logs logs;
  test_on_batch(batch.view(), logs);
  return logs;
}

MAAS_INLINE const Matrix& LossGradients::of(std::string_view name) const {
  std::string known;
  for (const auto& [key, gradient] : weights) {
    if (key == name) return gradient;
    known += (known.empty() ? "" : ", ") + key;
  }
  fail<ConfigError>("gradients: there is none of \"{}\"; there are {}", name, known);
}

MAAS_INLINE LossGradients Model::gradients(MatrixArg x, MatrixArg y, Mode mode) {
  check_samples("gradients", x, y);
  return gradients(std::vector<Matrix>{Matrix(x)}, std::vector<Matrix>{Matrix(y)}, mode);
}

MAAS_INLINE LossGradients Model::gradients(const std::vector<Matrix>& x, const std::vector<Matrix>& y, Mode mode) {
  check_samples("gradients", x, y);
  Index targets = 0;
  for (const Matrix& each : y) targets += each.cols();
  Trainer trainer(network_, *options_, *state_, x[0].rows(), targets, InputGradients::wanted);
  const detail::BatchViews batch(x, y);
  LossGradients result;
  result.loss =
      trainer.differentiate(batch.view(), mode, Random(0).stream(2).stream(static_cast<std::uint64_t>(state_->step)));
  for (const ParameterEntry& entry : network_.parameters().entries())
    if (entry.trainable) result.weights.emplace_back(entry.name, trainer.gradients().view(entry));
  for (std::size_t i = 0; i < x.size(); ++i) result.inputs.emplace_back(trainer.input_gradient(static_cast<Index>(i)));
  return result;
}

MAAS_INLINE ModelInfo Model::info_to_save() const {
  ModelInfo info = info_;
  // The weights may have changed since the last time.
  if (info.self_test) info.self_test->outputs.clear();
  return info;
}

MAAS_INLINE std::optional<SavedTraining> Model::settings() const {
  if (!options_) return std::nullopt;
  return SavedTraining{.optimizer = options_->optimizer,
                       .loss = options_->loss,
                       .metrics = options_->metrics,
                       .state = {},
                       .weighted_metrics = options_->weighted_metrics,
                       .outputs = options_->outputs};
}

MAAS_INLINE SavedModel Model::saved() const {
  SavedModel saved{.network = network_, .name = name_, .training = settings(), .info = info_to_save()};
  if (saved.training) saved.training->state = state_;
  return saved;
}

MAAS_INLINE std::vector<std::string> Model::save(const std::string& path, const SaveOptions& options) const {
  const ModelInfo info = info_to_save();
  return write_keras_view(path, ModelView{network_, name_, settings(), options_ && state_ ? &*state_ : nullptr, info},
                          options);
}

}  // namespace maas::inline MAAS_ABI
