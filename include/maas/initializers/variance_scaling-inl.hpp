// Initializers whose spread follows from the number of a layer's inputs and outputs: the bodies.
#pragma once

#include "maas/initializers/variance_scaling.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Fans fans_of(const Shape& shape) {
  if (shape.rank() == 0) return {};
  if (shape.rank() == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  const double receptive = static_cast<double>(shape.size()) / static_cast<double>(shape[shape.rank() - 1]) /
                           static_cast<double>(shape[shape.rank() - 2]);
  return {static_cast<double>(shape[shape.rank() - 2]) * receptive, static_cast<double>(shape.last()) * receptive};
}

namespace detail {

MAAS_INLINE void fill_uniform(VectorView values, const Random& random, double limit) {
  for (Index i = 0; i < values.size(); ++i)
    values[i] = static_cast<Scalar>((2 * random.uniform(static_cast<std::uint64_t>(i)) - 1) * limit);
}

MAAS_INLINE double truncated_normal(const Random& random, Index i) {
  const Random draws = random.stream(static_cast<std::uint64_t>(i));
  double x = 3;
  for (std::uint64_t draw = 0; std::abs(x) > 2; ++draw) x = draws.normal(draw);
  return x;
}

MAAS_INLINE void fill_truncated_normal(VectorView values, const Random& random, double sigma) {
  constexpr double sigma_after_cut = 0.87962566103423978;  // of the standard normal distribution cut at +-2
  for (Index i = 0; i < values.size(); ++i)
    values[i] = static_cast<Scalar>(truncated_normal(random, i) * sigma / sigma_after_cut);
}

MAAS_INLINE double glorot_variance(const Shape& shape) {
  const Fans fans = fans_of(shape);
  return 2 / std::max(fans.in + fans.out, 2.0);
}

}  // namespace detail

MAAS_INLINE void GlorotUniform::fill(VectorView values, const Shape& shape, const Random& random) const {
  detail::fill_uniform(values, random, std::sqrt(3 * detail::glorot_variance(shape)));
}

MAAS_INLINE void GlorotNormal::fill(VectorView values, const Shape& shape, const Random& random) const {
  detail::fill_truncated_normal(values, random, std::sqrt(detail::glorot_variance(shape)));
}

MAAS_INLINE void HeUniform::fill(VectorView values, const Shape& shape, const Random& random) const {
  detail::fill_uniform(values, random, std::sqrt(3 * detail::fan_in_variance(shape, 2)));
}

MAAS_INLINE void HeNormal::fill(VectorView values, const Shape& shape, const Random& random) const {
  detail::fill_truncated_normal(values, random, std::sqrt(detail::fan_in_variance(shape, 2)));
}

MAAS_INLINE void LecunUniform::fill(VectorView values, const Shape& shape, const Random& random) const {
  detail::fill_uniform(values, random, std::sqrt(3 * detail::fan_in_variance(shape, 1)));
}

MAAS_INLINE void LecunNormal::fill(VectorView values, const Shape& shape, const Random& random) const {
  detail::fill_truncated_normal(values, random, std::sqrt(detail::fan_in_variance(shape, 1)));
}

}  // namespace maas::inline MAAS_ABI
