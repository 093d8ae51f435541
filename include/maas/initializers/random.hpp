// Initializers that draw from one distribution, whatever the shape.
#pragma once

#include "maas/initializers/initializer.hpp"
#include "maas/initializers/variance_scaling.hpp"

namespace maas::inline MAAS_ABI {

/// Uniform from minval to maxval.
struct RandomUniform {
  static constexpr std::string_view class_name = "RandomUniform";
  double minval = -0.05, maxval = 0.05;
  static void fields(auto& self, auto&& field) {
    field("minval", self.minval);
    field("maxval", self.maxval);
  }
  void fill(VectorView values, const Shape&, const Random& random) const {
    for (Index i = 0; i < values.size(); ++i)
      values[i] = static_cast<Scalar>(minval + (maxval - minval) * random.uniform(static_cast<std::uint64_t>(i)));
  }
};

/// Normal with that mean and standard deviation.
struct RandomNormal {
  static constexpr std::string_view class_name = "RandomNormal";
  double mean = 0, stddev = 0.05;
  static void fields(auto& self, auto&& field) {
    field("mean", self.mean);
    field("stddev", self.stddev);
  }
  void fill(VectorView values, const Shape&, const Random& random) const {
    for (Index i = 0; i < values.size(); ++i)
      values[i] = static_cast<Scalar>(mean + stddev * random.normal(static_cast<std::uint64_t>(i)));
  }
};

/// Normal, drawn again outside two standard deviations; stddev is that before the cut, as in Keras.
struct TruncatedNormal {
  static constexpr std::string_view class_name = "TruncatedNormal";
  double mean = 0, stddev = 0.05;
  static void fields(auto& self, auto&& field) {
    field("mean", self.mean);
    field("stddev", self.stddev);
  }
  void fill(VectorView values, const Shape&, const Random& random) const {
    for (Index i = 0; i < values.size(); ++i)
      values[i] = static_cast<Scalar>(mean + stddev * detail::truncated_normal(random, i));
  }
};

/// Variance scale / n, n being a tensor's inputs ("fan_in"), outputs ("fan_out") or their mean ("fan_avg");
/// distribution "truncated_normal" (cut at two standard deviations), "untruncated_normal" or "uniform". Throws
/// ConfigError for another mode or distribution, or a scale that is not positive.
struct VarianceScaling {
  static constexpr std::string_view class_name = "VarianceScaling";
  double scale = 1;
  std::string mode = "fan_in";
  std::string distribution = "truncated_normal";
  static void fields(auto& self, auto&& field) {
    field("scale", self.scale);
    field("mode", self.mode);
    field("distribution", self.distribution);
  }
  void fill(VectorView values, const Shape& shape, const Random& random) const {
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

 private:
  double fan(const Shape& shape) const {
    const Fans fans = fans_of(shape);
    if (mode == "fan_in") return fans.in;
    if (mode == "fan_out") return fans.out;
    require<ConfigError>(mode == "fan_avg", "VarianceScaling: expected the mode fan_in, fan_out or fan_avg, got {}",
                         mode);
    return (fans.in + fans.out) / 2;
  }
};

}  // namespace maas::inline MAAS_ABI
