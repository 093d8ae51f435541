// Layers that act in training only: dropout of single numbers and of whole channels, and noise.
#pragma once

#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

/// The shape of what is drawn at random, as Keras writes it: the batch first, null where it is that of the input; a 1
/// draws once for all positions of an axis.
using NoiseShape = std::vector<std::optional<Index>>;

// What is drawn follows from the fit's seed, the step and the layer's place (and `seed`, where given), not from
// threads.

/// In training each number is zeroed with probability `rate` and the others are multiplied by 1 / (1 - rate); in
/// inference nothing happens (Srivastava and others 2014). Throws ConfigError for a rate or noise shape that makes no
/// sense.
struct Dropout {
  static constexpr std::string_view class_name = "Dropout";
  double rate = 0.5;  ///< 0 to 1
  std::optional<Index> seed = std::nullopt;
  std::optional<NoiseShape> noise_shape = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("rate", self.rate);
    field("seed", self.seed);
    field("noise_shape", self.noise_shape);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// Dropout of whole channels of a sequence: samples are steps x channels, and a channel is zeroed at all steps or none
/// (Tompson and others 2014).
struct SpatialDropout1D {
  static constexpr std::string_view class_name = "SpatialDropout1D";
  double rate = 0.5;  ///< 0 to 1
  std::optional<Index> seed = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("rate", self.rate);
    field("seed", self.seed);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// Dropout of whole channels of an image: samples are rows x columns x channels, or channels x rows x columns if
/// data_format is "channels_first".
struct SpatialDropout2D {
  static constexpr std::string_view class_name = "SpatialDropout2D";
  double rate = 0.5;  ///< 0 to 1
  std::optional<Index> seed = std::nullopt;
  std::string data_format = "channels_last";
  static void fields(auto& self, auto&& field) {
    field("rate", self.rate);
    field("seed", self.seed);
    field("data_format", self.data_format);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// In training each number is multiplied by one drawn from the normal distribution of mean 1 and variance
/// rate / (1 - rate) (Srivastava and others 2014).
struct GaussianDropout {
  static constexpr std::string_view class_name = "GaussianDropout";
  double rate = 0.5;  ///< from 0 on, below 1
  std::optional<Index> seed = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("rate", self.rate);
    field("seed", self.seed);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// In training a number drawn from the normal distribution of mean 0 and deviation stddev is added to each.
struct GaussianNoise {
  static constexpr std::string_view class_name = "GaussianNoise";
  double stddev = 0.1;  ///< at least 0; Keras has no default
  std::optional<Index> seed = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("stddev", self.stddev);
    field("seed", self.seed);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// Dropout that keeps mean 0 and variance 1, for networks of selu (Klambauer and others 2017): in training a number is
/// set to selu's lowest value, -1.758, with probability `rate`; then all are scaled and shifted.
struct AlphaDropout {
  static constexpr std::string_view class_name = "AlphaDropout";
  double rate = 0.5;  ///< from 0 on, below 1
  std::optional<Index> seed = std::nullopt;
  std::optional<NoiseShape> noise_shape = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("rate", self.rate);
    field("seed", self.seed);
    field("noise_shape", self.noise_shape);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// A Dropout layer: `rate` is the share of numbers that are zeroed in training.
Layer dropout(double rate);
/// A GaussianNoise layer.
Layer gaussian_noise(double stddev);
/// A GaussianDropout layer.
Layer gaussian_dropout(double rate);
/// An AlphaDropout layer.
Layer alpha_dropout(double rate);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/dropout-inl.hpp"
#endif
