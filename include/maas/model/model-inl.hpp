// Bodies of Model.
#pragma once

#include <cmath>

#include "maas/model/model.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline void require_finite(std::string_view what, std::string_view which, MatrixArg m) {
  if (m.allFinite()) return;
  for (Index row = 0; row < m.rows(); ++row)
    for (Index column = 0; column < m.cols(); ++column)
      require<DataError>(std::isfinite(m(row, column)),
                         "{}: expected finite numbers in {}, got {} in row {}, column {} (counted from 0)", what, which,
                         m(row, column), row, column);
}

/// The class of one row of targets: the number itself, or the place of the largest of several.
inline int class_of(const Eigen::Ref<const Matrix>& y, Index row) {
  if (y.cols() == 1) return static_cast<int>(std::lround(y(row, 0)));
  Index largest = 0;
  y.row(row).maxCoeff(&largest);
  return static_cast<int>(largest);
}

/// The weights given, one a sample; none if none are.
inline Vector checked_weights(std::string_view what, const std::optional<Vector>& weights, Index samples) {
  if (!weights) return {};
  require<ShapeError>(weights->size() == samples, "{}: expected {} sample weights, got {}", what, samples,
                      weights->size());
  return *weights;
}

inline Vector sample_weights(MatrixArg y, const FitOptions& options) {
  require<ConfigError>(options.class_weight.empty() || !options.sample_weight,
                       "fit: expected sample_weight or class_weight, got both");
  if (options.sample_weight) return checked_weights("fit", options.sample_weight, y.rows());
  if (options.class_weight.empty()) return {};
  Vector weights(y.rows());
  for (Index row = 0; row < y.rows(); ++row) {
    auto found = options.class_weight.find(class_of(y, row));
    weights[row] = found == options.class_weight.end() ? Scalar(1) : static_cast<Scalar>(found->second);
  }
  return weights;
}

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

MAAS_INLINE Model::Model(SavedModel saved) : Model(std::move(saved.network), std::move(saved.name)) {
  if (!saved.training) return;
  SavedTraining& training = *saved.training;
  compile({.optimizer = training.optimizer,
           .loss = training.loss,
           .metrics = training.metrics,
           .weighted_metrics = training.weighted_metrics});
  if (training.state) state_ = std::move(training.state);
}

MAAS_INLINE Model::Model(const Model& other)
    : network_(other.network_), name_(other.name_), options_(other.options_), state_(other.state_) {}

// Without the trainer of train_on_batch: it points into the other model.
MAAS_INLINE Model::Model(Model&& other) noexcept
    : network_(std::move(other.network_)),
      name_(std::move(other.name_)),
      options_(std::move(other.options_)),
      state_(std::move(other.state_)) {
  other.batch_trainer_.reset();
}

MAAS_INLINE Model& Model::operator=(Model other) noexcept {
  batch_trainer_.reset();  // it points into what is about to change
  std::swap(network_, other.network_);
  std::swap(name_, other.name_);
  std::swap(options_, other.options_);
  std::swap(state_, other.state_);
  return *this;
}

MAAS_INLINE void Model::initialize(std::uint64_t seed) {
  network_.parameters().initialize(seed);
  if (options_) compile(*options_);
}

