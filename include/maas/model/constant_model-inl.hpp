// What a model is worth that knows the training targets alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "maas/layers/layers.hpp"
#include "maas/model/sequential.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// How often each class number occurs, as shares; numbers that are no class do not count.
inline Vector class_shares(MatrixArg y, Index classes) {
  Vector shares = Vector::Zero(classes);
  for (Index row = 0; row < y.rows(); ++row)
    if (const Scalar number = y(row, 0); number >= 0 && number < static_cast<Scalar>(classes))
      shares[static_cast<Index>(number)] += 1;
  if (const Scalar all = shares.sum(); all > 0) shares /= all;
  return shares;
}

/// The mean of each column over what is not missing; 0 where all is.
inline Vector column_means(MatrixArg y) {
  Vector means = Vector::Zero(y.cols());
  for (Index column = 0; column < y.cols(); ++column) {
    double sum = 0, count = 0;
    for (Index row = 0; row < y.rows(); ++row)
      if (const auto number = static_cast<double>(y(row, column)); !std::isnan(number)) sum += number, ++count;
    if (count > 0) means[column] = static_cast<Scalar>(sum / count);
  }
  return means;
}

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
inline std::optional<Vector> constant_answer(const Model& model, MatrixArg y) {
  const Index outputs = model.network().graph().output_shape().size();
  const std::optional<Loss>& loss = model.compile_options().loss;
  const bool by_number = y.cols() == 1 && outputs > 1;
  if (!by_number && y.cols() != outputs) return std::nullopt;
  const Vector answer = by_number ? class_shares(y, outputs) : column_means(y);
  const Config* logits = nullptr;
  const Config settings = loss ? loss->config() : Config();
  if (settings.is_object()) logits = settings.find("from_logits");
  if (logits == nullptr || !logits->is_bool() || !logits->as_bool()) return answer;
  return logits_of(answer, loss->class_name().starts_with("Binary"));
}

/// A model of the same inputs and outputs, compiled alike, that gives one answer whatever it is given.
inline std::optional<Model> constant_model(const Model& model, MatrixArg y) {
  const Graph& graph = model.network().graph();
  const std::optional<Vector> answer = constant_answer(model, y);
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

}  // namespace detail

}  // namespace maas::inline MAAS_ABI
