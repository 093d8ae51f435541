// The product of ops/product.hpp for the vectors of the processor it runs on, chosen at run time.
//
// Every element of the result is summed over the inner index in order, one fused multiply-add a term (SSE4 has none and
// rounds twice); vectors lie across the columns. So its bits depend neither on the tile it falls into, nor on the other
// rows, nor on threads. A product of one column sums along the row instead, in 16 lanes and one fixed tree.
#include "maas/ops/product.hpp"

#include <algorithm>

#include "kernels/product.hpp"
#include "kernels/targets.hpp"
#include "maas/core/parallel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace maas::inline MAAS_ABI::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using ops::Strided;

// A tile of the result is kept in registers: rows x vectors. 32 registers hold 6 x 4 sums, 16 hold 6 x 2.
constexpr bool has_32_registers = HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON;
constexpr int tile_vectors = has_32_registers ? 4 : 2;
constexpr int tile_rows = 6;

template <int Rows, int Vectors, class D>
HWY_INLINE void Tile(D d, const Problem& p, Index row, Index column) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  hn::Vec<D> sum[Rows][Vectors];
  Scalar* HWY_RESTRICT c = p.c + row * p.c_stride + column;
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) sum[r][v] = p.add ? hn::LoadU(d, c + r * p.c_stride + v * lanes) : hn::Zero(d);
  const Scalar* HWY_RESTRICT a = p.a.data + row * p.a.row_stride;
  const Scalar* HWY_RESTRICT b = p.b + column;
  for (Index k = 0; k < p.inner; ++k) {
    hn::Vec<D> right[Vectors];
    for (int v = 0; v < Vectors; ++v) right[v] = hn::LoadU(d, b + v * lanes);
    for (int r = 0; r < Rows; ++r) {
      const hn::Vec<D> left = hn::Set(d, a[r * p.a.row_stride]);
      for (int v = 0; v < Vectors; ++v) sum[r][v] = hn::MulAdd(left, right[v], sum[r][v]);
    }
    a += p.a.column_stride;
    b += p.b_stride;
  }
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) hn::StoreU(sum[r][v], d, c + r * p.c_stride + v * lanes);
}

// All rows of a strip of columns; the rows are shared out evenly over as few tiles as will do.
template <int Vectors, class D>
HWY_INLINE void Strip(D d, const Problem& p, Index rows, Index column) {
  const Index tiles = (rows + tile_rows - 1) / tile_rows;
  Index row = 0;
  for (Index left = tiles; left > 0; --left) {
    const Index height = (rows - row + left - 1) / left;
    switch (height) {
      case 1:
        Tile<1, Vectors>(d, p, row, column);
        break;
      case 2:
        Tile<2, Vectors>(d, p, row, column);
        break;
      case 3:
        Tile<3, Vectors>(d, p, row, column);
        break;
      case 4:
        Tile<4, Vectors>(d, p, row, column);
        break;
      case 5:
        Tile<5, Vectors>(d, p, row, column);
        break;
      default:
        Tile<6, Vectors>(d, p, row, column);
        break;
    }
    row += height;
  }
}

// What is left of the columns: halves of vectors, down to one number.
template <int Lanes>
HWY_INLINE void Rest(const Problem& p, Index rows, Index column, Index columns) {
  const hn::CappedTag<Scalar, Lanes> d;
  if (hn::Lanes(d) == Lanes && column + Lanes <= columns) {
    Strip<1>(d, p, rows, column);
    column += Lanes;
  }
  if constexpr (Lanes > 1) Rest<Lanes / 2>(p, rows, column, columns);
}

// One or two rows: many vectors side by side, since few rows cannot hide the latency of the sums.
template <int Rows, class D>
HWY_INLINE Index FewRows(D d, const Problem& p, Index columns) {
  constexpr int vectors = has_32_registers ? 8 : 8 / Rows;
  const Index width = vectors * static_cast<Index>(hn::Lanes(d));
  Index column = 0;
  for (; column + width <= columns; column += width) Tile<Rows, vectors>(d, p, 0, column);
  return column;
}

void ProductPiece(Index rows, Index columns, const Problem& p) {
  const hn::ScalableTag<Scalar> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  Index column = rows == 1 ? FewRows<1>(d, p, columns) : rows == 2 ? FewRows<2>(d, p, columns) : 0;
  for (; column + tile_vectors * lanes <= columns; column += tile_vectors * lanes)
    Strip<tile_vectors>(d, p, rows, column);
  if constexpr (tile_vectors > 2)
    for (; column + 2 * lanes <= columns; column += 2 * lanes) Strip<2>(d, p, rows, column);
  for (; column + lanes <= columns; column += lanes) Strip<1>(d, p, rows, column);
  Rest<8>(p, rows, column, columns);
}

