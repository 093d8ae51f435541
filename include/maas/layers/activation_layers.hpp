// Activations that are layers of their own in Keras: ReLU, LeakyReLU, PReLU, ELU and Softmax along any axis.
#pragma once

#include "maas/constraints/constraints.hpp"
#include "maas/core/axes.hpp"
#include "maas/initializers/initializers.hpp"
#include "maas/layers/activation_layer.hpp"
#include "maas/layers/layer.hpp"
#include "maas/regularizers/regularizers.hpp"

namespace maas::inline MAAS_ABI {

/// y = max_value where x reaches it, x from threshold on, negative_slope (x - threshold) below. Any shape. Throws
/// ConfigError for negative settings.
struct ReLU {
  static constexpr std::string_view class_name = "ReLU";
  std::optional<double> max_value = std::nullopt;  ///< none: no limit
  double negative_slope = 0;
  double threshold = 0;
  static void fields(auto& self, auto&& field) {
    field("max_value", self.max_value);
    field("negative_slope", self.negative_slope);
    field("threshold", self.threshold);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// y = x for x > 0, negative_slope x below. Any shape. (Keras' function leaky_relu has another default, 0.2.)
struct LeakyReLU {
  static constexpr std::string_view class_name = "LeakyReLU";
  double negative_slope = 0.3;
  static void fields(auto& self, auto&& field) { field("negative_slope", self.negative_slope); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// y = x for x > 0, alpha x below, with a learned alpha for every number of a sample. Along `shared_axes` (1 is the
/// first axis of a sample) one alpha serves all; alpha has size 1 there. Any shape.
struct PReLU {
  static constexpr std::string_view class_name = "PReLU";
  Initializer alpha_initializer = zeros;
  std::optional<Regularizer> alpha_regularizer = std::nullopt;
  std::optional<Constraint> alpha_constraint = std::nullopt;
  std::optional<std::vector<Index>> shared_axes = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("alpha_initializer", self.alpha_initializer);
    field("alpha_regularizer", self.alpha_regularizer);
    field("alpha_constraint", self.alpha_constraint);
    field("shared_axes", self.shared_axes);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;

 private:
  Shape alpha_shape(const Shape& input) const;
};

/// y = x for x > 0, alpha (exp(x) - 1) below. Any shape.
struct ELU {
  static constexpr std::string_view class_name = "ELU";
  double alpha = 1;
  static void fields(auto& self, auto&& field) { field("alpha", self.alpha); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// y = exp(x - max x) / sum exp(x - max x) along one axis, or over several at once. (The struct Softmax is the
/// activation, along the last axis.)
struct SoftmaxLayer {
  static constexpr std::string_view class_name = "Softmax";
  Axes axis = -1;
  static void fields(auto& self, auto&& field) { field("axis", self.axis); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
  std::optional<SplitLayer> split_activation() const;
};

/// A PReLU layer, one alpha a number, or shared along axes.
Layer prelu(std::optional<std::vector<Index>> shared_axes = std::nullopt);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/activation_layers-inl.hpp"
#endif
