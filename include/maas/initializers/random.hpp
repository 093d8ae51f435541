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
  void fill(VectorView values, const Shape&, const Random& random) const;
};

/// Normal with that mean and standard deviation.
struct RandomNormal {
  static constexpr std::string_view class_name = "RandomNormal";
  double mean = 0, stddev = 0.05;
  static void fields(auto& self, auto&& field) {
    field("mean", self.mean);
    field("stddev", self.stddev);
  }
  void fill(VectorView values, const Shape&, const Random& random) const;
};

/// Normal, drawn again outside two standard deviations; stddev is that before the cut, as in Keras.
struct TruncatedNormal {
  static constexpr std::string_view class_name = "TruncatedNormal";
  double mean = 0, stddev = 0.05;
  static void fields(auto& self, auto&& field) {
    field("mean", self.mean);
    field("stddev", self.stddev);
  }
  void fill(VectorView values, const Shape&, const Random& random) const;
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
  void fill(VectorView values, const Shape& shape, const Random& random) const;

 private:
  double fan(const Shape& shape) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/initializers/random-inl.hpp"
#endif
