// What the product kernels are given.
#pragma once

#include "maas/ops/product.hpp"

namespace maas::inline MAAS_ABI::kernels {

/// c = a b, or c += a b if `add`, then finished; see ops::product and ops::finished_product.
struct Problem {
  Index inner;
  ops::Strided a;
  const Scalar* b;
  Index b_stride;
  Scalar* c;
  Index c_stride;
  bool add;
  ops::Finish finish = {};
};

}  // namespace maas::inline MAAS_ABI::kernels
