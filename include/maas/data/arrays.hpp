// Arrays: features and targets that lie in memory.
#pragma once

#include "maas/data/dataset.hpp"

namespace maas::inline MAAS_ABI {

/// Two matrices of the caller's, samples in rows; not copied, so they must outlive this.
class Arrays {
 public:
  /// Throws DataError where the two have different numbers of rows, or none.
  Arrays(MatrixArg x, MatrixArg y);

  Index size() const { return rows_; }
  Shape feature_shape() const { return Shape{features_}; }
  Shape target_shape() const { return Shape{targets_}; }
  void gather(std::span<const Index> rows, MatrixView x, MatrixView y) const;

 private:
  const Scalar *x_, *y_;
  Index x_stride_, y_stride_, rows_, features_, targets_;
};

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/arrays-inl.hpp"
#endif