// Several columns of one row side by side where a is one column: c(i) = sum over k of a(i, k) b(k), with rows of a
// contiguous in memory the other way round (row_stride 1): vectors lie across the rows.
void ColumnAcrossRows(Index rows, const Problem& p) {
  Problem turned = p;
  turned.a = {p.b, 0, p.b_stride};
  turned.b = p.a.data;
  turned.b_stride = p.a.column_stride;
  turned.c_stride = rows;
  ProductPiece(1, rows, turned);
}

// One column: the sum along each row in 16 lanes, then one fixed tree, the same on every target.
void ColumnAlongRows(Index rows, const Problem& p) {
  constexpr Index width = 16;
  const hn::CappedTag<Scalar, width> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  for (Index row = 0; row < rows; ++row) {
    HWY_ALIGN Scalar sums[width] = {};
    const Scalar* HWY_RESTRICT a = p.a.data + row * p.a.row_stride;
    const Index whole = p.inner / width * width;
    for (Index lane = 0; lane < width; lane += lanes) {
      hn::Vec<decltype(d)> sum = hn::Zero(d);
      for (Index k = lane; k < whole; k += width) sum = hn::MulAdd(hn::LoadU(d, a + k), hn::LoadU(d, p.b + k), sum);
      hn::Store(sum, d, sums + lane);
    }
    const hn::CappedTag<Scalar, 1> one;
    for (Index k = whole; k < p.inner; ++k)
      hn::StoreU(hn::MulAdd(hn::LoadU(one, a + k), hn::LoadU(one, p.b + k), hn::LoadU(one, sums + (k - whole))), one,
                 sums + (k - whole));
    for (Index half = width / 2; half > 0; half /= 2)
      for (Index lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
    Scalar& c = p.c[row * p.c_stride];
    c = p.add ? c + sums[0] : sums[0];
  }
}

// Rows of b that lie far apart are gathered into a block of this size first, once for all rows of a.
constexpr Index packed_inner = 128;
constexpr Index packed_columns = 64;

void PackedProductPiece(Index rows, Index columns, const Problem& p) {
  HWY_ALIGN_MAX Scalar packed[packed_inner * packed_columns];
  for (Index column = 0; column < columns; column += packed_columns) {
    const Index width = std::min(packed_columns, columns - column);
    for (Index k = 0; k < p.inner; k += packed_inner) {
      const Index depth = std::min(packed_inner, p.inner - k);
      for (Index i = 0; i < depth; ++i)
        std::copy_n(p.b + (k + i) * p.b_stride + column, width, packed + i * packed_columns);
      const Strided a{p.a.data + k * p.a.column_stride, p.a.row_stride, p.a.column_stride};
      ProductPiece(rows, width, {depth, a, packed, packed_columns, p.c + column, p.c_stride, p.add || k > 0});
    }
  }
}

// packed(k, i) = b(i, k) for `width` rows i and `depth` columns k of b, four by four.
HWY_INLINE void PackTransposed(const Scalar* HWY_RESTRICT b, Index b_stride, Index width, Index depth,
                               Scalar* HWY_RESTRICT packed) {
  Index whole_rows = 0, whole_columns = 0;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (sizeof(Scalar) == 4) {
    const hn::CappedTag<Scalar, 4> d;
    whole_rows = width / 4 * 4;
    whole_columns = depth / 4 * 4;
    for (Index i = 0; i < whole_rows; i += 4)
      for (Index k = 0; k < whole_columns; k += 4) {
        const Scalar* from = b + i * b_stride + k;
        Scalar* to = packed + k * packed_columns + i;
        const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + b_stride);
        const auto r2 = hn::LoadU(d, from + 2 * b_stride), r3 = hn::LoadU(d, from + 3 * b_stride);
        const auto low01 = hn::InterleaveLower(d, r0, r1), low23 = hn::InterleaveLower(d, r2, r3);
        const auto high01 = hn::InterleaveUpper(d, r0, r1), high23 = hn::InterleaveUpper(d, r2, r3);
        hn::StoreU(hn::ConcatLowerLower(d, low23, low01), d, to);
        hn::StoreU(hn::ConcatUpperUpper(d, low23, low01), d, to + packed_columns);
        hn::StoreU(hn::ConcatLowerLower(d, high23, high01), d, to + 2 * packed_columns);
        hn::StoreU(hn::ConcatUpperUpper(d, high23, high01), d, to + 3 * packed_columns);
      }
  }
#endif
  for (Index i = 0; i < width; ++i)
    for (Index k = i < whole_rows ? whole_columns : 0; k < depth; ++k)
      packed[k * packed_columns + i] = b[i * b_stride + k];
}

