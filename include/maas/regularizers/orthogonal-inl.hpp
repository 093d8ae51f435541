// A penalty on rows or columns of a matrix that are not at right angles to each other: the bodies.
#pragma once

#include "maas/regularizers/orthogonal.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void OrthogonalRegularizer::check() const {
  require<ConfigError>(mode == "rows" || mode == "columns",
                       "OrthogonalRegularizer: expected the mode rows or columns, got {}", mode);
}

MAAS_INLINE double OrthogonalRegularizer::value(const ConstVectorView& w, const Shape& shape) const {
  const Vectors vectors = vectors_of(shape);
  double sum = 0;
  for (Index i = 0; i < vectors.count; ++i)
    for (Index j = 0; j < i; ++j)
      sum += std::abs(dot(w, vectors, i, j) / (length(w, vectors, i) * length(w, vectors, j)));
  return sum * share(vectors);
}

MAAS_INLINE void OrthogonalRegularizer::add_gradient(const ConstVectorView& w, const Shape& shape,
                                                     VectorView gradient) const {
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

MAAS_INLINE OrthogonalRegularizer::Vectors OrthogonalRegularizer::vectors_of(const Shape& shape) const {
  require<ShapeError>(shape.rank() == 2, "OrthogonalRegularizer: expected weights of 2 axes, got {}", shape.text());
  const Index rows = shape[0], columns = shape[1];
  return mode == "rows" ? Vectors{rows, columns, columns, 1} : Vectors{columns, rows, 1, columns};
}

MAAS_INLINE double OrthogonalRegularizer::share(const Vectors& vectors) const {
  const double pairs = static_cast<double>(vectors.count) * static_cast<double>(vectors.count - 1) / 2;
  return pairs > 0 ? factor / pairs : 0.0;
}

MAAS_INLINE double OrthogonalRegularizer::dot(const ConstVectorView& w, const Vectors& vectors, Index i, Index j) {
  double sum = 0;
  for (Index k = 0; k < vectors.size; ++k)
    sum += static_cast<double>(w[vectors.place(i, k)]) * static_cast<double>(w[vectors.place(j, k)]);
  return sum;
}

MAAS_INLINE double OrthogonalRegularizer::length(const ConstVectorView& w, const Vectors& vectors, Index i) {
  return std::max(std::sqrt(dot(w, vectors, i, i)), 1e-6);
}

}  // namespace maas::inline MAAS_ABI
