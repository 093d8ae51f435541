// Optimizers that scale every weight's step by the gradients it has seen: Adagrad, Adadelta, Ftrl; and Lion.
#pragma once

#include <cmath>

#include "maas/ops/update.hpp"
#include "maas/optimizers/optimizer.hpp"

namespace maas::inline MAAS_ABI {

/// a += g^2; w -= rate g / sqrt(a + epsilon) (Duchi and others 2011).
struct Adagrad {
  static constexpr std::string_view class_name = "Adagrad";
  LearningRate learning_rate = 0.001;
  double initial_accumulator_value = 0.1, epsilon = 1e-7;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("initial_accumulator_value", self.initial_accumulator_value);
    field("epsilon", self.epsilon);
    OptimizerOptions::fields(self.options, field);
  }
  static std::span<const std::string_view> slot_names();
  double slot_start(Index) const { return initial_accumulator_value; }
  void update(const Update& u) const;
};

/// a = rho a + (1 - rho) g^2; s = sqrt(d + epsilon) / sqrt(a + epsilon) g; d = rho d + (1 - rho) s^2; w -= rate s
/// (Zeiler 2012).
struct Adadelta {
  static constexpr std::string_view class_name = "Adadelta";
  LearningRate learning_rate = 0.001;
  double rho = 0.95, epsilon = 1e-7;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("rho", self.rho);
    field("epsilon", self.epsilon);
    OptimizerOptions::fields(self.options, field);
  }
  static std::span<const std::string_view> slot_names();
  void update(const Update& u) const;
};

/// Follow the regularized leader (McMahan and others 2013), with Keras' names: l2' = l2 + beta / (2 rate);
/// g' = g + 2 shrinkage w; n' = n + g^2; z += g' - (n'^-p - n^-p) / rate w; q = n'^-p / rate + 2 l2';
/// w = (clip(z, -l1, l1) - z) / q, p being the (negative) learning_rate_power.
struct Ftrl {
  static constexpr std::string_view class_name = "Ftrl";
  LearningRate learning_rate = 0.001;
  double learning_rate_power = -0.5, initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0, l2_regularization_strength = 0, l2_shrinkage_regularization_strength = 0;
  double beta = 0;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("learning_rate_power", self.learning_rate_power);
    field("initial_accumulator_value", self.initial_accumulator_value);
    field("l1_regularization_strength", self.l1_regularization_strength);
    field("l2_regularization_strength", self.l2_regularization_strength);
    field("l2_shrinkage_regularization_strength", self.l2_shrinkage_regularization_strength);
    field("beta", self.beta);
    OptimizerOptions::fields(self.options, field);
  }
  static std::span<const std::string_view> slot_names();
  double slot_start(Index slot) const { return slot == 0 ? initial_accumulator_value : 0; }
  void update(const Update& u) const;
};

/// w -= rate sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g (Chen and others 2023).
/// beta_1 is above 0, at most 1.
struct Lion {
  static constexpr std::string_view class_name = "Lion";
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.99;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("beta_1", self.beta_1);
    field("beta_2", self.beta_2);
    OptimizerOptions::fields(self.options, field);
  }
  void check() const;
  static std::span<const std::string_view> slot_names();
  void update(const Update& u) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/optimizers/adaptive-inl.hpp"
#endif
