// The logarithm of a sum of exponentials.
#pragma once

#include <cmath>

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI::ops {

/// log(sum(exp(x))) of one row, without overflow.
template <class Row>
Scalar log_sum_exp(const Row& x) {
  const Scalar largest = x.maxCoeff();
  return largest + std::log((x.array() - largest).exp().sum());
}

}  // namespace maas::inline MAAS_ABI::ops
