// Model: a network one can compile, fit, evaluate and save.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "maas/core/tensor.hpp"
#include "maas/data/arrays.hpp"
#include "maas/io/keras.hpp"
#include "maas/io/weights.hpp"
#include "maas/network/explain.hpp"
#include "maas/network/network.hpp"
#include "maas/network/summary.hpp"
#include "maas/training/callbacks.hpp"
#include "maas/training/fit.hpp"
#include "maas/training/options.hpp"
#include "maas/training/trainer.hpp"

namespace maas::inline MAAS_ABI {

/// An Eigen matrix, map, block or expression.
template <class T>
concept DenseLike = requires(const T& matrix) {
  []<class Derived>(const Eigen::DenseBase<Derived>&) {}(matrix);
};

/// The derivatives of a loss.
struct LossGradients {
  double loss = 0;
  std::vector<std::pair<std::string, Matrix>> weights = {};  ///< by name, in model order: all that training moves
  std::vector<Matrix> inputs = {};                           ///< one an input, samples x numbers a sample

  /// That of one weight, "dense_1/kernel". Throws ConfigError that lists the names there are.
  const Matrix& of(std::string_view name) const;
};

/// Takes the predictions of successive samples, of which `first` is the number of the first one, counted from 0.
using PredictionSink = std::function<void(Index first, const ConstMatrixView& y)>;

/// What the samples of one batch weigh. At most one of the three.
struct BatchWeights {
  std::optional<Vector> sample_weight = std::nullopt;  ///< one number a sample, or one a step
  std::vector<Vector> sample_weights = {};             ///< one vector an output
  std::map<int, double> class_weight = {};             ///< of the samples of a class, for one output; others count 1
};

/// A network with Keras' verbs. Const calls may run on many threads at once; the others run alone.
class Model {
 public:
  explicit Model(Network network, std::string name = "functional");
  /// All that leads from the input to the output.
  Model(const Symbol& input, const Symbol& output);
  /// The same for several: `Model({left, right}, {alarm, flow})`.
  Model(const std::vector<Symbol>& inputs, const std::vector<Symbol>& outputs, std::string name = "functional");
  /// From what a file holds.
  explicit Model(SavedModel saved);
  Model(const Model& other);
  Model(Model&& other) noexcept;
  Model& operator=(Model other) noexcept;
  ~Model();

  const Network& network() const { return network_; }
  Network& network() { return network_; }
  const std::string& name() const { return name_; }

  /// Draws all weights anew; the same seed gives the same weights. A new model has those of seed 0. Optimizer state, if
  /// any, starts anew.
  void initialize(std::uint64_t seed);

  /// The model as a layer: its layers applied to other symbols, one an input; gives one an output. The layers are those
  /// of this model, frozen where they are frozen here, so that two calls share weights; the network that is made of the
  /// symbols starts with copies of the weights that this model has now. Throws ShapeError for symbols that do not fit.
  /// Names that were given to layers must differ in the whole network.
  std::vector<Symbol> operator()(const std::vector<Symbol>& inputs) const;
  /// The same for one input and one output.
  Symbol operator()(const Symbol& input) const;

  /// A weight by name, "dense_1/kernel", as a matrix: rank 1 is one row; of higher ranks all axes but the last are
  /// rows. Throws ConfigError that lists the names there are.
  MatrixView weight(std::string_view name) { return network_.parameters().view(name); }
  ConstMatrixView weight(std::string_view name) const { return network_.parameters().view(name); }
  /// The names of all weights, layer by layer.
  std::vector<std::string> weight_names() const;
  /// Copies of all weights in the order of weight_names(), and the reverse. Optimizer state stays. Throws ShapeError,
  /// naming the weight, where number or size do not fit; then nothing has changed.
  std::vector<Matrix> get_weights() const;
  void set_weights(const std::vector<Matrix>& weights);

  /// Freezes a layer, or thaws it: training then leaves its weights as they are, and batch normalization uses its
  /// moving statistics in training, too. Weights stay; optimizer state, if any, starts anew. Throws ConfigError for a
  /// layer that is not there, listing those that are.
  void set_trainable(std::string_view layer, bool trainable);
  /// The same for all layers.
  void set_trainable(bool trainable);

