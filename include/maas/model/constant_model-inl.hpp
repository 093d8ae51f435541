// What a model is worth that knows the training targets alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "maas/layers/layers.hpp"
#include "maas/model/sequential.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Training targets, block by block, as far as one answer for all samples is made of them.
class TrainingTargets {
 public:
  /// For a model of so many outputs.
  explicit TrainingTargets(Index outputs) : outputs_(outputs) {}
  explicit TrainingTargets(const Model& model) : TrainingTargets(model.network().graph().output_shape().size()) {}

  /// Blocks have the same columns.
  void add(MatrixArg y) {
    columns_ = y.cols();
    if (!is_known()) return;
    sums_.resize(static_cast<std::size_t>(outputs_), 0);
    counts_.resize(sums_.size(), 0);
    is_by_number() ? count_classes(y) : add_numbers(y);
  }

  /// Of class numbers the share of each, which those that are no class do not count for; else the mean of each column
  /// over what is not missing, 0 where all is. Nothing for targets of another form than numbers of the outputs or of
  /// one class.
  std::optional<Vector> answer() const {
    if (!is_known()) return std::nullopt;
    Vector found = Vector::Zero(outputs_);
    double classes = 0;
    for (double count : counts_) classes += count;
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      const double above = is_by_number() ? counts_[i] : sums_[i], below = is_by_number() ? classes : counts_[i];
      if (below > 0) found[static_cast<Index>(i)] = static_cast<Scalar>(above / below);
    }
    return found;
  }

 private:
  bool is_by_number() const { return columns_ == 1 && outputs_ > 1; }
  bool is_known() const { return is_by_number() || columns_ == outputs_; }

  void count_classes(MatrixArg y) {
    for (Index row = 0; row < y.rows(); ++row)
      if (const Scalar number = y(row, 0); number >= 0 && number < static_cast<Scalar>(outputs_))
        ++counts_[static_cast<std::size_t>(number)];
  }
  void add_numbers(MatrixArg y) {
    for (std::size_t column = 0; column < sums_.size(); ++column)
      for (Index row = 0; row < y.rows(); ++row)
        if (const auto number = static_cast<double>(y(row, static_cast<Index>(column))); !std::isnan(number))
          sums_[column] += number, ++counts_[column];
  }

  Index outputs_, columns_ = 0;
  std::vector<double> sums_ = {}, counts_ = {};  // one an output
};

/// Logits of probabilities, which are kept off 0 and 1 as Keras' cross-entropies do.
inline Vector logits_of(const Vector& shares, bool binary) {
  constexpr double least = 1e-7;
  Vector logits(shares.size());
  for (Index i = 0; i < shares.size(); ++i) {
    const double p = std::clamp(static_cast<double>(shares[i]), least, 1 - least);
    logits[i] = static_cast<Scalar>(binary ? std::log(p / (1 - p)) : std::log(p));
  }
  return logits;
}

/// What one answers who knows the training targets alone, for a model of one output; nothing where it takes targets of
/// another form than numbers of its outputs or of one class.
inline std::optional<Vector> constant_answer(const Model& model, const TrainingTargets& targets) {
  const std::optional<Loss>& loss = model.compile_options().loss;
  const std::optional<Vector> answer = targets.answer();
  if (!answer) return std::nullopt;
  const Config* logits = nullptr;
  const Config settings = loss ? loss->config() : Config();
  if (settings.is_object()) logits = settings.find("from_logits");
  if (logits == nullptr || !logits->is_bool() || !logits->as_bool()) return answer;
  return logits_of(*answer, loss->class_name().starts_with("Binary"));
}

/// A model of the same inputs and outputs, compiled alike, that gives one answer whatever it is given.
inline std::optional<Model> constant_model(const Model& model, const TrainingTargets& targets) {
  const Graph& graph = model.network().graph();
  const std::optional<Vector> answer = constant_answer(model, targets);
  if (!answer) return std::nullopt;
  std::vector<Layer> layers{InputLayer{graph.input_shape()}};
  if (graph.input_shape().rank() != 1) layers.push_back(Flatten{});
  layers.push_back(dense(answer->size()).named("answer"));
  if (graph.output_shape().rank() != 1)
    layers.push_back(Reshape{.target_shape = {graph.output_shape().begin(), graph.output_shape().end()}});
  Model constant(Network(Graph(layers)), "constant");
  constant.weight("answer/kernel").setZero();
  constant.weight("answer/bias") = answer->transpose();
  constant.info().pipeline = model.info().pipeline;
  constant.compile(model.compile_options());
  return constant;
}

/// The same of all training targets.
inline std::optional<Model> constant_model(const Model& model, MatrixArg y) {
  TrainingTargets targets(model);
  targets.add(y);
  return constant_model(model, targets);
}

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
