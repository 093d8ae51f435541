// Bodies of the layers that act in training only.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/layers/axes.hpp"
#include "maas/layers/dropout.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// What is drawn for a batch: a sample of this shape, once for all samples or once for each.
struct Noise {
  Shape sample;
  bool once = false;
};

inline Noise noise_of(const std::optional<NoiseShape>& shape, const Shape& input, std::string_view where) {
  if (!shape) return {.sample = input};
  require<ConfigError>(static_cast<Index>(shape->size()) == input.rank() + 1,
                       "{}: expected a noise_shape of {} dimensions, the batch included, got {}", where,
                       input.rank() + 1, shape->size());
  require<ConfigError>(!shape->front() || *shape->front() == 1,
                       "{}: expected a noise_shape that begins with null or 1, got {}", where,
                       shape->front().value_or(0));
  Noise noise{.sample = {}, .once = shape->front().has_value()};
  for (Index axis = 0; axis < input.rank(); ++axis)
    noise.sample.append((*shape)[static_cast<std::size_t>(axis) + 1].value_or(input[axis]));
  if (!can_repeat(noise.sample, input))
    fail<ConfigError>("{}: expected a noise_shape that can be repeated to fit samples of {}, got {}", where,
                      input.text(), noise.sample.text());
  return noise;
}

inline Random stream_of(const Forward& pass, const std::optional<Index>& seed) {
  return seed ? pass.random.stream(static_cast<std::uint64_t>(*seed)) : pass.random;
}

/// The cache of a training pass: draw(i) for the i-th place of the noise, repeated to fit.
template <class Draw>
void fill_cache(const Forward& pass, const Noise& noise, Draw draw) {
  const StridedWalk walk = walk_repeated(noise.sample, pass.input_shapes[0]);
  for (Index row = 0; row < pass.cache.rows(); ++row) {
    Scalar* cache = row_of(pass.cache, row);
    const Index first = noise.once ? 0 : row * noise.sample.size();
    walk.for_each([&](Index i, Index place) { cache[i] = draw(static_cast<std::uint64_t>(first + place)); });
  }
}

/// A pass in inference: the inputs, and slopes of 1 in the cache if there is one.
inline void pass_on(const Forward& pass) {
  MatrixView(pass.output) = pass.inputs[0];
  MatrixView(pass.cache).setOnes();
}

inline void check_rate(double rate, bool may_be_one, std::string_view where) {
  if (may_be_one)
    require<ConfigError>(rate >= 0 && rate <= 1, "{}: expected a rate from 0 to 1, got {}", where, rate);
  else
    require<ConfigError>(rate >= 0 && rate < 1, "{}: expected a rate from 0 on and below 1, got {}", where, rate);
}

/// y = x times the cache, which holds 0 or 1 / (1 - rate).
inline void drop(const Forward& pass, double rate, const std::optional<Index>& seed, const Noise& noise) {
  if (pass.mode == Mode::inference) return pass_on(pass);
  const Random random = stream_of(pass, seed);
  const Scalar kept = rate < 1 ? static_cast<Scalar>(1 / (1 - rate)) : Scalar(0);
  fill_cache(pass, noise, [&](std::uint64_t i) { return random.uniform(i) >= rate ? kept : Scalar(0); });
  MatrixView(pass.output) = pass.inputs[0].cwiseProduct(pass.cache);
}

/// d x = d y times the slopes that the cache holds.
inline void multiply_by_cache(const Backward& pass) {
  if (wanted(pass.input_gradients[0]))
    MatrixView(pass.input_gradients[0]) = pass.output_gradient.cwiseProduct(pass.cache);
}

/// The channels of a sample, one position each.
inline Noise channels_of(const Shape& input, bool channels_last) {
  Noise noise;
  for (Index axis = 0; axis < input.rank(); ++axis)
    noise.sample.append(axis == (channels_last ? input.rank() - 1 : 0) ? input[axis] : 1);
  return noise;
}

}  // namespace detail

MAAS_INLINE LayerPlan Dropout::plan(Shapes inputs) const {
  detail::check_rate(rate, true, class_name);
  const Shape& input = detail::only_input(inputs, class_name);
  detail::noise_of(noise_shape, input, class_name);
  return {.output = input, .cache = input.size()};
}
MAAS_INLINE void Dropout::forward(const Forward& pass) const {
  detail::drop(pass, rate, seed, detail::noise_of(noise_shape, pass.input_shapes[0], class_name));
}
MAAS_INLINE void Dropout::backward(const Backward& pass) const { detail::multiply_by_cache(pass); }

MAAS_INLINE LayerPlan SpatialDropout1D::plan(Shapes inputs) const {
  detail::check_rate(rate, true, class_name);
  const Shape& input = detail::only_input(inputs, class_name);
  require<ShapeError>(input.rank() == 2, "SpatialDropout1D: expected samples of rank 2 (steps x channels), got {}",
                      input.text());
  return {.output = input, .cache = input.size()};
}
MAAS_INLINE void SpatialDropout1D::forward(const Forward& pass) const {
  detail::drop(pass, rate, seed, detail::channels_of(pass.input_shapes[0], true));
}
MAAS_INLINE void SpatialDropout1D::backward(const Backward& pass) const { detail::multiply_by_cache(pass); }

