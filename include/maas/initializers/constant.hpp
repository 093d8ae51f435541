// Initializers without randomness.
#pragma once

#include "maas/initializers/initializer.hpp"

namespace maas::inline MAAS_ABI {

/// All zeros.
struct Zeros {
  static constexpr std::string_view class_name = "Zeros";
  void fill(VectorView values, const Shape& shape, const Random& random) const;
};
inline constexpr Zeros zeros{};
#if defined(MAAS_COMPILED)  // what other headers have as a default is made once, in the library
extern template Initializer::Initializer(const Zeros&);
#endif

/// All ones.
struct Ones {
  static constexpr std::string_view class_name = "Ones";
  void fill(VectorView values, const Shape& shape, const Random& random) const;
};
inline constexpr Ones ones{};
#if defined(MAAS_COMPILED)  // what other headers have as a default is made once, in the library
extern template Initializer::Initializer(const Ones&);
#endif

/// All `value` (default 0).
struct Constant {
  static constexpr std::string_view class_name = "Constant";
  double value = 0;
  static void fields(auto& self, auto&& field) { field("value", self.value); }
  void fill(VectorView values, const Shape& shape, const Random& random) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/initializers/constant-inl.hpp"
#endif