  /// Says how to train. Optimizer state starts anew. Throws ConfigError for options that do not fit the outputs.
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
  /// Of several inputs and outputs: one matrix an input, and an output, in the order of the network's. Throws as above,
  /// naming the input or output.
  History fit(const std::vector<Matrix>& x, const std::vector<Matrix>& y, const FitOptions& options = {});
  template <DenseLike Y>
  History fit(const std::vector<Matrix>& x, const Y& y, const FitOptions& options = {}) {
    return fit(x, std::vector<Matrix>{Matrix(y)}, options);
  }
  template <DenseLike X>
  History fit(const X& x, const std::vector<Matrix>& y, const FitOptions& options = {}) {
    return fit(std::vector<Matrix>{Matrix(x)}, y, options);
  }
  /// From any data set; targets are the data set's care. Of several inputs or outputs, a sample has their numbers one
  /// after the other.
  History fit(const Dataset& data, const FitOptions& options = {});
  /// From a function of the user's that makes batches, in its order: a pass over it is an epoch, or steps_per_epoch
  /// batches are. The first batch is the largest. Sample weights come with the batches.
  History fit(const BatchSource& source, const FitOptions& options = {});
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
  /// With `steps` over the first so many batches only.
  Logs evaluate(MatrixArg x, MatrixArg y, Index batch_size = 32,
                const std::optional<Vector>& sample_weight = std::nullopt, std::optional<Index> steps = std::nullopt);
  template <TensorLike X, TensorLike Y>
  Logs evaluate(const X& x, const Y& y, Index batch_size = 32,
                const std::optional<Vector>& sample_weight = std::nullopt, std::optional<Index> steps = std::nullopt) {
    const TensorRows<X> samples(x);
    const TensorRows<Y> targets(y);
    return evaluate(samples.view(), targets.view(), batch_size, sample_weight, steps);
  }
  template <TensorLike X, class Y>
  requires(!TensorLike<Y>) Logs
      evaluate(const X& x, const Y& y, Index batch_size = 32, const std::optional<Vector>& sample_weight = std::nullopt,
               std::optional<Index> steps = std::nullopt) {
    const TensorRows<X> samples(x);
    return evaluate(samples.view(), y, batch_size, sample_weight, steps);
  }

  /// Of several inputs and outputs; `sample_weights` are none, one vector for all outputs, or one an output.
  Logs evaluate(const std::vector<Matrix>& x, const std::vector<Matrix>& y, Index batch_size = 32,
                const std::vector<Vector>& sample_weights = {}, std::optional<Index> steps = std::nullopt);
  template <DenseLike Y>
  Logs evaluate(const std::vector<Matrix>& x, const Y& y, Index batch_size = 32,
                const std::vector<Vector>& sample_weights = {}, std::optional<Index> steps = std::nullopt) {
    return evaluate(x, std::vector<Matrix>{Matrix(y)}, batch_size, sample_weights, steps);
  }
  template <DenseLike X>
  Logs evaluate(const X& x, const std::vector<Matrix>& y, Index batch_size = 32,
                const std::vector<Vector>& sample_weights = {}, std::optional<Index> steps = std::nullopt) {
    return evaluate(std::vector<Matrix>{Matrix(x)}, y, batch_size, sample_weights, steps);
  }
  /// Over any data set.
  Logs evaluate(const Dataset& data, Index batch_size = 32, std::optional<Index> steps = std::nullopt);

  /// One step over these samples as one batch; returns the loss and the metrics of the batch. After the first call of a
  /// batch size nothing is allocated. `logs` is overwritten. Samples and classes may have weights, as in fit.
  void train_on_batch(const ConstMatrixView& x, const ConstMatrixView& y, Logs& logs, std::uint64_t seed = 0);
  void train_on_batch(const BatchView& batch, Logs& logs, std::uint64_t seed = 0);
  Logs train_on_batch(MatrixArg x, MatrixArg y, std::uint64_t seed = 0);
  Logs train_on_batch(MatrixArg x, MatrixArg y, const BatchWeights& weights, std::uint64_t seed = 0);
  Logs train_on_batch(const std::vector<Matrix>& x, const std::vector<Matrix>& y, std::uint64_t seed = 0);
  Logs train_on_batch(const std::vector<Matrix>& x, const std::vector<Matrix>& y, const BatchWeights& weights,
                      std::uint64_t seed = 0);
  /// The same figures without a step, as evaluate gives them.
  void test_on_batch(const BatchView& batch, Logs& logs);
  Logs test_on_batch(MatrixArg x, MatrixArg y, const BatchWeights& weights = {});
  Logs test_on_batch(const std::vector<Matrix>& x, const std::vector<Matrix>& y, const BatchWeights& weights = {});

  /// The loss of these samples as one batch, and its gradients with respect to all weights that training moves and to
  /// the inputs. Penalties are included. In inference nothing is dropped and batch normalization uses its moving
  /// statistics; in training it is what a step sees, with the random numbers of the next one. Throws as fit.
  LossGradients gradients(MatrixArg x, MatrixArg y, Mode mode = Mode::inference);
  LossGradients gradients(const std::vector<Matrix>& x, const std::vector<Matrix>& y, Mode mode = Mode::inference);
  /// Gradient times input of one number of the output, samples x features. See maas::gradient_times_input.
  Matrix gradient_times_input(MatrixArg x, Index number = 0) const;
  std::vector<Matrix> gradient_times_input(const std::vector<Matrix>& x, Index number = 0, Index output = 0) const {
    return maas::gradient_times_input(network_, x, number, output);
  }

