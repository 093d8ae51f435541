// Bodies of Embedding.
#pragma once

#include <algorithm>
#include <limits>

#include "maas/layers/axes.hpp"
#include "maas/layers/embedding.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// The row an id names, or -1.
inline Index row_of_id(Scalar id, Index rows) {
  if (!(id > Scalar(-1) && id < static_cast<Scalar>(rows))) return -1;
  return static_cast<Index>(id);
}

}  // namespace detail

MAAS_INLINE LayerPlan Embedding::plan(Shapes inputs) const {
  require<ConfigError>(input_dim >= 1 && output_dim >= 1,
                       "Embedding: expected an input_dim and output_dim of at least 1, got {} and {}", input_dim,
                       output_dim);
  LayerPlan plan{.output = detail::only_input(inputs, class_name),
                 .activity_penalty = activity_regularizer,
                 .mask = mask_zero ? MaskRule::make : MaskRule::stop};
  plan.output.append(output_dim);
  plan.parameters.push_back({"embeddings", Shape{input_dim, output_dim}, embeddings_initializer, embeddings_regularizer,
                             true, embeddings_constraint});
  return plan;
}

MAAS_INLINE void Embedding::forward(const Forward& pass) const {
  const ConstMatrixView& ids = pass.inputs[0];
  Scalar* y = detail::numbers(pass.output);
  for (Index i = 0; i < ids.size(); ++i, y += output_dim) {
    const Index row = detail::row_of_id(ids.data()[i], input_dim);
    if (row < 0)
      std::fill_n(y, output_dim, std::numeric_limits<Scalar>::quiet_NaN());
    else
      std::copy_n(detail::row_of(pass.parameters[0], row), output_dim, y);
  }
}

MAAS_INLINE void Embedding::backward(const Backward& pass) const {
  if (detail::wanted(pass.input_gradients[0])) MatrixView(pass.input_gradients[0]).setZero();
  if (!detail::wanted(pass.parameter_gradients[0])) return;
  MatrixView table = pass.parameter_gradients[0];
  table.setZero();
  const ConstMatrixView& ids = pass.inputs[0];
  const Scalar* dy = pass.output_gradient.data();
  for (Index i = 0; i < ids.size(); ++i, dy += output_dim) {
    const Index row = detail::row_of_id(ids.data()[i], input_dim);
    for (Index k = 0; row >= 0 && k < output_dim; ++k) table(row, k) += dy[k];
  }
}

MAAS_INLINE void Embedding::mask(const MaskPass& pass) const {
  const Scalar* ids = pass.inputs[0].data();
  Scalar* mask = detail::numbers(pass.mask);
  for (Index i = 0; i < pass.mask.size(); ++i) mask[i] = ids[i] != Scalar(0) ? Scalar(1) : Scalar(0);
}

MAAS_INLINE Layer embedding(Index input_dim, Index output_dim) {
  return Embedding{.input_dim = input_dim, .output_dim = output_dim};
}

}  // namespace maas::inline MAAS_ABI
