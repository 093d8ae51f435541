// Model: a network one can compile, fit, evaluate and save.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "maas/core/tensor.hpp"
#include "maas/data/arrays.hpp"
#include "maas/io/keras.hpp"
#include "maas/network/network.hpp"
#include "maas/network/summary.hpp"
#include "maas/training/callbacks.hpp"
#include "maas/training/options.hpp"
#include "maas/training/trainer.hpp"

namespace maas::inline MAAS_ABI {

/// A network with Keras' verbs. Const calls may run on many threads at once; the others run alone.
class Model {
 public:
  explicit Model(Network network, std::string name = "functional")
      : network_(std::move(network)), name_(std::move(name)) {}
  /// All that leads from the input to the output.
  Model(const Symbol& input, const Symbol& output) : Model(Network(input, output)) {}
  /// From what a file holds.
  explicit Model(SavedModel saved);
  Model(const Model& other);
  Model(Model&& other) noexcept;
  Model& operator=(Model other) noexcept;
  ~Model() = default;

  const Network& network() const { return network_; }
  Network& network() { return network_; }
  const std::string& name() const { return name_; }

  /// Draws all weights anew; the same seed gives the same weights. A new model has those of seed 0. Optimizer state, if
  /// any, starts anew.
  void initialize(std::uint64_t seed);

  /// Says how to train. Optimizer state starts anew.
  void compile(CompileOptions options);
  bool is_compiled() const { return options_.has_value(); }
  /// Throws StateError before compile.
  const CompileOptions& compile_options() const;
  /// Where training stands: steps taken, slots, the current learning rate. Throws StateError before compile.
  const OptimizerState& optimizer_state() const;
  OptimizerState& optimizer_state();

  /// Trains; returns the figures of every epoch. x: samples x features, y: samples x targets (a column of labels for
  /// sparse losses); matrices of either order, maps and blocks. Throws DataError for empty data, NaN or infinity
  /// (naming row and column, counted from 0) and labels out of range; ShapeError for widths that do not fit;
  /// ConfigError for options out of range; StateError before compile.
  History fit(MatrixArg x, MatrixArg y, const FitOptions& options = {});
  /// From any data set; targets are the data set's care.
  History fit(const Dataset& data, const FitOptions& options = {});
  template <TensorLike X, TensorLike Y>
  History fit(const X& x, const Y& y, const FitOptions& options = {}) {
    const TensorRows<X> samples(x);
    const TensorRows<Y> targets(y);
    return fit(samples.view(), targets.view(), options);
  }
  template <TensorLike X, class Y>
  requires(!TensorLike<Y>) History fit(const X& x, const Y& y, const FitOptions& options = {}) {
    const TensorRows<X> samples(x);
    return fit(samples.view(), y, options);
  }
  template <class X, TensorLike Y>
  requires(!TensorLike<X>) History fit(const X& x, const Y& y, const FitOptions& options = {}) {
    const TensorRows<Y> targets(y);
    return fit(x, targets.view(), options);
  }

  /// Loss and metrics by name, over all samples, without training. `sample_weight` multiplies each sample's loss.
  Logs evaluate(MatrixArg x, MatrixArg y, Index batch_size = 32,
                const std::optional<Vector>& sample_weight = std::nullopt);
  template <TensorLike X, TensorLike Y>
  Logs evaluate(const X& x, const Y& y, Index batch_size = 32) {
    const TensorRows<X> samples(x);
    const TensorRows<Y> targets(y);
    return evaluate(samples.view(), targets.view(), batch_size);
  }
  template <TensorLike X, class Y>
  requires(!TensorLike<Y>) Logs evaluate(const X& x, const Y& y, Index batch_size = 32) {
    const TensorRows<X> samples(x);
    return evaluate(samples.view(), y, batch_size);
  }

  /// One step over these samples as one batch; returns the loss and the metrics of the batch. After the first call of a
  /// batch size nothing is allocated. `logs` is overwritten.
  void train_on_batch(const ConstMatrixView& x, const ConstMatrixView& y, Logs& logs, std::uint64_t seed = 0);
  Logs train_on_batch(MatrixArg x, MatrixArg y, std::uint64_t seed = 0);

  /// Predictions, samples x outputs. See Network::predict.
  Matrix predict(MatrixArg x) const { return network_.predict(x); }
  template <TensorLike T>
  Matrix predict(const T& x) const {
    return network_.predict(x);
  }
  /// One matrix an input; gives one an output. See Network::predict.
  std::vector<Matrix> predict(const std::vector<Matrix>& inputs) const { return network_.predict(inputs); }
  /// Predictions as a row-major tensor of that rank: samples first, then the output's own axes. Needs
  /// <unsupported/Eigen/CXX11/Tensor>. Throws ShapeError where the output has another rank.
  template <int Rank, TensorLike T>
  TensorOf<Rank> predict_tensor(const T& x) const {
    const Shape& shape = network_.graph().output_shape();
    require<ShapeError>(shape.rank() + 1 == Rank, "predict_tensor: the output has rank {} with its samples, got {}",
                        shape.rank() + 1, Rank);
    const Matrix y = predict(x);
    typename TensorOf<Rank>::Dimensions dimensions;
    dimensions[0] = y.rows();
    for (Index axis = 0; axis < shape.rank(); ++axis) dimensions[static_cast<std::size_t>(axis + 1)] = shape[axis];
    TensorOf<Rank> result(dimensions);
    std::copy_n(y.data(), y.size(), result.data());
    return result;
  }

  /// Keras' table of layers.
  std::string summary(const SummaryOptions& options = {}) const { return maas::summary(network_, name_, options); }

  /// Writes model.h5 for Keras, with training settings and optimizer state. Needs `maas::maas` to link. Throws
  /// FormatError; an older file of that name then is still whole.
  void save(const std::string& path, const SaveOptions& options = {}) const { write_keras(path, saved(), options); }
  /// All that save writes, as a value.
  SavedModel saved() const;

 private:
  void require_compiled(std::string_view what) const;
  void check_samples(std::string_view what, MatrixArg x, MatrixArg y) const;

  Network network_;
  std::string name_;
  std::optional<CompileOptions> options_;
  std::optional<OptimizerState> state_;
  std::unique_ptr<Trainer> batch_trainer_;  // of train_on_batch, kept from call to call
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/model/model-inl.hpp"
#endif
