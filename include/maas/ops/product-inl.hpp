// The portable body of the product: tiles of the result stay in vector registers over the whole inner loop.
#pragma once

#include <algorithm>

#include "maas/core/parallel.hpp"
#include "maas/ops/elementwise.hpp"
#include "maas/ops/portable.hpp"
#include "maas/ops/product.hpp"
#include "maas/ops/tile.hpp"

namespace maas::inline MAAS_ABI::ops {
MAAS_PORTABLE_BEGIN

inline namespace MAAS_VECTORS {

// Rows and vectors of a tile: as many sums as fit into the registers (32 of them with 64-byte vectors, else 16) beside
// a row of b and a number of a, and enough of them to hide how long an addition takes.
#if MAAS_VECTOR_BYTES == 64
inline constexpr int tallest = 6;
constexpr int vectors_of(int rows) { return rows < 3 ? 8 : rows == 3 ? 6 : 4; }
#else
inline constexpr int tallest = MAAS_VECTOR_BYTES == 32 ? 6 : 4;
constexpr int vectors_of(int rows) { return rows == 1 ? 8 : rows == 2 ? 4 : rows == 3 ? 3 : 2; }
#endif

/// The last columns of a band, fewer than `Width`: narrower and narrower vectors.
template <int Rows, int Width>
void band_rest(Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c, Index c_stride,
               bool add) {
  constexpr int width = narrower(Width);
  Index j = 0;
  for (; j + width <= columns; j += width) tile<Rows, 1, width>(inner, a, b + j, b_stride, c + j, c_stride, add);
  if constexpr (width > 1)
    if (j < columns) band_rest<Rows, width>(columns - j, inner, a, b + j, b_stride, c + j, c_stride, add);
}

/// Rows x columns elements of c.
template <int Rows>
void band(Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c, Index c_stride, bool add) {
  constexpr int vectors = vectors_of(Rows), wide = vectors * lanes;
  Index j = 0;
  for (; j + wide <= columns; j += wide) tile<Rows, vectors, lanes>(inner, a, b + j, b_stride, c + j, c_stride, add);
  for (; j + lanes <= columns; j += lanes) tile<Rows, 1, lanes>(inner, a, b + j, b_stride, c + j, c_stride, add);
  if (j < columns) band_rest<Rows, lanes>(columns - j, inner, a, b + j, b_stride, c + j, c_stride, add);
}

/// A band of `rows` rows, at most `Rows`.
template <int Rows = tallest>
void band_of(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
             Index c_stride, bool add) {
  if constexpr (Rows > 1)
    if (rows < Rows) return band_of<Rows - 1>(rows, columns, inner, a, b, b_stride, c, c_stride, add);
  band<Rows>(columns, inner, a, b, b_stride, c, c_stride, add);
}

/// All of c, on this thread: bands of nearly the same height, so that none is left thin.
inline void product_piece(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                          Index c_stride, bool add) {
  if (columns == 1 && a.column_stride == 1 && b_stride == 1) {
    for (Index i = 0; i < rows; ++i) {
      const Scalar sum = dot(inner, a.data + i * a.row_stride, b);
      c[i * c_stride] = add ? c[i * c_stride] + sum : sum;
    }
    return;
  }
  const Index bands = (rows + tallest - 1) / tallest;
  for (Index band = 0, i = 0; band < bands; ++band) {
    const Index height = (rows - i + bands - band - 1) / (bands - band);
    band_of(height, columns, inner, {a.data + i * a.row_stride, a.row_stride, a.column_stride}, b, b_stride,
            c + i * c_stride, c_stride, add);
    i += height;
  }
}

}  // namespace MAAS_VECTORS

MAAS_INLINE void product(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                         Index c_stride, bool add) {
  // Below about a million multiply-adds waking threads costs more than it saves.
  constexpr Index worth_sharing = Index{1} << 20, piece_rows = 64, piece_columns = 128;
  if (rows * columns * inner < worth_sharing)
    return product_piece(rows, columns, inner, a, b, b_stride, c, c_stride, add);
  const Index down = (rows + piece_rows - 1) / piece_rows, across = (columns + piece_columns - 1) / piece_columns;
  for_each_piece(down * across, [&](Index piece) {
    const Index i = piece % down * piece_rows, j = piece / down * piece_columns;
    product_piece(std::min(piece_rows, rows - i), std::min(piece_columns, columns - j), inner,
                  {a.data + i * a.row_stride, a.row_stride, a.column_stride}, b + j, b_stride, c + i * c_stride + j,
                  c_stride, add);
  });
}

MAAS_INLINE void finished_product(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride,
                                  Scalar* c, Index c_stride, Finish finish) {
  (product)(rows, columns, inner, a, b, b_stride, c, c_stride);  // not the one of ops, if both are there
  const Index side_by_side = c_stride == columns ? rows : 1;     // rows in one piece of memory
  for (Index row = 0; row < rows; row += side_by_side, c += c_stride) {
    if (finish.bias != nullptr) add_row(side_by_side, columns, finish.bias, c);
    (apply_curve)(finish.curve, side_by_side * columns, c, c);
  }
}

MAAS_INLINE void finished_product(Index rows, Index columns, Index inner, const Scalar* a, const Scalar* b, Scalar* c,
                                  Finish finish) {
  (finished_product)(rows, columns, inner, Strided{a, inner, 1}, b, columns, c, columns, finish);
}

MAAS_INLINE void product_transposed(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride,
                                    Scalar* c, Index c_stride) {
  // b^T is packed block by block on the stack, since the product wants contiguous rows on its right side.
  constexpr Index block_columns = 64, block_inner = 128;
  auto one_block = [&](Index block) {
    Scalar packed[block_inner * block_columns];
    const Index first = block * block_columns, width = std::min(block_columns, columns - first);
    for (Index k = 0; k < inner; k += block_inner) {
      const Index depth = std::min(block_inner, inner - k);
      for (Index i = 0; i < width; ++i)
        for (Index j = 0; j < depth; ++j) packed[j * width + i] = b[(first + i) * b_stride + k + j];
      product(rows, width, depth, {a.data + k * a.column_stride, a.row_stride, a.column_stride}, packed, width,
              c + first, c_stride, k > 0);
    }
  };
  const Index blocks = (columns + block_columns - 1) / block_columns;
  if (rows * columns * inner < (Index{1} << 20))
    for (Index block = 0; block < blocks; ++block) one_block(block);
  else
    for_each_piece(blocks, one_block);
}

MAAS_PORTABLE_END
}  // namespace maas::inline MAAS_ABI::ops
