// Penalties on the absolute value and the square of weights.
#pragma once

#include "maas/regularizers/regularizer.hpp"

namespace maas::inline MAAS_ABI {

/// l1 * sum |w| + l2 * sum w^2 (no factor one half, as in Keras).
struct L1L2 {
  static constexpr std::string_view class_name = "L1L2";
  double l1 = 0, l2 = 0;
  static void fields(auto& self, auto&& field) {
    field("l1", self.l1);
    field("l2", self.l2);
  }
  double value(const ConstVectorView& w) const;
  void add_gradient(const ConstVectorView& w, VectorView gradient) const;
};

/// l1 * sum |w|; 0.01 by default.
struct L1 {
  static constexpr std::string_view class_name = "L1";
  double l1 = 0.01;
  static void fields(auto& self, auto&& field) { field("l1", self.l1); }
  double value(const ConstVectorView& w) const { return L1L2{l1, 0}.value(w); }
  void add_gradient(const ConstVectorView& w, VectorView gradient) const { L1L2{l1, 0}.add_gradient(w, gradient); }
};

/// l2 * sum w^2; 0.01 by default.
struct L2 {
  static constexpr std::string_view class_name = "L2";
  double l2 = 0.01;
  static void fields(auto& self, auto&& field) { field("l2", self.l2); }
  double value(const ConstVectorView& w) const { return L1L2{0, l2}.value(w); }
  void add_gradient(const ConstVectorView& w, VectorView gradient) const { L1L2{0, l2}.add_gradient(w, gradient); }
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/regularizers/l1_l2-inl.hpp"
#endif
