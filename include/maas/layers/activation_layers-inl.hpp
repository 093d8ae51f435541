// Bodies of the activation layers.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/activations/rectifiers.hpp"
#include "maas/layers/activation_layers.hpp"
#include "maas/layers/axes.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// y = f(x), number by number.
template <class Rule>
void apply_elementwise(const Rule& rule, const Forward& pass) {
  MatrixView output = pass.output;
  output.array() = rule.value(pass.inputs[0].array());
}
/// d x = d y f'(x), number by number.
template <class Rule>
void apply_slope(const Rule& rule, const Backward& pass) {
  if (!wanted(pass.input_gradients[0])) return;
  MatrixView dx = pass.input_gradients[0];
  dx.array() = pass.output_gradient.array() * rule.slope(pass.inputs[0].array(), pass.output.array());
}

inline BoundedRelu rule_of(const ReLU& layer) {
  return {.max_value = layer.max_value, .negative_slope = layer.negative_slope, .threshold = layer.threshold};
}

}  // namespace detail

MAAS_INLINE LayerPlan ReLU::plan(Shapes inputs) const {
  require<ConfigError>(!max_value || *max_value >= 0, "ReLU: expected a max_value of at least 0, got {}",
                       max_value.value_or(0));
  require<ConfigError>(negative_slope >= 0, "ReLU: expected a negative_slope of at least 0, got {}", negative_slope);
  require<ConfigError>(threshold >= 0, "ReLU: expected a threshold of at least 0, got {}", threshold);
  return {.output = detail::only_input(inputs, class_name)};
}
MAAS_INLINE void ReLU::forward(const Forward& pass) const { detail::apply_elementwise(detail::rule_of(*this), pass); }
MAAS_INLINE void ReLU::backward(const Backward& pass) const { detail::apply_slope(detail::rule_of(*this), pass); }

MAAS_INLINE LayerPlan LeakyReLU::plan(Shapes inputs) const {
  require<ConfigError>(negative_slope >= 0, "LeakyReLU: expected a negative_slope of at least 0, got {}",
                       negative_slope);
  return {.output = detail::only_input(inputs, class_name)};
}
MAAS_INLINE void LeakyReLU::forward(const Forward& pass) const {
  detail::apply_elementwise(LeakyRelu{.negative_slope = negative_slope}, pass);
}
MAAS_INLINE void LeakyReLU::backward(const Backward& pass) const {
  detail::apply_slope(LeakyRelu{.negative_slope = negative_slope}, pass);
}

MAAS_INLINE Shape PReLU::alpha_shape(const Shape& input) const {
  detail::AxisSet shared = 0;
  if (shared_axes)
    for (Index axis : *shared_axes) shared |= 1u << detail::sample_axis(axis, input, class_name);
  Shape shape;
  for (Index axis = 0; axis < input.rank(); ++axis) shape.append(detail::has_axis(shared, axis) ? 1 : input[axis]);
  return shape;
}

MAAS_INLINE LayerPlan PReLU::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  LayerPlan plan{.output = input};
  plan.parameters.push_back(
      {"alpha", alpha_shape(input), alpha_initializer, alpha_regularizer, true, alpha_constraint});
  return plan;
}

MAAS_INLINE void PReLU::forward(const Forward& pass) const {
  const detail::StridedWalk walk = detail::walk_repeated(alpha_shape(pass.input_shapes[0]), pass.input_shapes[0]);
  const Scalar* alpha = pass.parameters[0].data();
  for (Index row = 0; row < pass.output.rows(); ++row) {
    const Scalar* x = detail::row_of(pass.inputs[0], row);
    Scalar* y = detail::row_of(pass.output, row);
    walk.for_each([&](Index i, Index place) { y[i] = x[i] < 0 ? alpha[place] * x[i] : x[i]; });
  }
}

