// Initializers whose rows or columns stand at right angles.
#pragma once

#include <cmath>

#include "maas/initializers/initializer.hpp"

namespace maas::inline MAAS_ABI {

/// gain times the identity matrix; ones on the diagonal of a matrix that is not square. Throws ShapeError unless
/// rank 2.
struct Identity {
  static constexpr std::string_view class_name = "Identity";
  double gain = 1;
  static void fields(auto& self, auto&& field) { field("gain", self.gain); }
  void fill(VectorView values, const Shape& shape, const Random&) const;
};

/// gain times a random matrix with orthogonal columns, or rows if there are fewer of them (Saxe and others 2014): Q of
/// a normal matrix, with the signs that make it uniform among all such. All axes but the last count as rows. Throws
/// ShapeError below rank 2.
struct Orthogonal {
  static constexpr std::string_view class_name = "Orthogonal";
  double gain = 1;
  static void fields(auto& self, auto&& field) { field("gain", self.gain); }
  void fill(VectorView values, const Shape& shape, const Random& random) const;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/initializers/orthogonal-inl.hpp"
#endif
