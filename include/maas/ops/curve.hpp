// Curves that products can end with.
#pragma once

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::ops {

/// Functions of single numbers that have kernels, and slopes that are read off their values. NaN stays NaN.
enum class Curve {
  none,     ///< x
  relu,     ///< max(x, 0)
  sigmoid,  ///< 1 / (1 + exp(-x))
  tanh
};

}  // namespace maas::inline MAAS_ABI::ops
