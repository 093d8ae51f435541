// Bodies of Arrays.
#pragma once

#include <algorithm>

#include "maas/data/arrays.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Arrays::Arrays(MatrixArg x, MatrixArg y)
    : x_(x.data()),
      y_(y.data()),
      x_stride_(x.outerStride()),
      y_stride_(y.outerStride()),
      rows_(x.rows()),
      features_(x.cols()),
      targets_(y.cols()) {
  require<DataError>(x.rows() == y.rows(), "fit: expected as many targets as samples, got {} samples and {} targets",
                     x.rows(), y.rows());
  require<DataError>(x.rows() > 0, "fit: expected at least 1 sample, got none");
}

MAAS_INLINE void Arrays::gather(std::span<const Index> rows, MatrixView x, MatrixView y) const {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Index to = static_cast<Index>(i);
    std::copy_n(x_ + rows[i] * x_stride_, features_, x.data() + to * features_);
    std::copy_n(y_ + rows[i] * y_stride_, targets_, y.data() + to * targets_);
  }
}

}  // namespace maas::inline MAAS_ABI
