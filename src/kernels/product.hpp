// What the product kernels are given.
#pragma once

#include "maas/ops/product.hpp"

namespace maas::inline MAAS_ABI::kernels {

/// c = a b, or c += a b if `add`; see ops::product.
struct Problem {
  Index inner;
  ops::Strided a;
  const Scalar* b;
  Index b_stride;
  Scalar* c;
  Index c_stride;
  bool add;
};

}  // namespace maas::inline MAAS_ABI::kernels
