// Bodies of the affine map, all on the one product.
#pragma once

#include <algorithm>

#include "maas/core/parallel.hpp"
#include "maas/ops/affine.hpp"
#include "maas/ops/product.hpp"

namespace maas::inline MAAS_ABI::ops {

MAAS_INLINE void affine(const ConstMatrixView& x, const ConstMatrixView& kernel, const ConstMatrixView& bias,
                        MatrixView y) {
  product(x.rows(), kernel.cols(), x.cols(), {x.data(), x.cols(), 1}, kernel.data(), kernel.cols(), y.data(), y.cols());
  if (bias.size() > 0) y.rowwise() += bias.row(0);
}

MAAS_INLINE void affine_input_gradient(const ConstMatrixView& dy, const ConstMatrixView& kernel, MatrixView dx) {
  // W^T is packed block by block on the stack, since the product wants contiguous rows on its right side.
  constexpr Index block_inputs = 64, block_outputs = 128;
  const Index inputs = kernel.rows(), outputs = kernel.cols(), batch = dy.rows();
  const Index blocks = (inputs + block_inputs - 1) / block_inputs;
  auto one_block = [&](Index block) {
    Scalar packed[block_outputs * block_inputs];
    const Index first = block * block_inputs, width = std::min(block_inputs, inputs - first);
    for (Index k = 0; k < outputs; k += block_outputs) {
      const Index depth = std::min(block_outputs, outputs - k);
      for (Index i = 0; i < width; ++i)
        for (Index j = 0; j < depth; ++j) packed[j * width + i] = kernel.data()[(first + i) * outputs + k + j];
      product(batch, width, depth, {dy.data() + k, outputs, 1}, packed, width, dx.data() + first, inputs, k > 0);
    }
  };
  if (batch * inputs * outputs < (Index{1} << 20))
    for (Index block = 0; block < blocks; ++block) one_block(block);
  else
    for_each_piece(blocks, one_block);
}

MAAS_INLINE void affine_kernel_gradient(const ConstMatrixView& x, const ConstMatrixView& dy, MatrixView dkernel) {
  product(x.cols(), dy.cols(), x.rows(), {x.data(), 1, x.cols()}, dy.data(), dy.cols(), dkernel.data(), dkernel.cols());
}

MAAS_INLINE void column_sums(const ConstMatrixView& m, MatrixView sums) {
  sums.setZero();
  for (Index row = 0; row < m.rows(); ++row) sums.row(0) += m.row(row);
}

}  // namespace maas::inline MAAS_ABI::ops
