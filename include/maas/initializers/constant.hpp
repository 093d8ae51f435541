// Initializers without randomness.
#pragma once

#include "maas/initializers/initializer.hpp"

namespace maas::inline MAAS_ABI {

/// All zeros.
struct Zeros {
  static constexpr std::string_view class_name = "Zeros";
  void fill(VectorView values, const Shape&, const Random&) const { values.setZero(); }
};
inline constexpr Zeros zeros{};

/// All ones.
struct Ones {
  static constexpr std::string_view class_name = "Ones";
  void fill(VectorView values, const Shape&, const Random&) const { values.setOnes(); }
};
inline constexpr Ones ones{};

/// All `value` (default 0).
struct Constant {
  static constexpr std::string_view class_name = "Constant";
  double value = 0;
  static void fields(auto& self, auto&& field) { field("value", self.value); }
  void fill(VectorView values, const Shape&, const Random&) const { values.setConstant(static_cast<Scalar>(value)); }
};

}  // namespace maas::inline MAAS_ABI