MAAS_INLINE void PReLU::backward(const Backward& pass) const {
  const detail::StridedWalk walk = detail::walk_repeated(alpha_shape(pass.input_shapes[0]), pass.input_shapes[0]);
  const Scalar* alpha = pass.parameters[0].data();
  const bool input_wanted = detail::wanted(pass.input_gradients[0]);
  const bool alpha_wanted = detail::wanted(pass.parameter_gradients[0]);
  Scalar* dalpha = detail::numbers(pass.parameter_gradients[0]);
  if (alpha_wanted) std::fill_n(dalpha, pass.parameter_gradients[0].size(), Scalar(0));
  for (Index row = 0; row < pass.output.rows(); ++row) {
    const Scalar* x = detail::row_of(pass.inputs[0], row);
    const Scalar* dy = detail::row_of(pass.output_gradient, row);
    if (alpha_wanted)
      walk.for_each([&](Index i, Index place) { dalpha[place] += x[i] < 0 ? dy[i] * x[i] : Scalar(0); });
    if (!input_wanted) continue;
    Scalar* dx = detail::row_of(pass.input_gradients[0], row);
    // At 0 neither side counts, as in Keras, which writes it with two rectifiers.
    walk.for_each([&](Index i, Index place) {
      dx[i] = x[i] > 0 ? dy[i] : x[i] < 0 ? dy[i] * alpha[place] : Scalar(0);
    });
  }
}

MAAS_INLINE LayerPlan ELU::plan(Shapes inputs) const { return {.output = detail::only_input(inputs, class_name)}; }
MAAS_INLINE void ELU::forward(const Forward& pass) const { detail::apply_elementwise(Elu{.alpha = alpha}, pass); }
MAAS_INLINE void ELU::backward(const Backward& pass) const { detail::apply_slope(Elu{.alpha = alpha}, pass); }

MAAS_INLINE LayerPlan SoftmaxLayer::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  require<ConfigError>(!axis.list.empty(), "Softmax: expected at least one axis, got none");
  detail::sample_axes(axis, input, class_name);
  return {.output = input, .mask = MaskRule::refuse};
}

MAAS_INLINE void SoftmaxLayer::forward(const Forward& pass) const {
  const Shape& shape = pass.input_shapes[0];
  const detail::Groups groups(shape, detail::sample_axes(axis, shape, class_name));
  for (Index row = 0; row < pass.output.rows(); ++row) {
    groups.starts.for_each([&](Index, Index start) {
      const Scalar* x = detail::row_of(pass.inputs[0], row) + start;
      Scalar* y = detail::row_of(pass.output, row) + start;
      Scalar largest = x[0], sum = 0;
      groups.members.for_each([&](Index, Index place) { largest = std::max(largest, x[place]); });
      groups.members.for_each([&](Index, Index place) { sum += y[place] = std::exp(x[place] - largest); });
      groups.members.for_each([&](Index, Index place) { y[place] /= sum; });
    });
  }
}

MAAS_INLINE void SoftmaxLayer::backward(const Backward& pass) const {
  if (!detail::wanted(pass.input_gradients[0])) return;
  const Shape& shape = pass.input_shapes[0];
  const detail::Groups groups(shape, detail::sample_axes(axis, shape, class_name));
  for (Index row = 0; row < pass.output.rows(); ++row) {
    groups.starts.for_each([&](Index, Index start) {
      const Scalar* y = detail::row_of(pass.output, row) + start;
      const Scalar* dy = detail::row_of(pass.output_gradient, row) + start;
      Scalar* dx = detail::row_of(pass.input_gradients[0], row) + start;
      Scalar inner = 0;
      groups.members.for_each([&](Index, Index place) { inner += dy[place] * y[place]; });
      groups.members.for_each([&](Index, Index place) { dx[place] = y[place] * (dy[place] - inner); });
    });
  }
}

MAAS_INLINE std::optional<SplitLayer> SoftmaxLayer::split_activation() const {
  if (axis.list.size() != 1 || axis.list[0] != -1) return std::nullopt;
  return SplitLayer{ActivationLayer{}, softmax};
}

MAAS_INLINE Layer prelu(std::optional<std::vector<Index>> shared_axes) {
  return PReLU{.shared_axes = std::move(shared_axes)};
}

}  // namespace maas::inline MAAS_ABI
