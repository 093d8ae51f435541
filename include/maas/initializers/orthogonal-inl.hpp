// Initializers whose rows or columns stand at right angles: the bodies.
#pragma once

#include "maas/initializers/orthogonal.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE void Identity::fill(VectorView values, const Shape& shape, const Random&) const {
  require<ShapeError>(shape.rank() == 2, "Identity: expected a weight of rank 2, got {}", shape.text());
  values.setZero();
  for (Index i = 0; i < std::min(shape[0], shape[1]); ++i) values[i * shape[1] + i] = static_cast<Scalar>(gain);
}

MAAS_INLINE void Orthogonal::fill(VectorView values, const Shape& shape, const Random& random) const {
  require<ShapeError>(shape.rank() >= 2, "Orthogonal: expected a weight of rank 2 or more, got {}", shape.text());
  const Index columns = shape.last(), rows = columns == 0 ? 0 : shape.size() / columns;
  const Index length = std::max(rows, columns), count = std::min(rows, columns);
  // Vectors are made orthogonal one by one; twice, since once loses digits. Each keeps the direction of its normal
  // draw, which is the choice of sign that Keras makes (a positive diagonal of R).
  Eigen::MatrixXd vectors(length, count);
  for (Index i = 0; i < count; ++i) {
    for (Index k = 0; k < length; ++k) vectors(k, i) = random.normal(static_cast<std::uint64_t>(i * length + k));
    for (int pass = 0; pass < 2; ++pass)
      for (Index j = 0; j < i; ++j) vectors.col(i) -= vectors.col(j).dot(vectors.col(i)) * vectors.col(j);
    vectors.col(i).normalize();
  }
  for (Index row = 0; row < rows; ++row)
    for (Index column = 0; column < columns; ++column)
      values[row * columns + column] =
          static_cast<Scalar>(gain * (rows >= columns ? vectors(row, column) : vectors(column, row)));
}

}  // namespace maas::inline MAAS_ABI