// As PackedProductPiece, for a b given by its rows: c = a b^T. `columns` counts the rows of b.
void TransposedProductPiece(Index rows, Index columns, const Problem& p) {
  HWY_ALIGN_MAX Scalar packed[packed_inner * packed_columns];
  for (Index column = 0; column < columns; column += packed_columns) {
    const Index width = std::min(packed_columns, columns - column);
    for (Index k = 0; k < p.inner; k += packed_inner) {
      const Index depth = std::min(packed_inner, p.inner - k);
      PackTransposed(p.b + column * p.b_stride + k, p.b_stride, width, depth, packed);
      const Strided a{p.a.data + k * p.a.column_stride, p.a.row_stride, p.a.column_stride};
      ProductPiece(rows, width, {depth, a, packed, packed_columns, p.c + column, p.c_stride, p.add || k > 0});
    }
  }
}

// One or two rows of a large b: a few rows of b at a time, so that it is read from front to back.
void StreamedProductPiece(Index rows, Index columns, const Problem& p) {
  constexpr Index depth = 16;
  for (Index k = 0; k < p.inner; k += depth) {
    const Strided a{p.a.data + k * p.a.column_stride, p.a.row_stride, p.a.column_stride};
    ProductPiece(rows, columns,
                 {std::min(depth, p.inner - k), a, p.b + k * p.b_stride, p.b_stride, p.c, p.c_stride, p.add || k > 0});
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maas::inline MAAS_ABI::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace maas::inline MAAS_ABI {

namespace kernels {

HWY_EXPORT(ProductPiece);
HWY_EXPORT(PackedProductPiece);
HWY_EXPORT(StreamedProductPiece);
HWY_EXPORT(TransposedProductPiece);
HWY_EXPORT(ColumnAlongRows);
HWY_EXPORT(ColumnAcrossRows);

namespace {

using PieceFunction = void (*)(Index rows, Index columns, const Problem& problem);

constexpr Index worth_sharing = Index{1} << 20;  // multiply-adds; below it waking threads costs more than it saves

// Cuts the larger side of the result into pieces for the pool. `b_column` is how far apart columns of b lie.
void share_out(PieceFunction work, Index rows, Index columns, const Problem& p, Index b_column) {
  if (rows * columns * p.inner < worth_sharing) return work(rows, columns, p);
  const bool across = columns >= rows;
  const Index piece_size = across ? 128 : 96, whole = across ? columns : rows;
  for_each_piece((whole + piece_size - 1) / piece_size, [&](Index piece) {
    const Index first = piece * piece_size, size = std::min(piece_size, whole - first);
    Problem part = p;
    part.c += across ? first : first * p.c_stride;
    if (across)
      part.b += first * b_column;
    else
      part.a.data += first * p.a.row_stride;
    work(across ? rows : size, across ? size : columns, part);
  });
}

}  // namespace

}  // namespace kernels

namespace ops {

void product(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
             Index c_stride, bool add) {
  kernels::choose_target();
  const kernels::Problem problem{inner, a, b, b_stride, c, c_stride, add};
  if (columns == 1 && b_stride == 1 && a.column_stride == 1)
    return HWY_DYNAMIC_DISPATCH(kernels::ColumnAlongRows)(rows, problem);
  if (columns == 1 && c_stride == 1 && a.row_stride == 1 && !add)
    return HWY_DYNAMIC_DISPATCH(kernels::ColumnAcrossRows)(rows, problem);
  // A b that does not stay in the second-level cache is read in order; one whose rows lie far apart is packed.
  constexpr Index large = Index{1} << 16, far_apart = 2048 / static_cast<Index>(sizeof(Scalar));
  if (rows < 8 && inner * columns >= large)
    return kernels::share_out(HWY_DYNAMIC_DISPATCH(kernels::StreamedProductPiece), rows, columns, problem, 1);
  if (rows >= 8 && b_stride >= far_apart && inner >= 8)
    return kernels::share_out(HWY_DYNAMIC_DISPATCH(kernels::PackedProductPiece), rows, columns, problem, 1);
  kernels::share_out(HWY_DYNAMIC_DISPATCH(kernels::ProductPiece), rows, columns, problem, 1);
}

void product_transposed(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                        Index c_stride) {
  kernels::choose_target();
  const kernels::Problem problem{inner, a, b, b_stride, c, c_stride, false};
  kernels::share_out(HWY_DYNAMIC_DISPATCH(kernels::TransposedProductPiece), rows, columns, problem, b_stride);
}

}  // namespace ops

}  // namespace maas::inline MAAS_ABI

#endif
