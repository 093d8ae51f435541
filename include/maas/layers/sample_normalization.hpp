// Normalizations within one sample: LayerNormalization, RMSNormalization, GroupNormalization, UnitNormalization.
#pragma once

#include "maas/constraints/constraints.hpp"
#include "maas/core/axes.hpp"
#include "maas/initializers/initializers.hpp"
#include "maas/layers/layer.hpp"
#include "maas/regularizers/regularizers.hpp"

namespace maas::inline MAAS_ABI {

/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with mean and population variance over `axis` (1 is the
/// first axis of a sample; several are taken together) of each sample (Ba, Kiros, Hinton 2016). Weights: gamma (with
/// `scale`) and beta (with `center`), one number for each position along the axes.
struct LayerNormalization {
  static constexpr std::string_view class_name = "LayerNormalization";
  Axes axis = -1;
  double epsilon = 1e-3;
  bool center = true;  ///< add beta
  bool scale = true;   ///< multiply by gamma
  Initializer beta_initializer = zeros;
  Initializer gamma_initializer = ones;
  std::optional<Regularizer> beta_regularizer = std::nullopt;
  std::optional<Regularizer> gamma_regularizer = std::nullopt;
  std::optional<Constraint> beta_constraint = std::nullopt;
  std::optional<Constraint> gamma_constraint = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("axis", self.axis);
    field("epsilon", self.epsilon);
    field("center", self.center);
    field("scale", self.scale);
    field("beta_initializer", self.beta_initializer);
    field("gamma_initializer", self.gamma_initializer);
    field("beta_regularizer", self.beta_regularizer);
    field("gamma_regularizer", self.gamma_regularizer);
    field("beta_constraint", self.beta_constraint);
    field("gamma_constraint", self.gamma_constraint);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// y = scale x / sqrt(mean(x^2) + epsilon) over `axis` of each sample (Zhang, Sennrich 2019). Weight: scale, one number
/// for each position along the axes. Throws ConfigError for other axes than the last, where Keras computes otherwise.
struct RMSNormalization {
  static constexpr std::string_view class_name = "RMSNormalization";
  Axes axis = -1;  ///< the last, or several up to it
  double epsilon = 1e-6;
  static void fields(auto& self, auto&& field) {
    field("axis", self.axis);
    field("epsilon", self.epsilon);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// As LayerNormalization, but over groups: the channels along `axis` are cut into `groups` of equal size, and each is
/// normalized together with all other axes of the sample (Wu, He 2018). -1 groups: one a channel. Weights: gamma (with
/// `scale`) and beta (with `center`), one number a channel. Throws ShapeError where the channels cannot be cut so.
struct GroupNormalization {
  static constexpr std::string_view class_name = "GroupNormalization";
  Index groups = 32;
  Axes axis = -1;  ///< one axis
  double epsilon = 1e-3;
  bool center = true;  ///< add beta
  bool scale = true;   ///< multiply by gamma
  Initializer beta_initializer = zeros;
  Initializer gamma_initializer = ones;
  std::optional<Regularizer> beta_regularizer = std::nullopt;
  std::optional<Regularizer> gamma_regularizer = std::nullopt;
  std::optional<Constraint> beta_constraint = std::nullopt;
  std::optional<Constraint> gamma_constraint = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("groups", self.groups);
    field("axis", self.axis);
    field("epsilon", self.epsilon);
    field("center", self.center);
    field("scale", self.scale);
    field("beta_initializer", self.beta_initializer);
    field("gamma_initializer", self.gamma_initializer);
    field("beta_regularizer", self.beta_regularizer);
    field("gamma_regularizer", self.gamma_regularizer);
    field("beta_constraint", self.beta_constraint);
    field("gamma_constraint", self.gamma_constraint);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// y = x / sqrt(max(sum(x^2), 1e-12)) over `axis` of each sample: vectors of length 1.
struct UnitNormalization {
  static constexpr std::string_view class_name = "UnitNormalization";
  Axes axis = -1;
  static void fields(auto& self, auto&& field) { field("axis", self.axis); }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;
};

/// A LayerNormalization layer with Keras' defaults.
Layer layer_normalization(Axes axis = -1, double epsilon = 1e-3);
/// A GroupNormalization layer; -1 groups: one a channel.
Layer group_normalization(Index groups = 32);
/// A UnitNormalization layer.
Layer unit_normalization(Axes axis = -1);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/sample_normalization-inl.hpp"
#endif
