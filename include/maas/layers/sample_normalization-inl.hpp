// Bodies of the normalizations within one sample.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/layers/axes.hpp"
#include "maas/layers/sample_normalization.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Which numbers of a sample are normalized together, and which weight belongs to each: the i-th member of a group
/// starting at `start` has weight_of(group, i).
struct LayerGroups : Groups {
  using Groups::Groups;
  Index weight_of(Index, Index member) const { return member; }
};

struct ChannelGroups {
  StridedWalk starts, members;
  Index channels, inner;  // channels a group, and numbers inside one

  ChannelGroups(const Shape& sample, Index axis, Index groups)
      : channels(sample[axis] / groups), inner(stride_of(sample, axis)) {
    starts.add(groups, channels * inner);
    members.add(AxisView(sample, axis).outer, sample[axis] * inner);
    members.add(channels, inner);
    members.add(inner, 1);
  }
  Index weight_of(Index group, Index member) const { return group * channels + member / inner % channels; }
};

/// What normalizations have in common: weights and settings.
struct Scaling {
  const Scalar *gamma, *beta;  // or null
  double epsilon;
  bool subtract_mean;
};

/// y = gamma (x - mean) / sqrt(mean((x - mean)^2) + epsilon) + beta in each group; without subtract_mean the mean
/// counts as 0. Means and inverse deviations are kept in the cache if there is one.
template <class GroupsOf>
void normalize_groups(const Forward& pass, const GroupsOf& groups, const Scaling& scaling) {
  const Scalar size = static_cast<Scalar>(groups.members.size());
  for (Index row = 0; row < pass.output.rows(); ++row) {
    Scalar* cache = pass.cache.size() > 0 ? row_of(pass.cache, row) : nullptr;
    groups.starts.for_each([&](Index group, Index start) {
      const Scalar* x = row_of(pass.inputs[0], row) + start;
      Scalar* y = row_of(pass.output, row) + start;
      Scalar mean = 0, squares = 0;
      if (scaling.subtract_mean) {
        groups.members.for_each([&](Index, Index place) { mean += x[place]; });
        mean /= size;
      }
      groups.members.for_each([&](Index, Index place) { squares += (x[place] - mean) * (x[place] - mean); });
      const Scalar factor = Scalar(1) / std::sqrt(squares / size + static_cast<Scalar>(scaling.epsilon));
      groups.members.for_each([&](Index i, Index place) {
        const Index weight = groups.weight_of(group, i);
        Scalar value = (x[place] - mean) * factor;
        if (scaling.gamma != nullptr) value *= scaling.gamma[weight];
        if (scaling.beta != nullptr) value += scaling.beta[weight];
        y[place] = value;
      });
      if (cache == nullptr) return;
      cache[2 * group] = mean;
      cache[2 * group + 1] = factor;
    });
  }
}

/// Gradients of normalize_groups; null for those that nobody wants.
template <class GroupsOf>
void normalize_groups_gradient(const Backward& pass, const GroupsOf& groups, const Scaling& scaling, MatrixView dgamma,
                               MatrixView dbeta) {
  const Scalar size = static_cast<Scalar>(groups.members.size());
  if (wanted(dgamma)) dgamma.setZero();
  if (wanted(dbeta)) dbeta.setZero();
  for (Index row = 0; row < pass.output.rows(); ++row) {
    const Scalar* cache = row_of(pass.cache, row);
    groups.starts.for_each([&](Index group, Index start) {
      const Scalar* x = row_of(pass.inputs[0], row) + start;
      const Scalar* dy = row_of(pass.output_gradient, row) + start;
      const Scalar mean = cache[2 * group], factor = cache[2 * group + 1];
      Scalar sum = 0, inner = 0;  // of gamma dy, and of gamma dy (x - mean) / deviation
      groups.members.for_each([&](Index i, Index place) {
        const Index weight = groups.weight_of(group, i);
        const Scalar normal = (x[place] - mean) * factor;
        if (wanted(dgamma)) dgamma.data()[weight] += dy[place] * normal;
        if (wanted(dbeta)) dbeta.data()[weight] += dy[place];
        const Scalar g = scaling.gamma != nullptr ? scaling.gamma[weight] * dy[place] : dy[place];
        sum += g;
        inner += g * normal;
      });
      if (!wanted(pass.input_gradients[0])) return;
      Scalar* dx = row_of(pass.input_gradients[0], row) + start;
      const Scalar mean_sum = scaling.subtract_mean ? sum / size : Scalar(0), mean_inner = inner / size;
      groups.members.for_each([&](Index i, Index place) {
        const Index weight = groups.weight_of(group, i);
        const Scalar g = scaling.gamma != nullptr ? scaling.gamma[weight] * dy[place] : dy[place];
        dx[place] = factor * (g - mean_sum - (x[place] - mean) * factor * mean_inner);
      });
    });
  }
}

