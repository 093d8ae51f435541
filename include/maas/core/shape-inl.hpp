// Bodies of Shape.
#pragma once

#include <limits>

#include "maas/core/shape.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Shape::Shape(std::span<const Index> dimensions) {
  require<ShapeError>(static_cast<Index>(dimensions.size()) <= max_rank,
                      "Shape: expected at most {} dimensions, got {}", max_rank, dimensions.size());
  for (Index dimension : dimensions) append(dimension);
}

MAAS_INLINE void Shape::append(Index dimension) {
  require<ShapeError>(rank_ < max_rank, "Shape: expected at most {} dimensions", max_rank);
  require<ShapeError>(dimension >= 0, "Shape: expected a dimension of at least 0, got {}", dimension);
  Index numbers = 0;
  if (__builtin_mul_overflow(size(), dimension, &numbers))
    fail<ShapeError>("Shape: {}x{} are more than {} numbers", text(), dimension, std::numeric_limits<Index>::max());
  dimensions_[static_cast<std::size_t>(rank_++)] = dimension;
}

MAAS_INLINE std::string Shape::text() const {
  std::string result;
  for (Index dimension : *this) {
    if (!result.empty()) result += 'x';
    result += std::to_string(dimension);
  }
  return result.empty() ? "scalar" : result;
}

}  // namespace maas::inline MAAS_ABI