MAAS_INLINE LayerPlan SpatialDropout2D::plan(Shapes inputs) const {
  detail::check_rate(rate, true, class_name);
  require<ConfigError>(data_format == "channels_last" || data_format == "channels_first",
                       "SpatialDropout2D: expected data_format \"channels_last\" or \"channels_first\", got \"{}\"",
                       data_format);
  const Shape& input = detail::only_input(inputs, class_name);
  require<ShapeError>(input.rank() == 3,
                      "SpatialDropout2D: expected samples of rank 3 (rows x columns x channels), got {}", input.text());
  return {.output = input, .cache = input.size()};
}
MAAS_INLINE void SpatialDropout2D::forward(const Forward& pass) const {
  detail::drop(pass, rate, seed, detail::channels_of(pass.input_shapes[0], data_format == "channels_last"));
}
MAAS_INLINE void SpatialDropout2D::backward(const Backward& pass) const { detail::multiply_by_cache(pass); }

MAAS_INLINE LayerPlan GaussianDropout::plan(Shapes inputs) const {
  detail::check_rate(rate, false, class_name);
  const Shape& input = detail::only_input(inputs, class_name);
  return {.output = input, .cache = input.size()};
}
MAAS_INLINE void GaussianDropout::forward(const Forward& pass) const {
  if (pass.mode == Mode::inference) return detail::pass_on(pass);
  const Random random = detail::stream_of(pass, seed);
  const double deviation = std::sqrt(rate / (1 - rate));
  detail::fill_cache(pass, {.sample = pass.input_shapes[0]},
                     [&](std::uint64_t i) { return static_cast<Scalar>(1 + deviation * random.normal(i)); });
  MatrixView(pass.output) = pass.inputs[0].cwiseProduct(pass.cache);
}
MAAS_INLINE void GaussianDropout::backward(const Backward& pass) const { detail::multiply_by_cache(pass); }

MAAS_INLINE LayerPlan GaussianNoise::plan(Shapes inputs) const {
  require<ConfigError>(stddev >= 0, "GaussianNoise: expected a stddev of at least 0, got {}", stddev);
  return {.output = detail::only_input(inputs, class_name)};
}
MAAS_INLINE void GaussianNoise::forward(const Forward& pass) const {
  if (pass.mode == Mode::inference) return detail::pass_on(pass);
  const Random random = detail::stream_of(pass, seed);
  const Scalar* x = pass.inputs[0].data();
  Scalar* y = detail::numbers(pass.output);
  for (Index i = 0; i < pass.output.size(); ++i)
    y[i] = x[i] + static_cast<Scalar>(stddev * random.normal(static_cast<std::uint64_t>(i)));
}
MAAS_INLINE void GaussianNoise::backward(const Backward& pass) const {
  if (detail::wanted(pass.input_gradients[0])) MatrixView(pass.input_gradients[0]) = pass.output_gradient;
}

MAAS_INLINE LayerPlan AlphaDropout::plan(Shapes inputs) const {
  detail::check_rate(rate, false, class_name);
  const Shape& input = detail::only_input(inputs, class_name);
  detail::noise_of(noise_shape, input, class_name);
  return {.output = input, .cache = input.size()};
}
MAAS_INLINE void AlphaDropout::forward(const Forward& pass) const {
  if (pass.mode == Mode::inference) return detail::pass_on(pass);
  const Random random = detail::stream_of(pass, seed);
  const double lowest = -1.6732632423543772848 * 1.0507009873554804934;  // of selu
  const double scale = 1 / std::sqrt((1 - rate) * (1 + rate * lowest * lowest));
  const Scalar kept = static_cast<Scalar>(scale), shift = static_cast<Scalar>(-scale * lowest * rate),
               dropped = static_cast<Scalar>(scale * lowest);
  detail::fill_cache(pass, detail::noise_of(noise_shape, pass.input_shapes[0], class_name),
                     [&](std::uint64_t i) { return random.uniform(i) >= rate ? kept : Scalar(0); });
  const Scalar *x = pass.inputs[0].data(), *slope = pass.cache.data();
  Scalar* y = detail::numbers(pass.output);
  for (Index i = 0; i < pass.output.size(); ++i) y[i] = (slope[i] != 0 ? slope[i] * x[i] : dropped) + shift;
}
MAAS_INLINE void AlphaDropout::backward(const Backward& pass) const { detail::multiply_by_cache(pass); }

MAAS_INLINE Layer dropout(double rate) { return Dropout{.rate = rate}; }
MAAS_INLINE Layer gaussian_noise(double stddev) { return GaussianNoise{.stddev = stddev}; }
MAAS_INLINE Layer gaussian_dropout(double rate) { return GaussianDropout{.rate = rate}; }
MAAS_INLINE Layer alpha_dropout(double rate) { return AlphaDropout{.rate = rate}; }

}  // namespace maas::inline MAAS_ABI
