// The portable body of the product with a compact matrix: blocks of it are expanded, then multiplied as any other.
#pragma once

#include <algorithm>

#include "maas/ops/compact.hpp"
#include "maas/ops/elementwise.hpp"
#include "maas/ops/portable.hpp"
#include "maas/ops/product.hpp"

namespace maas::inline MAAS_ABI::ops {
MAAS_PORTABLE_BEGIN

MAAS_INLINE void compact_affine(const ConstMatrixView& x, const CompactView& kernel, const ConstMatrixView& bias,
                                MatrixView y, Curve curve) {
  constexpr Index deep = 128, wide = 64;
  Scalar block[deep * wide];
  for (Index which = 0; which < detail::panels_of(kernel); ++which) {
    const detail::Panel panel = detail::panel_of(kernel, which);
    for (Index from = 0; from < panel.used; from += wide) {
      const Index width = std::min(wide, panel.used - from), column = panel.first + from;
      // One column alone would be summed another way.
      const Index padded = std::max(width, Index{2});
      Scalar* to = y.data() + column;
      Scalar pair[2];
      for (Index k = 0; k < kernel.inner; k += deep) {
        const Index depth = std::min(deep, kernel.inner - k);
        detail::unpack(kernel, panel, k, depth, from, padded, block, wide);
        if (width > 1) {
          product(x.rows(), width, depth, {x.data() + k, x.cols(), 1}, block, wide, to, y.cols(), k > 0);
          continue;
        }
        for (Index row = 0; row < x.rows(); ++row) {
          pair[0] = k > 0 ? to[row * y.cols()] : Scalar(0);
          pair[1] = 0;
          product(1, 2, depth, {x.data() + row * x.cols() + k, x.cols(), 1}, block, wide, pair, 2, true);
          to[row * y.cols()] = pair[0];
        }
      }
      for (Index row = 0; row < x.rows(); ++row)
        for (Index i = 0; i < width; ++i) {
          Scalar& value = to[row * y.cols() + i];
          if (kernel.inner == 0) value = 0;
          if (bias.size() > 0) value += bias.data()[column + i];
        }
    }
  }
  (apply_curve)(curve, y.size(), y.data(), y.data());
}

MAAS_PORTABLE_END
}  // namespace maas::inline MAAS_ABI::ops
