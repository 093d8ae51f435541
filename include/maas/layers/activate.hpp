// The end of layers that are a product and an activation.
#pragma once

#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI::detail {

/// y = activation(y), in place; `cache`, if it has memory, keeps what y was. y: rows x units, cache: as many numbers.
inline void activate(const Activation& activation, MatrixView y, MatrixView cache) {
  if (cache.size() > 0) as_rows(cache, y.cols()) = y;
  activation.forward(as_const(y), y);
}

}  // namespace maas::inline MAAS_ABI::detail
