// Initializers whose spread follows from the number of a layer's inputs and outputs.
#pragma once

#include <algorithm>
#include <cmath>

#include "maas/initializers/initializer.hpp"

namespace maas::inline MAAS_ABI {

/// How many inputs and outputs a weight of some shape connects.
struct Fans {
  double in = 1, out = 1;
};

/// Keras' fans: rank 1 has n both ways, rank 2 its two dimensions; above that the last two dimensions, each times the
/// product of the others (the receptive field).
inline Fans fans_of(const Shape& shape) {
  if (shape.rank() == 0) return {};
  if (shape.rank() == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  const double receptive = static_cast<double>(shape.size()) / static_cast<double>(shape[shape.rank() - 1]) /
                           static_cast<double>(shape[shape.rank() - 2]);
  return {static_cast<double>(shape[shape.rank() - 2]) * receptive, static_cast<double>(shape.last()) * receptive};
}

namespace detail {

inline void fill_uniform(VectorView values, const Random& random, double limit) {
  for (Index i = 0; i < values.size(); ++i)
    values[i] = static_cast<Scalar>((2 * random.uniform(static_cast<std::uint64_t>(i)) - 1) * limit);
}

/// The i-th standard normal number within two standard deviations.
inline double truncated_normal(const Random& random, Index i) {
  const Random draws = random.stream(static_cast<std::uint64_t>(i));
  double x = 3;
  for (std::uint64_t draw = 0; std::abs(x) > 2; ++draw) x = draws.normal(draw);
  return x;
}

/// Normal numbers within two standard deviations, which `sigma` is meant to be after the cut.
inline void fill_truncated_normal(VectorView values, const Random& random, double sigma) {
  constexpr double sigma_after_cut = 0.87962566103423978;  // of the standard normal distribution cut at +-2
  for (Index i = 0; i < values.size(); ++i)
    values[i] = static_cast<Scalar>(truncated_normal(random, i) * sigma / sigma_after_cut);
}

inline double glorot_variance(const Shape& shape) {
  const Fans fans = fans_of(shape);
  return 2 / std::max(fans.in + fans.out, 2.0);
}
inline double fan_in_variance(const Shape& shape, double scale) { return scale / std::max(fans_of(shape).in, 1.0); }

}  // namespace detail

/// Uniform in +-sqrt(6 / (in + out)) (Glorot and Bengio 2010); Keras' default for kernels.
struct GlorotUniform {
  static constexpr std::string_view class_name = "GlorotUniform";
  void fill(VectorView values, const Shape& shape, const Random& random) const {
    detail::fill_uniform(values, random, std::sqrt(3 * detail::glorot_variance(shape)));
  }
};
inline constexpr GlorotUniform glorot_uniform{};

/// Normal cut at two standard deviations, variance 2 / (in + out).
struct GlorotNormal {
  static constexpr std::string_view class_name = "GlorotNormal";
  void fill(VectorView values, const Shape& shape, const Random& random) const {
    detail::fill_truncated_normal(values, random, std::sqrt(detail::glorot_variance(shape)));
  }
};
inline constexpr GlorotNormal glorot_normal{};

/// Uniform in +-sqrt(6 / in) (He and others 2015); for rectifiers.
struct HeUniform {
  static constexpr std::string_view class_name = "HeUniform";
  void fill(VectorView values, const Shape& shape, const Random& random) const {
    detail::fill_uniform(values, random, std::sqrt(3 * detail::fan_in_variance(shape, 2)));
  }
};
inline constexpr HeUniform he_uniform{};

/// Normal cut at two standard deviations, variance 2 / in.
struct HeNormal {
  static constexpr std::string_view class_name = "HeNormal";
  void fill(VectorView values, const Shape& shape, const Random& random) const {
    detail::fill_truncated_normal(values, random, std::sqrt(detail::fan_in_variance(shape, 2)));
  }
};
inline constexpr HeNormal he_normal{};

/// Uniform in +-sqrt(3 / in).
struct LecunUniform {
  static constexpr std::string_view class_name = "LecunUniform";
  void fill(VectorView values, const Shape& shape, const Random& random) const {
    detail::fill_uniform(values, random, std::sqrt(3 * detail::fan_in_variance(shape, 1)));
  }
};
inline constexpr LecunUniform lecun_uniform{};

/// Normal cut at two standard deviations, variance 1 / in.
struct LecunNormal {
  static constexpr std::string_view class_name = "LecunNormal";
  void fill(VectorView values, const Shape& shape, const Random& random) const {
    detail::fill_truncated_normal(values, random, std::sqrt(detail::fan_in_variance(shape, 1)));
  }
};
inline constexpr LecunNormal lecun_normal{};

}  // namespace maas::inline MAAS_ABI
