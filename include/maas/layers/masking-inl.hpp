// Bodies of Masking.
#pragma once

#include <algorithm>

#include "maas/layers/axes.hpp"
#include "maas/layers/masking.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Whether all numbers of a step are the one that masks it.
inline bool is_masked(const Scalar* step, Index features, Scalar mask_value) {
  return std::all_of(step, step + features, [=](Scalar x) { return x == mask_value; });
}

/// Copies the steps of `from` to `to`, and zeros where a step of x is masked.
inline void copy_steps(const ConstMatrixView& x, Index features, Scalar mask_value, const Scalar* from, Scalar* to) {
  for (Index start = 0; start < x.size(); start += features) {
    if (is_masked(x.data() + start, features, mask_value))
      std::fill_n(to + start, features, Scalar(0));
    else
      std::copy_n(from + start, features, to + start);
  }
}

}  // namespace detail

MAAS_INLINE LayerPlan Masking::plan(Shapes inputs) const {
  const Shape& input = detail::only_input(inputs, class_name);
  require<ShapeError>(input.rank() >= 2, "Masking: expected samples of rank 2 or more (steps x features), got {}",
                      input.text());
  return {.output = input, .mask = MaskRule::make};
}
MAAS_INLINE void Masking::forward(const Forward& pass) const {
  detail::copy_steps(pass.inputs[0], pass.output_shape.last(), static_cast<Scalar>(mask_value), pass.inputs[0].data(),
                     detail::numbers(pass.output));
}
MAAS_INLINE void Masking::backward(const Backward& pass) const {
  if (!detail::wanted(pass.input_gradients[0])) return;
  detail::copy_steps(pass.inputs[0], pass.output_shape.last(), static_cast<Scalar>(mask_value),
                     pass.output_gradient.data(), detail::numbers(pass.input_gradients[0]));
}

MAAS_INLINE void Masking::mask(const MaskPass& pass) const {
  const Index features = pass.output_shape.last();
  Scalar* mask = detail::numbers(pass.mask);
  for (Index step = 0; step < pass.mask.size(); ++step)
    mask[step] = detail::is_masked(pass.inputs[0].data() + step * features, features, static_cast<Scalar>(mask_value))
                     ? Scalar(0)
                     : Scalar(1);
}

MAAS_INLINE Layer masking(double mask_value) { return Masking{.mask_value = mask_value}; }

}  // namespace maas::inline MAAS_ABI