/// The sizes along these axes, in the order they are listed: the shape of weights.
inline Shape shape_along(const Axes& axes, const Shape& sample, std::string_view where) {
  require<ConfigError>(!axes.list.empty(), "{}: expected at least one axis, got none", where);
  Shape shape;
  for (Index axis : axes.list) shape.append(sample[sample_axis(axis, sample, where)]);
  require<ConfigError>(walk_along(sample, sample_axes(axes, sample, where)).size() == shape.size(),
                       "{}: expected different axes, got {}", where, to_config(axes).text());
  return shape;
}

/// Adds gamma and beta where the layer has them.
template <class Part>
void plan_gamma_and_beta(const Part& layer, const Shape& shape, LayerPlan& plan) {
  if (layer.scale)
    plan.parameters.push_back(
        {"gamma", shape, layer.gamma_initializer, layer.gamma_regularizer, true, layer.gamma_constraint});
  if (layer.center)
    plan.parameters.push_back(
        {"beta", shape, layer.beta_initializer, layer.beta_regularizer, true, layer.beta_constraint});
}

template <class Part>
Scaling scaling_of(const Part& layer, ConstMatrixViews parameters) {
  return {.gamma = layer.scale ? parameters[0].data() : nullptr,
          .beta = layer.center ? parameters[layer.scale ? 1 : 0].data() : nullptr,
          .epsilon = layer.epsilon,
          .subtract_mean = true};
}

template <class Part, class GroupsOf>
void gamma_and_beta_gradient(const Part& layer, const GroupsOf& groups, const Backward& pass) {
  const MatrixView none(nullptr, 0, 0);
  normalize_groups_gradient(pass, groups, scaling_of(layer, pass.parameters),
                            layer.scale ? pass.parameter_gradients[0] : none,
                            layer.center ? pass.parameter_gradients[layer.scale ? 1 : 0] : none);
}

}  // namespace detail

MAAS_INLINE LayerPlan LayerNormalization::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  const Shape weights = detail::shape_along(axis, input, class_name);
  LayerPlan plan{.output = input};
  detail::plan_gamma_and_beta(*this, weights, plan);
  plan.cache = weights.size() == 0 ? 0 : 2 * input.size() / weights.size();
  return plan;
}
MAAS_INLINE void LayerNormalization::forward(const Forward& pass) const {
  const Shape& shape = pass.input_shapes[0];
  detail::normalize_groups(pass, detail::LayerGroups(shape, detail::sample_axes(axis, shape, class_name)),
                           detail::scaling_of(*this, pass.parameters));
}
MAAS_INLINE void LayerNormalization::backward(const Backward& pass) const {
  const Shape& shape = pass.input_shapes[0];
  detail::gamma_and_beta_gradient(*this, detail::LayerGroups(shape, detail::sample_axes(axis, shape, class_name)),
                                  pass);
}

namespace detail {

/// Keras multiplies with the scale along the last axes, whatever `axis` is: only there does it mean what it says.
inline void require_last_axes(const Axes& axis, const Shape& sample, std::string_view where) {
  const AxisSet axes = sample_axes(axis, sample, where);
  for (Index i = 1; i < sample.rank(); ++i)
    require<ConfigError>(has_axis(axes, i) || !has_axis(axes, i - 1),
                         "{}: expected the last axes of samples of shape {}, along which Keras scales whatever the "
                         "axis, got axis {} without axis {}",
                         where, sample.text(), i, i + 1);
}

}  // namespace detail

MAAS_INLINE LayerPlan RMSNormalization::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  detail::require_last_axes(axis, input, class_name);
  const Shape weights = detail::shape_along(axis, input, class_name);
  return {.output = input,
          .parameters = {{"scale", weights, ones}},
          .cache = weights.size() == 0 ? 0 : 2 * input.size() / weights.size(),
          .mask = MaskRule::stop};
}
MAAS_INLINE void RMSNormalization::forward(const Forward& pass) const {
  const Shape& shape = pass.input_shapes[0];
  detail::normalize_groups(
      pass, detail::LayerGroups(shape, detail::sample_axes(axis, shape, class_name)),
      {.gamma = pass.parameters[0].data(), .beta = nullptr, .epsilon = epsilon, .subtract_mean = false});
}
MAAS_INLINE void RMSNormalization::backward(const Backward& pass) const {
  const Shape& shape = pass.input_shapes[0];
  detail::normalize_groups_gradient(
      pass, detail::LayerGroups(shape, detail::sample_axes(axis, shape, class_name)),
      {.gamma = pass.parameters[0].data(), .beta = nullptr, .epsilon = epsilon, .subtract_mean = false},
      pass.parameter_gradients[0], MatrixView(nullptr, 0, 0));
}

