// Bodies of CompactDense.
#pragma once

#include "maas/layers/activate.hpp"
#include "maas/layers/compact_dense.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
/// Scalars that hold so many bytes.
inline Index scalars_for(Index bytes) {
  constexpr Index size = static_cast<Index>(sizeof(Scalar));
  return (bytes + size - 1) / size;
}
}  // namespace detail

MAAS_INLINE LayerPlan CompactDense::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  require<ConfigError>(units >= 2, "CompactDense: expected at least 2 units, got {}", units);
  require<ShapeError>(input.rank() >= 1, "CompactDense: expected samples of rank 1 or more, got {}", input.text());
  activation.require_in_place(class_name);
  LayerPlan plan{.output = input.with_last(units), .prediction_only = true};
  const auto add = [&](std::string name, Index size) {
    plan.parameters.push_back({.name = std::move(name), .shape = Shape{size}, .initial = zeros, .trainable = false});
  };
  add("kernel_bytes", detail::scalars_for(ops::compact_bytes(format, input.last(), units)));
  if (const Index scales = ops::compact_scales(format, units); scales > 0) add("scale", scales);
  if (use_bias) add("bias", units);
  if (activation.needs_input()) plan.cache = plan.output.size();
  return plan;
}

MAAS_INLINE ops::CompactView CompactDense::view_of(const ConstMatrixViews& weights, Index inner) const {
  const bool scaled = format == ops::CompactFormat::int8;
  return {format, inner, units, reinterpret_cast<const unsigned char*>(weights[0].data()),
          scaled ? weights[1].data() : nullptr};
}

MAAS_INLINE void CompactDense::forward(const Forward& pass) const {
  const Index inner = pass.input_shapes[0].last();
  const ConstMatrixView x = detail::as_rows(pass.inputs[0], inner);
  const MatrixView y = detail::as_rows(pass.output, units);
  const std::optional<ops::Curve> curve = activation.curve();
  ops::compact_affine(x, view_of(pass.parameters, inner),
                      use_bias ? pass.parameters.back() : ConstMatrixView(nullptr, 1, 0), y,
                      curve.value_or(ops::Curve::none));
  if (!curve) detail::activate(activation, y, pass.cache);
}

MAAS_INLINE void CompactDense::backward(const Backward&) const {
  fail<ConfigError>("CompactDense: compact weights are for prediction; train the network they were made of");
}

MAAS_INLINE std::vector<Matrix> CompactDense::weights_of(const ConstMatrixViews& dense) const {
  const ConstMatrixView& kernel = dense[0];
  std::vector<Matrix> weights;
  weights.emplace_back(Matrix::Zero(1, detail::scalars_for(ops::compact_bytes(format, kernel.rows(), kernel.cols()))));
  Matrix scales = Matrix::Zero(1, ops::compact_scales(format, kernel.cols()));
  ops::make_compact(kernel, format, reinterpret_cast<unsigned char*>(weights[0].data()), scales.data());
  if (scales.size() > 0) weights.push_back(std::move(scales));
  if (use_bias) weights.emplace_back(dense[1]);
  return weights;
}

MAAS_INLINE Matrix CompactDense::kernel(const ConstMatrixViews& weights, Index inner) const {
  Matrix expanded(inner, units);
  ops::expand(view_of(weights, inner), {expanded.data(), inner, units});
  return expanded;
}

}  // namespace maas::inline MAAS_ABI