MAAS_INLINE void Model::compile(CompileOptions options) {
  batch_trainer_.reset();
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

MAAS_INLINE void Model::check_samples(std::string_view what, MatrixArg x, MatrixArg y) const {
  require_compiled(what);
  require<DataError>(x.rows() > 0, "{}: expected at least 1 sample, got none", what);
  require<DataError>(x.rows() == y.rows(), "{}: expected as many targets as samples, got {} samples and {} targets",
                     what, x.rows(), y.rows());
  const Shape& expected = network_.graph().input_shape();
  require<ShapeError>(x.cols() == expected.size(), "{}: expected {} features a sample ({}), got {}", what,
                      expected.size(), expected.text(), x.cols());
  detail::require_finite(what, "x", x);
  detail::require_finite(what, "y", y);
  if (!options_->loss) return;
  const Index outputs = network_.graph().output_shape().last();
  const Index wanted = network_.graph().output_shape().size() / outputs * options_->loss->target_columns(outputs);
  require<ShapeError>(y.cols() == wanted, "{}: expected {} target numbers a sample for {}, got {}", what, wanted,
                      options_->loss->class_name(), y.cols());
  const Matrix targets = y;
  const Index columns = options_->loss->target_columns(outputs);
  options_->loss->check_targets(ConstMatrixView(targets.data(), targets.size() / columns, columns), outputs);
}

MAAS_INLINE History Model::fit(MatrixArg x, MatrixArg y, const FitOptions& options) {
  check_samples("fit", x, y);
  const Vector weights = detail::sample_weights(y, options);
  const Index samples = x.rows();
  if (options.validation_data) {
    const ValidationData& validation = *options.validation_data;
    check_samples("fit (validation_data)", validation.x, validation.y);
    return maas::fit(network_, *options_, *state_,
                     {Arrays(x, y), Dataset(Arrays(validation.x, validation.y)), weights,
                      detail::checked_weights("fit (validation_data)", validation.sample_weight, validation.x.rows())},
                     options);
  }
  const Index training = detail::training_part(samples, options.validation_split);
  if (training == samples)
    return maas::fit(network_, *options_, *state_, {Arrays(x, y), std::nullopt, weights, {}}, options);
  const Index rest = samples - training;
  const bool weighted = weights.size() > 0;
  const FitData data{Arrays(x.topRows(training), y.topRows(training)),
                     Dataset(Arrays(x.bottomRows(rest), y.bottomRows(rest))),
                     weighted ? Vector(weights.head(training)) : Vector(),
                     options.sample_weight ? Vector(weights.tail(rest)) : Vector()};  // class weights only train
  return maas::fit(network_, *options_, *state_, data, options);
}

MAAS_INLINE History Model::fit(const Dataset& data, const FitOptions& options) {
  require_compiled("fit");
  require<ConfigError>(options.class_weight.empty(),
                       "fit: class_weight is for matrices; pass sample_weight with a data set");
  require<ConfigError>(options.validation_split == 0,
                       "fit: validation_split is for matrices; pass validation_data with a data set");
  const Vector weights = detail::checked_weights("fit", options.sample_weight, data.size());
  std::optional<Dataset> validation;
  Vector validation_weights;
  if (options.validation_data) {
    validation = Dataset(Arrays(options.validation_data->x, options.validation_data->y));
    validation_weights =
        detail::checked_weights("fit (validation_data)", options.validation_data->sample_weight, validation->size());
  }
  return maas::fit(network_, *options_, *state_, {data, validation, weights, validation_weights}, options);
}

MAAS_INLINE Logs Model::evaluate(MatrixArg x, MatrixArg y, Index batch_size,
                                 const std::optional<Vector>& sample_weight) {
  check_samples("evaluate", x, y);
  return maas::evaluate(network_, *options_, *state_, Arrays(x, y),
                        detail::checked_weights("evaluate", sample_weight, x.rows()), batch_size);
}

MAAS_INLINE void Model::train_on_batch(const ConstMatrixView& x, const ConstMatrixView& y, Logs& logs,
                                       std::uint64_t seed) {
  require_compiled("train_on_batch");
  require<ShapeError>(x.rows() == y.rows() && x.rows() > 0,
                      "train_on_batch: expected as many targets as samples, got {} and {}", y.rows(), x.rows());
  require<ShapeError>(x.cols() == network_.graph().input_shape().size(),
                      "train_on_batch: expected {} features a sample, got {}", network_.graph().input_shape().size(),
                      x.cols());
  if (batch_trainer_ == nullptr || batch_trainer_->capacity() < x.rows() || batch_trainer_->targets() != y.cols())
    batch_trainer_ = std::make_unique<Trainer>(network_, *options_, *state_, x.rows(), y.cols());
  batch_trainer_->reset_figures();
  batch_trainer_->train(x, y, ConstVectorView(nullptr, 0),
                        Random(seed).stream(2).stream(static_cast<std::uint64_t>(state_->step)));
  batch_trainer_->write_logs(logs);
}

MAAS_INLINE Logs Model::train_on_batch(MatrixArg x, MatrixArg y, std::uint64_t seed) {
  check_samples("train_on_batch", x, y);
  const Matrix samples = x, targets = y;
  Logs logs;
  train_on_batch(ConstMatrixView(samples.data(), x.rows(), x.cols()),
                 ConstMatrixView(targets.data(), y.rows(), y.cols()), logs, seed);
  return logs;
}

MAAS_INLINE SavedModel Model::saved() const {
  SavedModel saved{.network = network_, .name = name_};
  if (options_)
    saved.training =
        SavedTraining{options_->optimizer, options_->loss, options_->metrics, state_, options_->weighted_metrics};
  return saved;
}

}  // namespace maas::inline MAAS_ABI
