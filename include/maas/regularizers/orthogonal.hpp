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
  void check() const {
    require<ConfigError>(mode == "rows" || mode == "columns",
                         "OrthogonalRegularizer: expected the mode rows or columns, got {}", mode);
  }

  double value(const ConstVectorView& w, const Shape& shape) const {
    const Vectors vectors = vectors_of(shape);
    double sum = 0;
    for (Index i = 0; i < vectors.count; ++i)
      for (Index j = 0; j < i; ++j)
        sum += std::abs(dot(w, vectors, i, j) / (length(w, vectors, i) * length(w, vectors, j)));
    return sum * share(vectors);
  }

  void add_gradient(const ConstVectorView& w, const Shape& shape, VectorView gradient) const {
    const Vectors vectors = vectors_of(shape);
    for (Index i = 0; i < vectors.count; ++i)
      for (Index j = 0; j < i; ++j) {
        const double a = length(w, vectors, i), b = length(w, vectors, j), cosine = dot(w, vectors, i, j) / (a * b);
        const double part = cosine > 0 ? share(vectors) : cosine < 0 ? -share(vectors) : 0.0;
        for (Index k = 0; k < vectors.size; ++k) {
          const Index at_i = vectors.place(i, k), at_j = vectors.place(j, k);
          const double u = static_cast<double>(w[at_i]) / a, v = static_cast<double>(w[at_j]) / b;
          gradient[at_i] += static_cast<Scalar>(part * (v - cosine * u) / a);
          gradient[at_j] += static_cast<Scalar>(part * (u - cosine * v) / b);
        }
      }
  }

 private:
  /// The rows or columns of a matrix that lies row by row.
  struct Vectors {
    Index count, size, step, stride;
    Index place(Index vector, Index k) const { return vector * step + k * stride; }
  };

  Vectors vectors_of(const Shape& shape) const {
    require<ShapeError>(shape.rank() == 2, "OrthogonalRegularizer: expected weights of 2 axes, got {}", shape.text());
    const Index rows = shape[0], columns = shape[1];
    return mode == "rows" ? Vectors{rows, columns, columns, 1} : Vectors{columns, rows, 1, columns};
  }
  double share(const Vectors& vectors) const {
    const double pairs = static_cast<double>(vectors.count) * static_cast<double>(vectors.count - 1) / 2;
    return pairs > 0 ? factor / pairs : 0.0;
  }
  static double dot(const ConstVectorView& w, const Vectors& vectors, Index i, Index j) {
    double sum = 0;
    for (Index k = 0; k < vectors.size; ++k)
      sum += static_cast<double>(w[vectors.place(i, k)]) * static_cast<double>(w[vectors.place(j, k)]);
    return sum;
  }
  /// Not below 1e-6: a vector of zeros has no direction, and Keras divides it by that.
  static double length(const ConstVectorView& w, const Vectors& vectors, Index i) {
    return std::max(std::sqrt(dot(w, vectors, i, i)), 1e-6);
  }
};

}  // namespace maas::inline MAAS_ABI
