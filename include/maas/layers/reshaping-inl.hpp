// Bodies of the layers that put numbers into another shape or order.
#pragma once

#include <algorithm>

#include "maas/layers/axes.hpp"
#include "maas/layers/reshaping.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// y[i] = x[place] for each sample.
inline void gather_places(const StridedWalk& walk, const Forward& pass) {
  for (Index row = 0; row < pass.output.rows(); ++row) {
    const Scalar* x = row_of(pass.inputs[0], row);
    Scalar* y = row_of(pass.output, row);
    walk.for_each([&](Index i, Index place) { y[i] = x[place]; });
  }
}
/// dx[place] = dy[i] for each sample; every place must be visited.
inline void scatter_places(const StridedWalk& walk, const Backward& pass) {
  if (!wanted(pass.input_gradients[0])) return;
  for (Index row = 0; row < pass.output.rows(); ++row) {
    const Scalar* dy = row_of(pass.output_gradient, row);
    Scalar* dx = row_of(pass.input_gradients[0], row);
    walk.for_each([&](Index i, Index place) { dx[place] = dy[i]; });
  }
}
inline void copy_input(const Forward& pass) { MatrixView(pass.output) = pass.inputs[0]; }
inline void copy_gradient(const Backward& pass) {
  if (wanted(pass.input_gradients[0])) MatrixView(pass.input_gradients[0]) = pass.output_gradient;
}

/// The first axis of a sample as the last one.
inline StridedWalk first_axis_last(const Shape& sample) {
  StridedWalk walk;
  for (Index axis = 1; axis < sample.rank(); ++axis) walk.add(sample[axis], stride_of(sample, axis));
  walk.add(sample[0], stride_of(sample, 0));
  return walk;
}

}  // namespace detail

MAAS_INLINE LayerPlan Flatten::plan(Shapes inputs) const {
  require<ConfigError>(data_format == "channels_last" || data_format == "channels_first",
                       "Flatten: expected data_format \"channels_last\" or \"channels_first\", got \"{}\"",
                       data_format);
  return {.output = Shape{detail::only_input(inputs, class_name).size()}, .mask = MaskRule::stop};
}
MAAS_INLINE void Flatten::forward(const Forward& pass) const {
  if (data_format == "channels_first" && pass.input_shapes[0].rank() > 1)
    return detail::gather_places(detail::first_axis_last(pass.input_shapes[0]), pass);
  detail::copy_input(pass);
}
MAAS_INLINE void Flatten::backward(const Backward& pass) const {
  if (data_format == "channels_first" && pass.input_shapes[0].rank() > 1)
    return detail::scatter_places(detail::first_axis_last(pass.input_shapes[0]), pass);
  detail::copy_gradient(pass);
}

MAAS_INLINE LayerPlan Reshape::plan(Shapes inputs) const {
  const Index size = detail::only_input(inputs, class_name).size();
  Index known = 1, open = 0;
  for (Index dimension : target_shape) {
    require<ConfigError>(dimension >= -1, "Reshape: expected dimensions of at least 0, or -1, got {}", dimension);
    if (dimension == -1)
      ++open;
    else
      known *= dimension;
  }
  require<ConfigError>(open <= 1, "Reshape: expected at most one dimension -1, got {}", open);
  Shape output;
  for (Index dimension : target_shape)
    output.append(dimension != -1 ? dimension : known == 0 || size % known != 0 ? 0 : size / known);
  require<ShapeError>(output.size() == size, "Reshape: expected {} numbers for shape {}, got samples of {} ({})",
                      open == 1 ? "a multiple of " + std::to_string(known) : std::to_string(known),
                      to_config(target_shape).text(), size, inputs[0].text());
  return {.output = output, .mask = MaskRule::stop};
}
MAAS_INLINE void Reshape::forward(const Forward& pass) const { detail::copy_input(pass); }
MAAS_INLINE void Reshape::backward(const Backward& pass) const { detail::copy_gradient(pass); }

namespace detail {

/// For each place of the output, the place in the input.
inline StridedWalk permutation(const Permute& layer, const Shape& input) {
  StridedWalk walk;
  for (Index axis : layer.dims) walk.add(input[axis - 1], stride_of(input, axis - 1));
  return walk;
}

}  // namespace detail

MAAS_INLINE LayerPlan Permute::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  std::vector<Index> sorted = dims, all;
  std::ranges::sort(sorted);
  for (Index axis = 1; axis <= input.rank(); ++axis) all.push_back(axis);
  require<ConfigError>(sorted == all,
                       "Permute: expected dims that are 1 to {} in some order for samples of shape {}, got {}",
                       input.rank(), input.text(), to_config(dims).text());
  Shape output;
  for (Index axis : dims) output.append(input[axis - 1]);
  return {.output = output, .mask = MaskRule::stop};
}
MAAS_INLINE void Permute::forward(const Forward& pass) const {
  detail::gather_places(detail::permutation(*this, pass.input_shapes[0]), pass);
}
MAAS_INLINE void Permute::backward(const Backward& pass) const {
  detail::scatter_places(detail::permutation(*this, pass.input_shapes[0]), pass);
}

MAAS_INLINE LayerPlan RepeatVector::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  require<ConfigError>(n >= 1, "RepeatVector: expected n of at least 1, got {}", n);
  require<ShapeError>(input.rank() == 1, "RepeatVector: expected samples of rank 1, got {}", input.text());
  return {.output = Shape{n, input[0]}, .mask = MaskRule::stop};
}
MAAS_INLINE void RepeatVector::forward(const Forward& pass) const {
  const Index size = pass.inputs[0].cols();
  for (Index row = 0; row < pass.output.rows(); ++row)
    for (Index copy = 0; copy < n; ++copy)
      std::copy_n(detail::row_of(pass.inputs[0], row), size, detail::row_of(pass.output, row) + copy * size);
}
MAAS_INLINE void RepeatVector::backward(const Backward& pass) const {
  if (!detail::wanted(pass.input_gradients[0])) return;
  const Index size = pass.inputs[0].cols();
  for (Index row = 0; row < pass.output.rows(); ++row) {
    const Scalar* dy = detail::row_of(pass.output_gradient, row);
    Scalar* dx = detail::row_of(pass.input_gradients[0], row);
    for (Index i = 0; i < size; ++i) {
      Scalar sum = 0;
      for (Index copy = 0; copy < n; ++copy) sum += dy[copy * size + i];
      dx[i] = sum;
    }
  }
}

MAAS_INLINE Layer flatten() { return Flatten{}; }
MAAS_INLINE Layer reshape(std::vector<Index> target_shape) { return Reshape{std::move(target_shape)}; }
MAAS_INLINE Layer permute(std::vector<Index> dims) { return Permute{std::move(dims)}; }
MAAS_INLINE Layer repeat_vector(Index n) { return RepeatVector{n}; }

}  // namespace maas::inline MAAS_ABI
