// Adam and its kin.
#pragma once

#include <cmath>

#include "maas/ops/update.hpp"
#include "maas/optimizers/optimizer.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) +
/// epsilon); amsgrad uses the largest v so far. The powers of the betas are computed in Scalar, as Keras does: in float
/// 1 - 0.999 is off by 1e-5 of itself, and a run that computes it better drifts away from Keras' by as much.
struct AdamStep {
  double beta_1, beta_2, epsilon;
  bool amsgrad;

  void operator()(const Update& u) const {
    const Scalar t = static_cast<Scalar>(u.step), rate = static_cast<Scalar>(u.learning_rate);
    const Scalar power_1 = std::pow(static_cast<Scalar>(beta_1), t), power_2 = std::pow(static_cast<Scalar>(beta_2), t);
    const Scalar alpha = rate * std::sqrt(1 - power_2) / (1 - power_1);
    const Scalar rest_1 = static_cast<Scalar>(1 - beta_1), rest_2 = static_cast<Scalar>(1 - beta_2);
    const Scalar small = static_cast<Scalar>(epsilon);
    ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
      ops::adam(count, {.w = ops::place_of(u.parameters, first),
                        .g = u.gradient.data() + first,
                        .m = ops::place_of(u.slots[0], first),
                        .v = ops::place_of(u.slots[1], first),
                        .largest = amsgrad ? ops::place_of(u.slots[2], first) : nullptr,
                        .alpha = alpha,
                        .rest_1 = rest_1,
                        .rest_2 = rest_2,
                        .epsilon = small});
    });
  }
};

std::span<const std::string_view> adam_slots(bool amsgrad);

}  // namespace detail

/// Kingma and Ba 2015, as Keras computes it: m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2);
/// w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon); amsgrad uses the largest v so far.
struct Adam {
  static constexpr std::string_view class_name = "Adam";
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("beta_1", self.beta_1);
    field("beta_2", self.beta_2);
    field("epsilon", self.epsilon);
    field("amsgrad", self.amsgrad);
    OptimizerOptions::fields(self.options, field);
  }
  std::span<const std::string_view> slot_names() const { return detail::adam_slots(amsgrad); }
  void update(const Update& u) const { detail::AdamStep{beta_1, beta_2, epsilon, amsgrad}(u); }
};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019): options.weight_decay is 0.004 by default.
struct AdamW {
  static constexpr std::string_view class_name = "AdamW";
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  OptimizerOptions options = {.weight_decay = 0.004};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("beta_1", self.beta_1);
    field("beta_2", self.beta_2);
    field("epsilon", self.epsilon);
    field("amsgrad", self.amsgrad);
    OptimizerOptions::fields(self.options, field);
  }
  std::span<const std::string_view> slot_names() const { return detail::adam_slots(amsgrad); }
  void update(const Update& u) const { detail::AdamStep{beta_1, beta_2, epsilon, amsgrad}(u); }
};

/// Adam with the largest gradient in place of its mean square: m as in Adam; u = max(beta_2 u, |g|);
/// w -= rate m / ((1 - beta_1^t)(u + epsilon)).
struct Adamax {
  static constexpr std::string_view class_name = "Adamax";
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("beta_1", self.beta_1);
    field("beta_2", self.beta_2);
    field("epsilon", self.epsilon);
    OptimizerOptions::fields(self.options, field);
  }
  static std::span<const std::string_view> slot_names();
  void update(const Update& step) const;
};

/// Adam with Nesterov momentum (Dozat 2016): u_t = beta_1 (1 - 0.96^t / 2), P the product of all u_t so far;
/// w -= rate (u_{t+1} m / (1 - P u_{t+1}) + (1 - u_t) g / (1 - P)) / (sqrt(v / (1 - beta_2^t)) + epsilon).
struct Nadam {
  static constexpr std::string_view class_name = "Nadam";
  LearningRate learning_rate = 0.001;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  OptimizerOptions options = {};
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("beta_1", self.beta_1);
    field("beta_2", self.beta_2);
    field("epsilon", self.epsilon);
    OptimizerOptions::fields(self.options, field);
  }
  static std::span<const std::string_view> slot_names();
  static std::span<const std::string_view> scalar_names();
  static double scalar_start(Index) { return 1; }
  void update(const Update& step) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/optimizers/adam-inl.hpp"
#endif