namespace detail {

inline ChannelGroups groups_of(const GroupNormalization& layer, const Shape& sample) {
  const Index axis = sample_axis(layer.axis.list[0], sample, GroupNormalization::class_name);
  return ChannelGroups(sample, axis, layer.groups == -1 ? sample[axis] : layer.groups);
}

}  // namespace detail

MAAS_INLINE LayerPlan GroupNormalization::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  require<ConfigError>(axis.list.size() == 1, "GroupNormalization: expected one axis, got {}", axis.list.size());
  require<ConfigError>(groups >= 1 || groups == -1, "GroupNormalization: expected at least 1 group, or -1, got {}",
                       groups);
  const Index channels = input[detail::sample_axis(axis.list[0], input, class_name)];
  const Index count = groups == -1 ? channels : groups;
  require<ShapeError>(channels >= 1 && channels % count == 0,
                      "GroupNormalization: expected channels that can be cut into {} groups, got {} (samples of {})",
                      count, channels, input.text());
  LayerPlan plan{.output = input, .cache = 2 * count};
  detail::plan_gamma_and_beta(*this, Shape{channels}, plan);
  return plan;
}
MAAS_INLINE void GroupNormalization::forward(const Forward& pass) const {
  detail::normalize_groups(pass, detail::groups_of(*this, pass.input_shapes[0]),
                           detail::scaling_of(*this, pass.parameters));
}
MAAS_INLINE void GroupNormalization::backward(const Backward& pass) const {
  detail::gamma_and_beta_gradient(*this, detail::groups_of(*this, pass.input_shapes[0]), pass);
}

MAAS_INLINE LayerPlan UnitNormalization::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  detail::shape_along(axis, input, class_name);
  return {.output = input};
}

namespace detail {

/// 1 / sqrt(max(sum of squares, 1e-12)) of one group.
inline Scalar unit_factor(const StridedWalk& members, const Scalar* x) {
  Scalar squares = 0;
  members.for_each([&](Index, Index place) { squares += x[place] * x[place]; });
  return Scalar(1) / std::sqrt(std::max(squares, Scalar(1e-12)));
}

}  // namespace detail

MAAS_INLINE void UnitNormalization::forward(const Forward& pass) const {
  const Shape& shape = pass.input_shapes[0];
  const detail::LayerGroups groups(shape, detail::sample_axes(axis, shape, class_name));
  for (Index row = 0; row < pass.output.rows(); ++row)
    groups.starts.for_each([&](Index, Index start) {
      const Scalar* x = detail::row_of(pass.inputs[0], row) + start;
      Scalar* y = detail::row_of(pass.output, row) + start;
      const Scalar factor = detail::unit_factor(groups.members, x);
      groups.members.for_each([&](Index, Index place) { y[place] = x[place] * factor; });
    });
}
MAAS_INLINE void UnitNormalization::backward(const Backward& pass) const {
  if (!detail::wanted(pass.input_gradients[0])) return;
  const Shape& shape = pass.input_shapes[0];
  const detail::LayerGroups groups(shape, detail::sample_axes(axis, shape, class_name));
  for (Index row = 0; row < pass.output.rows(); ++row)
    groups.starts.for_each([&](Index, Index start) {
      const Scalar* x = detail::row_of(pass.inputs[0], row) + start;
      const Scalar* y = detail::row_of(pass.output, row) + start;
      const Scalar* dy = detail::row_of(pass.output_gradient, row) + start;
      Scalar* dx = detail::row_of(pass.input_gradients[0], row) + start;
      const Scalar factor = detail::unit_factor(groups.members, x);
      const bool is_short = factor >= Scalar(1e6);  // then its length counts as a constant
      Scalar inner = 0;
      if (!is_short) groups.members.for_each([&](Index, Index place) { inner += dy[place] * y[place]; });
      groups.members.for_each([&](Index, Index place) { dx[place] = factor * (dy[place] - inner * y[place]); });
    });
}

MAAS_INLINE Layer layer_normalization(Axes axis, double epsilon) {
  return LayerNormalization{.axis = std::move(axis), .epsilon = epsilon};
}
MAAS_INLINE Layer group_normalization(Index groups) { return GroupNormalization{.groups = groups}; }
MAAS_INLINE Layer unit_normalization(Axes axis) { return UnitNormalization{.axis = std::move(axis)}; }

}  // namespace maas::inline MAAS_ABI
