// Bodies of Dense.
#pragma once

#include "maas/layers/activate.hpp"
#include "maas/layers/dense.hpp"
#include "maas/ops/affine.hpp"
#include "maas/ops/product.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE LayerPlan Dense::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  require<ConfigError>(units >= 1, "Dense: expected at least 1 unit, got {}", units);
  require<ShapeError>(input.rank() >= 1, "Dense: expected samples of rank 1 or more, got {}", input.text());
  activation.require_in_place(class_name);
  LayerPlan plan{.output = input.with_last(units), .activity_penalty = activity_regularizer};
  plan.parameters.push_back(
      {"kernel", Shape{input.last(), units}, kernel_initializer, kernel_regularizer, true, kernel_constraint});
  if (use_bias)
    plan.parameters.push_back({"bias", Shape{units}, bias_initializer, bias_regularizer, true, bias_constraint});
  if (activation.needs_input()) plan.cache = plan.output.size();
  return plan;
}

MAAS_INLINE void Dense::forward(const Forward& pass) const {
  const ConstMatrixView& kernel = pass.parameters[0];
  const std::optional<ops::Curve> curve = activation.curve();
  // Numbers, no views: those would be copied on the way, which takes longer than the sums of a small layer.
  const Index inputs = kernel.rows();
  const Index rows = pass.output.cols() == units ? pass.output.rows() : pass.output.size() / units;
  Scalar* y = const_cast<Scalar*>(pass.output.data());  // a map's constness is the view's, not the numbers'
  ops::finished_product(rows, units, inputs, pass.inputs[0].data(), kernel.data(), y,
                        {use_bias ? pass.parameters[1].data() : nullptr, curve.value_or(ops::Curve::none)});
  if (!curve) detail::activate(activation, {y, rows, units}, pass.cache);
}

MAAS_INLINE void Dense::backward(const Backward& pass) const {
  const ConstMatrixView& kernel = pass.parameters[0];
  const ConstMatrixView x = detail::as_rows(pass.inputs[0], kernel.rows());
  const MatrixView dy = detail::as_rows(pass.output_gradient, units);
  const ConstMatrixView y = detail::as_rows(pass.output, units);
  const bool learns_bias = use_bias && pass.parameter_gradients[1].data() != nullptr;
  if (const std::optional<ops::Curve> curve = activation.curve(); curve && learns_bias) {
    ops::affine_bias_gradient(*curve, y, dy, pass.parameter_gradients[1]);
  } else {
    activation.backward(detail::as_rows(pass.cache, units), y, dy);
    if (learns_bias) ops::column_sums(as_const(dy), pass.parameter_gradients[1]);
  }
  if (pass.parameter_gradients[0].data() != nullptr)
    ops::affine_kernel_gradient(x, as_const(dy), pass.parameter_gradients[0]);
  if (pass.input_gradients[0].data() != nullptr)
    ops::affine_input_gradient(as_const(dy), kernel, detail::as_rows(pass.input_gradients[0], kernel.rows()));
}

MAAS_INLINE SplitLayer Dense::split_activation() const {
  Dense before = *this;
  before.activation = linear;
  return {before, activation};
}

MAAS_INLINE Layer dense(Index units, Activation activation) {
  return Dense{.units = units, .activation = std::move(activation)};
}

}  // namespace maas::inline MAAS_ABI
