// Matrix products on raw memory: the one loop nest under every dense layer.
#pragma once

#include "maas/ops/curve.hpp"
#include "maas/ops/strided.hpp"

namespace maas::inline MAAS_ABI::ops {

/// c = a b, or c += a b if `add`. a is rows x inner, b is inner x columns with contiguous rows `b_stride` apart, c
/// likewise with `c_stride`. c must overlap neither a nor b.
/// Every element is summed over the inner index in order, from 0 upwards, on its own: so the result of a row does not
/// depend on the other rows, nor on the number of threads. A product of one column with contiguous a and b is summed in
/// sixteen running sums that are added in halves.
void product(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
             Index c_stride, bool add = false);

/// What is done to every number of a product: the same bits as afterwards. A bias and relu before it is stored, other
/// curves piece by piece, on the thread that multiplied the piece.
struct Finish {
  const Scalar* bias = nullptr;  ///< one number a column is added; null for none
  Curve curve = Curve::none;     ///< of the sum
};

/// c = finish(a b), otherwise as product().
void finished_product(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                      Index c_stride, Finish finish);

/// The same of matrices that lie in memory without gaps: a small product is over before arguments in memory are there.
void finished_product(Index rows, Index columns, Index inner, const Scalar* a, const Scalar* b, Scalar* c,
                      Finish finish);

/// c = a b^T. a is rows x inner, b is columns x inner with contiguous rows `b_stride` apart, c as above; sums as above.
void product_transposed(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                        Index c_stride);

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/product-inl.hpp"
#endif
