// Adam.
#pragma once

#include <cmath>

#include "maas/ops/update.hpp"
#include "maas/optimizers/optimizer.hpp"

namespace maas::inline MAAS_ABI {

/// Kingma and Ba 2015, as Keras computes it: m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2);
/// w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon); amsgrad uses the largest v so far.
struct Adam {
  static constexpr std::string_view class_name = "Adam";
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  static void fields(auto& self, auto&& field) {
    field("learning_rate", self.learning_rate);
    field("beta_1", self.beta_1);
    field("beta_2", self.beta_2);
    field("epsilon", self.epsilon);
    field("amsgrad", self.amsgrad);
  }

  std::span<const std::string_view> slot_names() const {
    static constexpr std::string_view names[] = {"momentum", "velocity", "velocity_hat"};
    return {names, amsgrad ? 3u : 2u};
  }
  void update(const Update& u) const {
    const double t = static_cast<double>(u.step);
    const Scalar alpha =
        static_cast<Scalar>(u.learning_rate * std::sqrt(1 - std::pow(beta_2, t)) / (1 - std::pow(beta_1, t)));
    const Scalar rest_1 = static_cast<Scalar>(1 - beta_1), rest_2 = static_cast<Scalar>(1 - beta_2);
    const Scalar small = static_cast<Scalar>(epsilon);
    ops::for_each_run(u.parameters.size(), [&](Index first, Index count) {
      VectorView w = ops::part_of(u.parameters, first, count);
      VectorView m = ops::part_of(u.slots[0], first, count), v = ops::part_of(u.slots[1], first, count);
      const auto g = u.gradient.segment(first, count).array();
      m.array() += (g - m.array()) * rest_1;
      v.array() += (g.square() - v.array()) * rest_2;
      if (!amsgrad) {
        w.array() -= alpha * m.array() / (v.array().sqrt() + small);
        return;
      }
      VectorView largest = ops::part_of(u.slots[2], first, count);
      largest = largest.cwiseMax(v);
      w.array() -= alpha * m.array() / (largest.array().sqrt() + small);
    });
  }
};

}  // namespace maas::inline MAAS_ABI
