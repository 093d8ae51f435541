// A penalty on rows or columns of a matrix that are not at right angles to each other.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "maas/regularizers/regularizer.hpp"

namespace maas::inline MAAS_ABI {

/// factor * the mean, over all pairs of different rows, of |cosine of their angle|; or of columns. A matrix of a single
/// row has the penalty 0, where Keras gives NaN. Throws ShapeError for tensors that are not matrices, ConfigError for
/// another mode. Takes time in the square of the rows.
struct OrthogonalRegularizer {
  static constexpr std::string_view class_name = "OrthogonalRegularizer";
  double factor = 0.01;
  std::string mode = "rows";  ///< or "columns"
  static void fields(auto& self, auto&& field) {
    field("factor", self.factor);
    field("mode", self.mode);
  }
  void check() const;

  double value(const ConstVectorView& w, const Shape& shape) const;

  void add_gradient(const ConstVectorView& w, const Shape& shape, VectorView gradient) const;

 private:
  /// The rows or columns of a matrix that lies row by row.
  struct Vectors {
    Index count, size, step, stride;
    Index place(Index vector, Index k) const { return vector * step + k * stride; }
  };

  Vectors vectors_of(const Shape& shape) const;
  double share(const Vectors& vectors) const;
  static double dot(const ConstVectorView& w, const Vectors& vectors, Index i, Index j);
  /// Not below 1e-6: a vector of zeros has no direction, and Keras divides it by that.
  static double length(const ConstVectorView& w, const Vectors& vectors, Index i);
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/regularizers/orthogonal-inl.hpp"
#endif
