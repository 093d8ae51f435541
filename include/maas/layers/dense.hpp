// Dense: an affine map of the last axis, then an activation.
#pragma once

#include "maas/activations/activations.hpp"
#include "maas/initializers/initializers.hpp"
#include "maas/layers/layer.hpp"
#include "maas/regularizers/regularizers.hpp"

namespace maas::inline MAAS_ABI {

/// y = activation(x kernel + bias) on the last axis of inputs of any rank. kernel: in x units, bias: units.
struct Dense {
  static constexpr std::string_view class_name = "Dense";
  Index units = 1;  ///< outputs, at least 1
  Activation activation = linear;
  bool use_bias = true;
  Initializer kernel_initializer = glorot_uniform;
  Initializer bias_initializer = zeros;
  std::optional<Regularizer> kernel_regularizer = std::nullopt;
  std::optional<Regularizer> bias_regularizer = std::nullopt;
  std::optional<Regularizer> activity_regularizer = std::nullopt;  ///< of the outputs
  std::optional<Constraint> kernel_constraint = std::nullopt;
  std::optional<Constraint> bias_constraint = std::nullopt;

  static void fields(auto& self, auto&& field) {
    field("units", self.units);
    field("activation", self.activation);
    field("use_bias", self.use_bias);
    field("kernel_initializer", self.kernel_initializer);
    field("bias_initializer", self.bias_initializer);
    field("kernel_regularizer", self.kernel_regularizer);
    field("bias_regularizer", self.bias_regularizer);
    field("activity_regularizer", self.activity_regularizer);
    field("kernel_constraint", self.kernel_constraint);
    field("bias_constraint", self.bias_constraint);
  }

  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
  SplitLayer split_activation() const;
};

/// A Dense layer with Keras' defaults.
Layer dense(Index units, Activation activation = linear);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/dense-inl.hpp"
#endif
