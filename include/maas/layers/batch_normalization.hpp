// BatchNormalization: each channel to mean 0 and variance 1 over the batch.
#pragma once

#include "maas/constraints/constraints.hpp"
#include "maas/core/axes.hpp"
#include "maas/initializers/initializers.hpp"
#include "maas/layers/layer.hpp"
#include "maas/regularizers/regularizers.hpp"

namespace maas::inline MAAS_ABI {

/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta for each channel, that is each position along `axis` (1 is
/// the first axis of a sample); gamma and beta are learned (Ioffe and Szegedy 2015). In training mean and population
/// variance are those of the batch over all other axes, and the moving ones go a step towards them:
/// moving = momentum moving + (1 - momentum) batch. In inference, and in a frozen layer always, they are the moving
/// ones. Where the input carries a mask (see Masking) only the steps that count make mean and variance, as in Keras;
/// all are normalized. Weights: gamma (with `scale`), beta (with `center`), moving_mean, moving_variance, one number a
/// channel each. Throws ConfigError for several axes, or a momentum or epsilon out of range.
struct BatchNormalization {
  static constexpr std::string_view class_name = "BatchNormalization";
  Axes axis = -1;  ///< one axis
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool center = true;  ///< add beta
  bool scale = true;   ///< multiply by gamma
  Initializer beta_initializer = zeros;
  Initializer gamma_initializer = ones;
  Initializer moving_mean_initializer = zeros;
  Initializer moving_variance_initializer = ones;
  std::optional<Regularizer> beta_regularizer = std::nullopt;
  std::optional<Regularizer> gamma_regularizer = std::nullopt;
  std::optional<Constraint> beta_constraint = std::nullopt;
  std::optional<Constraint> gamma_constraint = std::nullopt;
  static void fields(auto& self, auto&& field) {
    field("axis", self.axis);
    field("momentum", self.momentum);
    field("epsilon", self.epsilon);
    field("center", self.center);
    field("scale", self.scale);
    field("beta_initializer", self.beta_initializer);
    field("gamma_initializer", self.gamma_initializer);
    field("moving_mean_initializer", self.moving_mean_initializer);
    field("moving_variance_initializer", self.moving_variance_initializer);
    field("beta_regularizer", self.beta_regularizer);
    field("gamma_regularizer", self.gamma_regularizer);
    field("beta_constraint", self.beta_constraint);
    field("gamma_constraint", self.gamma_constraint);
  }
  LayerPlan plan(Shapes inputs) const;
  void forward(const Forward& pass) const;
  void backward(const Backward& pass) const;

 private:
  template <class Counted>
  void backward(const Backward& pass, const Counted& counted) const;
  std::size_t beta_place() const { return scale ? 1 : 0; }
  std::size_t mean_place() const { return beta_place() + (center ? 1 : 0); }
};

/// A BatchNormalization layer with Keras' defaults.
Layer batch_normalization(double momentum = 0.99, double epsilon = 1e-3);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/layers/batch_normalization-inl.hpp"
#endif
