// Bodies of the mean and sum of predictions.
#pragma once

#include "maas/metrics/reduction.hpp"

namespace maas::inline MAAS_ABI::metrics {

MAAS_INLINE void Mean::values(const ConstMatrixView& predicted, const ConstMatrixView&, VectorView out) const {
  out = predicted.rowwise().mean();
}

MAAS_INLINE void Sum::add(std::span<double> state, const ConstMatrixView& predicted, const ConstMatrixView&,
                          const ConstVectorView& weights) const {
  for (Index row = 0; row < predicted.rows(); ++row)
    for (Index i = 0; i < predicted.cols(); ++i)
      state[0] +=
          static_cast<double>(predicted(row, i)) * (weights.size() > 0 ? static_cast<double>(weights[row]) : 1.0);
}

}  // namespace maas::inline MAAS_ABI::metrics