  /// Predictions, samples x outputs. See Network::predict.
  Matrix predict(MatrixArg x, Index batch_size = Network::chunk) const { return network_.predict(x, batch_size); }
  template <TensorLike T>
  Matrix predict(const T& x, Index batch_size = Network::chunk) const {
    return network_.predict(x, batch_size);
  }
  /// Predictions for raw rows, by the pipeline that info() holds: it makes features of the rows, and undoes the scaling
  /// of targets in what the network gives; one row for each row of the table, samples x outputs. A row of which a
  /// feature is missing has NaN for its answer. Throws StateError where there is no pipeline; ShapeError or ConfigError
  /// where it does not fit the network; what Pipeline::apply and invert_targets throw.
  Matrix predict(const Table& rows) const;
  /// Predictions for all samples of a data set, in its order; its targets are not looked at. For networks of one
  /// output. Throws ShapeError for samples of another width, and what the data set throws.
  Matrix predict(const Dataset& data, Index batch_size = Network::chunk) const;
  /// The same, batch by batch, for data sets whose predictions are too many for memory.
  void predict(const Dataset& data, const PredictionSink& sink, Index batch_size = Network::chunk) const;
  /// The same with names, and with texts where targets are categories: see Pipeline::decode_targets.
  Table predict_table(const Table& rows) const;
  /// One matrix an input; gives one an output. See Network::predict.
  std::vector<Matrix> predict(const std::vector<Matrix>& inputs, Index batch_size = Network::chunk) const {
    return network_.predict(inputs, batch_size);
  }
  /// The same as predict, under Keras' name: samples are one batch wherever that makes no difference.
  Matrix predict_on_batch(MatrixArg x) const { return network_.predict(x); }
  std::vector<Matrix> predict_on_batch(const std::vector<Matrix>& inputs) const { return network_.predict(inputs); }
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
  /// FormatError; an older file of that name then is still whole. Returns what of the layers and training settings
  /// Keras will not find in the file, a line each; empty where it finds them all. See write_keras.
  std::vector<std::string> save(const std::string& path, const SaveOptions& options = {}) const;
  /// Takes the weights of a file, which may hold weights alone or a whole model. Optimizer state stays. See
  /// maas::read_keras_weights.
  std::vector<std::string> load_weights(const std::string& path, const WeightsOptions& options = {}) {
    return read_keras_weights(path, network_, options);
  }
  /// Writes weights alone. See maas::write_keras_weights.
  void save_weights(const std::string& path) const { write_keras_weights(path, network_); }
  /// What the model's files keep beside what Keras knows: names and units, the fits so far, a self-test. The model's
  /// fits are added by fit. They are checked when the model is saved.
  const ModelInfo& info() const { return info_; }
  ModelInfo& info() { return info_; }
  /// Samples whose predictions every file of the model keeps, one matrix an input: who reads one, checks them. Throws
  /// ShapeError or ConfigError for samples that do not fit, or for more than SelfTest::most_samples.
  void set_self_test(const std::vector<Matrix>& samples);
  void set_self_test(MatrixArg samples);

  /// All that save writes, as a value.
  SavedModel saved() const;

 private:
  ModelInfo info_to_save() const;
  std::optional<SavedTraining> settings() const;  // without state
  void require_compiled(std::string_view what) const;
  const Pipeline& fitting_pipeline() const;
  Matrix predict_prepared(const Table& rows) const;
  void replace_layers(const std::vector<Layer>& layers);
  void check_samples(std::string_view what, MatrixArg x, MatrixArg y) const;
  void check_samples(std::string_view what, const std::vector<Matrix>& x, const std::vector<Matrix>& y) const;
  void check_features(std::string_view what, MatrixArg x, Index input) const;
  void check_targets(std::string_view what, MatrixArg y, Index output) const;
  void check_batch(std::string_view what, const BatchView& batch) const;
  History fit_checked(MatrixArg x, MatrixArg y, const FitOptions& options);
  void note_run(std::string data, Index samples, const History& history, const FitOptions& options);
  Trainer& batch_trainer(const BatchView& batch);

  Network network_;
  std::string name_;
  std::optional<CompileOptions> options_;
  std::optional<OptimizerState> state_;
  ModelInfo info_;
  std::unique_ptr<Trainer> batch_trainer_;  // of train_on_batch, kept from call to call
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/model/model-inl.hpp"
#endif
