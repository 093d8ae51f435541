// Initializers that draw from one distribution, whatever the shape: the bodies.
#pragma once

#include "maas/initializers/random.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void RandomUniform::fill(VectorView values, const Shape&, const Random& random) const {
  for (Index i = 0; i < values.size(); ++i)
    values[i] = static_cast<Scalar>(minval + (maxval - minval) * random.uniform(static_cast<std::uint64_t>(i)));
}

MAAS_INLINE void RandomNormal::fill(VectorView values, const Shape&, const Random& random) const {
  for (Index i = 0; i < values.size(); ++i)
    values[i] = static_cast<Scalar>(mean + stddev * random.normal(static_cast<std::uint64_t>(i)));
}

MAAS_INLINE void TruncatedNormal::fill(VectorView values, const Shape&, const Random& random) const {
  for (Index i = 0; i < values.size(); ++i)
    values[i] = static_cast<Scalar>(mean + stddev * detail::truncated_normal(random, i));
}

MAAS_INLINE void VarianceScaling::fill(VectorView values, const Shape& shape, const Random& random) const {
  require<ConfigError>(scale > 0, "VarianceScaling: expected a positive scale, got {}", scale);
  const double variance = scale / std::max(1.0, fan(shape));
  if (distribution == "uniform")
    detail::fill_uniform(values, random, std::sqrt(3 * variance));
  else if (distribution == "untruncated_normal")
    RandomNormal{0, std::sqrt(variance)}.fill(values, shape, random);
  else if (distribution == "truncated_normal" || distribution == "normal")  // Keras 2 wrote "normal"
    detail::fill_truncated_normal(values, random, std::sqrt(variance));
  else
    fail<ConfigError>(
        "VarianceScaling: expected the distribution truncated_normal, untruncated_normal or uniform, got {}",
        distribution);
}

MAAS_INLINE double VarianceScaling::fan(const Shape& shape) const {
  const Fans fans = fans_of(shape);
  if (mode == "fan_in") return fans.in;
  if (mode == "fan_out") return fans.out;
  require<ConfigError>(mode == "fan_avg", "VarianceScaling: expected the mode fan_in, fan_out or fan_avg, got {}",
                       mode);
  return (fans.in + fans.out) / 2;
}

}  // namespace maas::inline MAAS_ABI
