// Adam's sweep over weights, alone.
#pragma once

#include "maas/ops/update.hpp"
#include "support.hpp"

namespace bench {

/// With Keras' settings, at a step in the middle of a training.
inline ops::AdamSweep adam_sweep(Scalar* w, const Scalar* g, Scalar* m, Scalar* v) {
  return {.w = w,
          .g = g,
          .m = m,
          .v = v,
          .largest = nullptr,
          .alpha = Scalar(1e-3),
          .rest_1 = Scalar(0.1),
          .rest_2 = Scalar(0.001),
          .epsilon = Scalar(1e-7)};
}

/// Seconds: three arrays are read and written, a fourth is read.
inline double adam_floor(Index count) {
  return 7.0 * static_cast<double>(count) * sizeof(Scalar) / machine().rewritten;
}

}  // namespace bench
