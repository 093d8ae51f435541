// A matrix in memory, as products read it.
#pragma once

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::ops {

/// A matrix to read, with any distance between rows and between columns (so a transpose is free).
struct Strided {
  const Scalar* data;
  Index row_stride;
  Index column_stride;
};

}  // namespace maas::inline MAAS_ABI::ops
