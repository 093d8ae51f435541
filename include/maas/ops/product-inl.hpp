// The portable body of the product: tiles of the result stay in vector registers over the whole inner loop.
#pragma once

#include <algorithm>
#include <cstring>

#include "maas/core/parallel.hpp"
#include "maas/ops/product.hpp"

namespace maas::inline MAAS_ABI::ops {

namespace detail {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif
inline constexpr int lanes = vector_bytes / static_cast<int>(sizeof(Scalar));

// The compilers' own vectors (GCC, clang): arithmetic on all lanes at once, unaligned loads through memcpy.
typedef Scalar Lanes __attribute__((vector_size(vector_bytes)));

inline Lanes load(const Scalar* from) {
  Lanes result;
  std::memcpy(&result, from, sizeof(result));
  return result;
}
inline void store(Scalar* to, const Lanes& value) { std::memcpy(to, &value, sizeof(value)); }

/// Rows x (Vectors * lanes) elements of c.
template <int Rows, int Vectors>
void wide_tile(Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c, Index c_stride, bool add) {
  Lanes sum[Rows][Vectors] = {};
  if (add)
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) sum[r][v] = load(c + r * c_stride + v * lanes);
  for (Index k = 0; k < inner; ++k) {
    Lanes right[Vectors];
    for (int v = 0; v < Vectors; ++v) right[v] = load(b + k * b_stride + v * lanes);
    for (int r = 0; r < Rows; ++r) {
      const Scalar left = a.data[r * a.row_stride + k * a.column_stride];
      for (int v = 0; v < Vectors; ++v) sum[r][v] += left * right[v];
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) store(c + r * c_stride + v * lanes, sum[r][v]);
}

/// Rows elements of one column of c.
template <int Rows>
void thin_tile(Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c, Index c_stride, bool add) {
  Scalar sum[Rows] = {};
  if (add)
    for (int r = 0; r < Rows; ++r) sum[r] = c[r * c_stride];
  for (Index k = 0; k < inner; ++k)
    for (int r = 0; r < Rows; ++r) sum[r] += a.data[r * a.row_stride + k * a.column_stride] * b[k * b_stride];
  for (int r = 0; r < Rows; ++r) c[r * c_stride] = sum[r];
}

/// Rows x columns elements of c: wide tiles first, then narrower ones.
template <int Rows>
void band(Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c, Index c_stride, bool add) {
  Index j = 0;
  for (; j + 2 * lanes <= columns; j += 2 * lanes) wide_tile<Rows, 2>(inner, a, b + j, b_stride, c + j, c_stride, add);
  for (; j + lanes <= columns; j += lanes) wide_tile<Rows, 1>(inner, a, b + j, b_stride, c + j, c_stride, add);
  for (; j < columns; ++j) thin_tile<Rows>(inner, a, b + j, b_stride, c + j, c_stride, add);
}

inline void product_piece(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                          Index c_stride, bool add) {
  constexpr int tall = 4;
  Index i = 0;
  for (; i + tall <= rows; i += tall)
    band<tall>(columns, inner, {a.data + i * a.row_stride, a.row_stride, a.column_stride}, b, b_stride,
               c + i * c_stride, c_stride, add);
  for (; i < rows; ++i)
    band<1>(columns, inner, {a.data + i * a.row_stride, a.row_stride, a.column_stride}, b, b_stride, c + i * c_stride,
            c_stride, add);
}

}  // namespace detail

MAAS_INLINE void product(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                         Index c_stride, bool add) {
  // Below about a million multiply-adds waking threads costs more than it saves.
  constexpr Index worth_sharing = Index{1} << 20, piece_rows = 64, piece_columns = 128;
  if (rows * columns * inner < worth_sharing)
    return detail::product_piece(rows, columns, inner, a, b, b_stride, c, c_stride, add);
  const Index down = (rows + piece_rows - 1) / piece_rows, across = (columns + piece_columns - 1) / piece_columns;
  for_each_piece(down * across, [&](Index piece) {
    const Index i = piece % down * piece_rows, j = piece / down * piece_columns;
    detail::product_piece(std::min(piece_rows, rows - i), std::min(piece_columns, columns - j), inner,
                          {a.data + i * a.row_stride, a.row_stride, a.column_stride}, b + j, b_stride,
                          c + i * c_stride + j, c_stride, add);
  });
}

}  // namespace maas::inline MAAS_ABI::ops
