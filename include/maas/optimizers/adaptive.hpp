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
  static std::span<const std::string_view> slot_names() {
    static constexpr std::string_view names[] = {"accumulator"};
    return names;
  }
  double slot_start(Index) const { return initial_accumulator_value; }
  void update(const Update& u) const {
    const Scalar rate = static_cast<Scalar>(u.learning_rate), small = static_cast<Scalar>(epsilon);
    ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
      VectorView w = ops::part_of(u.parameters, first, count), a = ops::part_of(u.slots[0], first, count);
      const auto g = u.gradient.segment(first, count).array();
      a.array() += g.square();
      w.array() -= rate * g / (a.array() + small).sqrt();
    });
  }
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
  static std::span<const std::string_view> slot_names() {
    static constexpr std::string_view names[] = {"accumulated_grad", "accumulated_delta_var"};
    return names;
  }
  void update(const Update& u) const {
    const Scalar rate = static_cast<Scalar>(u.learning_rate), small = static_cast<Scalar>(epsilon);
    const Scalar keep = static_cast<Scalar>(rho), rest = static_cast<Scalar>(1 - rho);
    ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
      VectorView w = ops::part_of(u.parameters, first, count);
      VectorView a = ops::part_of(u.slots[0], first, count), d = ops::part_of(u.slots[1], first, count);
      const auto g = u.gradient.segment(first, count).array();
      a.array() = keep * a.array() + rest * g.square();
      const auto s = (d.array() + small).sqrt() / (a.array() + small).sqrt() * g;
      w.array() -= rate * s;
      d.array() = keep * d.array() + rest * s.square();
    });
  }
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
  static std::span<const std::string_view> slot_names() {
    static constexpr std::string_view names[] = {"accumulator", "linear"};
    return names;
  }
  double slot_start(Index slot) const { return slot == 0 ? initial_accumulator_value : 0; }
  void update(const Update& u) const {
    const Scalar rate = static_cast<Scalar>(u.learning_rate), power = static_cast<Scalar>(-learning_rate_power);
    const Scalar l1 = static_cast<Scalar>(l1_regularization_strength);
    const Scalar l2 = static_cast<Scalar>(l2_regularization_strength + beta / (2 * u.learning_rate));
    const Scalar shrink = static_cast<Scalar>(2 * l2_shrinkage_regularization_strength);
    ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
      VectorView ws = ops::part_of(u.parameters, first, count);
      VectorView ns = ops::part_of(u.slots[0], first, count), zs = ops::part_of(u.slots[1], first, count);
      for (Index i = 0; i < count; ++i) {
        Scalar &w = ws[i], &n = ns[i], &z = zs[i];
        const Scalar g = u.gradient[first + i], after = n + g * g;
        const Scalar scale = std::pow(after, power), scale_before = std::pow(n, power);
        z += g + shrink * w - (scale - scale_before) / rate * w;
        const Scalar bounded = z < -l1 ? -l1 : z > l1 ? l1 : z;
        w = (bounded - z) / (scale / rate + Scalar(2) * l2);
        n = after;
      }
    });
  }
};

/// w -= rate sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g (Chen and others 2023).
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
  static std::span<const std::string_view> slot_names() {
    static constexpr std::string_view names[] = {"momentum"};
    return names;
  }
  void update(const Update& u) const {
    const Scalar rate = static_cast<Scalar>(u.learning_rate);
    const Scalar keep_1 = static_cast<Scalar>(beta_1), rest_1 = static_cast<Scalar>(1 - beta_1);
    const Scalar keep_2 = static_cast<Scalar>(beta_2), rest_2 = static_cast<Scalar>(1 - beta_2);
    ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
      VectorView w = ops::part_of(u.parameters, first, count), m = ops::part_of(u.slots[0], first, count);
      const auto g = u.gradient.segment(first, count).array();
      w.array() -= rate * (keep_1 * m.array() + rest_1 * g).sign();
      m.array() = keep_2 * m.array() + rest_2 * g;
    });
  }
};

}  // namespace maas::inline MAAS_ABI
