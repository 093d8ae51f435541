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
Fans fans_of(const Shape& shape);

namespace detail {

void fill_uniform(VectorView values, const Random& random, double limit);

/// The i-th standard normal number within two standard deviations.
double truncated_normal(const Random& random, Index i);

/// Normal numbers within two standard deviations, which `sigma` is meant to be after the cut.
void fill_truncated_normal(VectorView values, const Random& random, double sigma);

double glorot_variance(const Shape& shape);
inline double fan_in_variance(const Shape& shape, double scale) { return scale / std::max(fans_of(shape).in, 1.0); }

}  // namespace detail

/// Uniform in +-sqrt(6 / (in + out)) (Glorot and Bengio 2010); Keras' default for kernels.
struct GlorotUniform {
  static constexpr std::string_view class_name = "GlorotUniform";
  void fill(VectorView values, const Shape& shape, const Random& random) const;
};
inline constexpr GlorotUniform glorot_uniform{};
#if defined(MAAS_COMPILED)  // what other headers have as a default is made once, in the library
extern template Initializer::Initializer(const GlorotUniform&);
#endif

/// Normal cut at two standard deviations, variance 2 / (in + out).
struct GlorotNormal {
  static constexpr std::string_view class_name = "GlorotNormal";
  void fill(VectorView values, const Shape& shape, const Random& random) const;
};
inline constexpr GlorotNormal glorot_normal{};

/// Uniform in +-sqrt(6 / in) (He and others 2015); for rectifiers.
struct HeUniform {
  static constexpr std::string_view class_name = "HeUniform";
  void fill(VectorView values, const Shape& shape, const Random& random) const;
};
inline constexpr HeUniform he_uniform{};

/// Normal cut at two standard deviations, variance 2 / in.
struct HeNormal {
  static constexpr std::string_view class_name = "HeNormal";
  void fill(VectorView values, const Shape& shape, const Random& random) const;
};
inline constexpr HeNormal he_normal{};

/// Uniform in +-sqrt(3 / in).
struct LecunUniform {
  static constexpr std::string_view class_name = "LecunUniform";
  void fill(VectorView values, const Shape& shape, const Random& random) const;
};
inline constexpr LecunUniform lecun_uniform{};

/// Normal cut at two standard deviations, variance 1 / in.
struct LecunNormal {
  static constexpr std::string_view class_name = "LecunNormal";
  void fill(VectorView values, const Shape& shape, const Random& random) const;
};
inline constexpr LecunNormal lecun_normal{};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/initializers/variance_scaling-inl.hpp"
#endif
