// The product of ops/product.hpp for the vectors of the processor it runs on, chosen at run time.
//
// Every element of the result is summed over the inner index in order, one fused multiply-add a term (SSE4 has none and
// rounds twice); vectors lie across the columns. So its bits depend neither on the tile it falls into, nor on the other
// rows, nor on threads. A product of one column sums along the row instead, in 16 lanes and one fixed tree.
#include "maas/ops/product.hpp"

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "kernels/portable.hpp"
#include "kernels/product.hpp"
#include "kernels/targets.hpp"
#include "maas/core/parallel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/product.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/dispatch.hpp"
#include "kernels/vectors.hpp"

HWY_BEFORE_NAMESPACE();
namespace maas::inline MAAS_ABI::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using ops::Strided;

// A tile of the result is kept in registers: rows x vectors. 32 registers hold 6 x 4 sums, 16 hold 6 x 2.
constexpr bool has_32_registers = HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON;
constexpr int tile_vectors = has_32_registers ? 4 : 2;
constexpr int tile_rows = 6;

struct Nothing {
  HWY_INLINE void Fetch() {}
};

// Where blocks are multiplied, the next one is fetched meanwhile, and c's lines before they are written: stores that
// miss the caches wait one for the other.
template <class Next>
constexpr bool fetches_result = !std::is_same_v<Next, Nothing>;

// A result larger than all caches is written past them, once and without being read first.
struct AheadOfStream : Ahead {};
template <class Next>
constexpr bool streams_result = std::is_same_v<Next, AheadOfStream>;

// One term of all sums of a tile.
template <int Rows, int Vectors, class D>
HWY_INLINE void Step(D d, const Scalar* HWY_RESTRICT a, Index a_stride, const Scalar* HWY_RESTRICT b,
                     hn::Vec<D> (&sum)[Rows][Vectors]) {
  hn::Vec<D> right[Vectors];
  for (int v = 0; v < Vectors; ++v) right[v] = hn::LoadU(d, b + v * static_cast<Index>(hn::Lanes(d)));
  for (int r = 0; r < Rows; ++r) {
    const hn::Vec<D> left = hn::Set(d, a[r * a_stride]);
    for (int v = 0; v < Vectors; ++v) sum[r][v] = hn::MulAdd(left, right[v], sum[r][v]);
  }
}

// max(x, 0), and NaN stays NaN.
template <class D>
HWY_INLINE hn::Vec<D> Rectify(D d, hn::Vec<D> x) {
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
}

// `Width` numbers into the first-level cache.
template <Index Width>
HWY_INLINE void FetchRow(const Scalar* row) {
  constexpr Index line = 64 / static_cast<Index>(sizeof(Scalar));
  for (Index i = 0; i < Width; i += line) __builtin_prefetch(row + i, 0, 3);
}

template <int Rows, int Vectors, class D, class Next>
HWY_INLINE void Tile(D d, const Problem& p, Index row, Index column, Next& next) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  hn::Vec<D> sum[Rows][Vectors];
  Scalar* HWY_RESTRICT c = p.c + row * p.c_stride + column;
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) {
      sum[r][v] = p.add ? hn::LoadU(d, c + r * p.c_stride + v * lanes) : hn::Zero(d);
      if (p.add)
        __builtin_prefetch(c + (r + Rows) * p.c_stride + v * lanes, 1, 3);  // of the tile below
      else if constexpr (fetches_result<Next> && !streams_result<Next>)
        __builtin_prefetch(c + r * p.c_stride + v * lanes, 1, 3);
    }
  const Scalar* HWY_RESTRICT a = p.a.data + row * p.a.row_stride;
  const Scalar* HWY_RESTRICT b = p.b + column;
  const Index a_stride = p.a.row_stride, a_step = p.a.column_stride, b_step = p.b_stride;
  Index k = p.inner;
  if constexpr (Rows <= 2) {
    // These read b as fast as it comes, from the second-level cache most often. Several terms at a time would be
    // reordered by the compiler, and lines that are not asked for in order come at two thirds of the rate; eight
    // vectors at a time outrun the processor's own prefetching.
    if (b_step < far_apart) {
      if constexpr (Vectors == 8) {
        constexpr Index width = Vectors * static_cast<Index>(hn::MaxLanes(D())),
                        ahead = std::max<Index>(2, 256 / width);
        for (; k > ahead; --k, a += a_step, b += b_step) {
          FetchRow<width>(b + ahead * b_step);
          Step<Rows, Vectors>(d, a, a_stride, b, sum);
        }
      }
      for (; k > 0; --k, a += a_step, b += b_step) {
        next.Fetch();
        Step<Rows, Vectors>(d, a, a_stride, b, sum);
      }
    }
  }
  if constexpr (Vectors == 1) {  // few sums, which the loop's own steps would keep waiting
    for (; k >= 4; k -= 4) {
      next.Fetch();
      for (int i = 0; i < 4; ++i, a += a_step, b += b_step) Step<Rows, Vectors>(d, a, a_stride, b, sum);
    }
  }
  // One term at a time: compilers mix several, and run out of registers. What fetches keeps its pace.
  for (; k > 0; --k, a += a_step, b += b_step) {
    if (k % 4 == 0) next.Fetch();
    Step<Rows, Vectors>(d, a, a_stride, b, sum);
  }
  if (p.finish.bias != nullptr)
    for (int v = 0; v < Vectors; ++v) {
      const hn::Vec<D> bias = hn::LoadU(d, p.finish.bias + column + v * lanes);
      for (int r = 0; r < Rows; ++r) sum[r][v] = hn::Add(sum[r][v], bias);
    }
  if (p.finish.curve == ops::Curve::relu)
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) sum[r][v] = Rectify(d, sum[r][v]);
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) {
      Scalar* to = c + r * p.c_stride + v * lanes;
      if constexpr (streams_result<Next>)
        hn::Stream(sum[r][v], d, to);
      else
        hn::StoreU(sum[r][v], d, to);
    }
}

// All rows of a strip of columns; the rows are shared out evenly over as few tiles as will do.
template <int Vectors, class D, class Next>
HWY_INLINE void Strip(D d, const Problem& p, Index rows, Index column, Next& next) {
  const Index tiles = (rows + tile_rows - 1) / tile_rows;
  Index row = 0;
  for (Index left = tiles; left > 0; --left) {
    const Index height = (rows - row + left - 1) / left;
    switch (height) {
      case 1:
        Tile<1, Vectors>(d, p, row, column, next);
        break;
      case 2:
        Tile<2, Vectors>(d, p, row, column, next);
        break;
      case 3:
        Tile<3, Vectors>(d, p, row, column, next);
        break;
      case 4:
        Tile<4, Vectors>(d, p, row, column, next);
        break;
      case 5:
        Tile<5, Vectors>(d, p, row, column, next);
        break;
      default:
        Tile<6, Vectors>(d, p, row, column, next);
        break;
    }
    row += height;
  }
}

// What is left of the columns: halves of vectors, down to one number.
template <int Lanes, class Next>
HWY_INLINE void Rest(const Problem& p, Index rows, Index column, Index columns, Next& next) {
  const hn::CappedTag<Scalar, Lanes> d;
  if (hn::Lanes(d) == Lanes && column + Lanes <= columns) {
    Strip<1>(d, p, rows, column, next);
    column += Lanes;
  }
  if constexpr (Lanes > 1) Rest<Lanes / 2>(p, rows, column, columns, next);
}

// One or two rows: many vectors side by side, since few rows cannot hide the latency of the sums.
template <int Rows, class D, class Next>
HWY_INLINE Index FewRows(D d, const Problem& p, Index columns, Next& next) {
  constexpr int vectors = has_32_registers ? 8 : 8 / Rows;
  const Index width = vectors * static_cast<Index>(hn::Lanes(d));
  Index column = 0;
  for (; column + width <= columns; column += width) Tile<Rows, vectors>(d, p, 0, column, next);
  return column;
}

// Last columns that do not fill their vectors, of at least 8 rows. What lies behind them in b is taken along, and sums
// are kept beside c: what is computed too much costs less than another pass over a for every narrower vector. The last
// rows of b, behind which its memory may end, are copied.
template <int Vectors, class D, class Next>
HWY_INLINE void PaddedStrip(D d, const Problem& p, Index rows, Index column, Index columns, Next& next) {
  constexpr Index lanes = static_cast<Index>(hn::MaxLanes(D())), width = Vectors * lanes;
  constexpr int tall = Vectors == 1 ? 8 : tile_rows;
  HWY_ALIGN_MAX Scalar last[lanes * width];
  HWY_ALIGN_MAX Scalar sums[2 * tall * width];  // tiles fetch what lies below them
  const Index used = columns - column, surplus = width - used;
  const Index copied = std::min(p.inner, (surplus + p.b_stride - 1) / p.b_stride), safe = p.inner - copied;
  const Scalar* from = p.b + safe * p.b_stride + column;
  for (Index i = 0; i < copied; ++i)
    for (Index j = 0; j < width; ++j) last[i * width + j] = j < used ? from[i * p.b_stride + j] : Scalar(0);
  for (Index row = 0; row < rows; row += tall) {
    const Index height = std::min(Index{tall}, rows - row);
    Scalar* c = p.c + row * p.c_stride + column;
    if (p.add)
      for (Index i = 0; i < height; ++i)
        for (Index j = 0; j < width; ++j) sums[i * width + j] = j < used ? c[i * p.c_stride + j] : Scalar(0);
    const auto multiply = [&](const Problem& part) HWY_ATTR {
      if (height == tall)
        Tile<tall, Vectors>(d, part, 0, 0, next);
      else
        Strip<Vectors>(d, part, height, 0, next);
    };
    const Scalar* a = p.a.data + row * p.a.row_stride;
    multiply({safe, {a, p.a.row_stride, p.a.column_stride}, p.b + column, p.b_stride, sums, width, p.add});
    multiply(
        {copied, {a + safe * p.a.column_stride, p.a.row_stride, p.a.column_stride}, last, width, sums, width, true});
    for (Index i = 0; i < height; ++i)
      for (Index j = 0; j < used; ++j) {
        Scalar x = sums[i * width + j];
        if (p.finish.bias != nullptr) x += p.finish.bias[column + j];
        c[i * p.c_stride + j] = p.finish.curve == ops::Curve::relu && x < 0 ? Scalar(0) : x;
      }
  }
}

template <class Next>
HWY_INLINE void ProductOf(Index rows, Index columns, const Problem& p, Next& next) {
  const hn::ScalableTag<Scalar> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  Index column = rows == 1 ? FewRows<1>(d, p, columns, next) : rows == 2 ? FewRows<2>(d, p, columns, next) : 0;
  for (; column + tile_vectors * lanes <= columns; column += tile_vectors * lanes)
    Strip<tile_vectors>(d, p, rows, column, next);
  if constexpr (tile_vectors > 2)
    for (; column + 2 * lanes <= columns; column += 2 * lanes) Strip<2>(d, p, rows, column, next);
  if (const Index left = columns - column; left % lanes != 0 && rows >= 8 && p.inner >= 32) {
    if (left > lanes) return PaddedStrip<2>(d, p, rows, column, columns, next);
    return PaddedStrip<1>(d, p, rows, column, columns, next);
  }
  for (; column + lanes <= columns; column += lanes) Strip<1>(d, p, rows, column, next);
  Rest<8>(p, rows, column, columns, next);
}

// All other ways come down to one of these three: the tiles are compiled twice, some of them three times.
HWY_NOINLINE void ProductPieceAhead(Index rows, Index columns, const Problem& p, Ahead next) {
  ProductOf(rows, columns, p, next);
}

// Whole tiles alone; see with_stream. Older vectors are not worth the bytes of more tiles.
HWY_NOINLINE void ProductPieceStreamed(Index rows, Index columns, const Problem& p, AheadOfStream next) {
  if constexpr (HWY_TARGET <= HWY_AVX2) {
    const hn::ScalableTag<Scalar> d;
    const Index width = tile_vectors * static_cast<Index>(hn::Lanes(d));
    for (Index column = 0; column < columns; column += width) Strip<tile_vectors>(d, p, rows, column, next);
  } else {
    ProductPieceAhead(rows, columns, p, next);
  }
}

HWY_NOINLINE void ProductPiece(Index rows, Index columns, const Problem& p) {
  Nothing next;
  ProductOf(rows, columns, p, next);
}

// One row by a matrix without gaps: what a prediction of one sample is made of. Between two of them the weights have
// passed through the first-level cache, so that each line of memory that is touched beside them costs: no frame, no
// arguments in memory.
void RowPiece(Index columns, Index inner, const Scalar* a, const Scalar* b, Scalar* c, const Scalar* bias,
              bool rectify) {
  const hn::ScalableTag<Scalar> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const ops::Finish finish{bias, rectify ? ops::Curve::relu : ops::Curve::none};
  const Problem p{inner, {a, inner, 1}, b, columns, c, columns, false, finish};
  Nothing next;
  Index column = FewRows<1>(d, p, columns, next);
  if constexpr (tile_vectors < 8)
    for (; column + tile_vectors * lanes <= columns; column += tile_vectors * lanes)
      Tile<1, tile_vectors>(d, p, 0, column, next);
  if constexpr (tile_vectors > 2)
    for (; column + 2 * lanes <= columns; column += 2 * lanes) Tile<1, 2>(d, p, 0, column, next);
  for (; column + lanes <= columns; column += lanes) Tile<1, 1>(d, p, 0, column, next);
  Rest<8>(p, 1, column, columns, next);
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

// The last terms, fewer than there are lanes: each is added to a lane of its own.
template <class D, std::size_t Vectors>
HWY_INLINE void AddRest(D d, const Scalar* a, const Scalar* b, Index terms, hn::Vec<D> (&sum)[Vectors]) {
  constexpr Index lanes = static_cast<Index>(hn::MaxLanes(D()));
  if constexpr (HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86) {  // reads nothing but these
    for (std::size_t v = 0; v < Vectors; ++v) {
      const Index first = static_cast<Index>(v) * lanes;
      if (first >= terms) return;
      const auto there = hn::FirstN(d, static_cast<std::size_t>(std::min(lanes, terms - first)));
      sum[v] = hn::MulAdd(hn::MaskedLoad(there, d, a + first), hn::MaskedLoad(there, d, b + first), sum[v]);
    }
  } else {
    HWY_ALIGN Scalar sums[Vectors * lanes];
    for (std::size_t v = 0; v < Vectors; ++v) hn::Store(sum[v], d, sums + static_cast<Index>(v) * lanes);
    const hn::CappedTag<Scalar, 1> one;
    for (Index k = 0; k < terms; ++k)
      hn::StoreU(hn::MulAdd(hn::LoadU(one, a + k), hn::LoadU(one, b + k), hn::LoadU(one, sums + k)), one, sums + k);
    for (std::size_t v = 0; v < Vectors; ++v) sum[v] = hn::Load(d, sums + static_cast<Index>(v) * lanes);
  }
}

// One column: the sum along each row in 16 lanes, then one fixed tree, the same on every target.
void ColumnAlongRows(Index rows, const Problem& p) {
  constexpr Index width = 16;
  const hn::CappedTag<Scalar, width> d;
  constexpr Index lanes = static_cast<Index>(hn::MaxLanes(d));
  constexpr int vectors = static_cast<int>(width / lanes);
  for (Index row = 0; row < rows; ++row) {
    const Scalar* HWY_RESTRICT a = p.a.data + row * p.a.row_stride;
    const Index whole = p.inner / width * width;
    hn::Vec<decltype(d)> sum[vectors];
    for (int v = 0; v < vectors; ++v) sum[v] = hn::Zero(d);
    for (Index k = 0; k < whole; k += width)
      for (int v = 0; v < vectors; ++v)
        sum[v] = hn::MulAdd(hn::LoadU(d, a + k + v * lanes), hn::LoadU(d, p.b + k + v * lanes), sum[v]);
    if (whole < p.inner) AddRest(d, a + whole, p.b + whole, p.inner - whole, sum);
    const Scalar total = AddHalves(d, sum);
    Scalar& c = p.c[row * p.c_stride];
    c = p.add ? c + total : total;
    if (p.finish.bias != nullptr) c += *p.finish.bias;
    if (p.finish.curve == ops::Curve::relu && c < 0) c = 0;
  }
}

// Large products work on blocks of a and b that are copied together: rows that lie far apart would drive each other out
// of the caches. A block of b stays in the second level, together with the block of a that all blocks of b beside it
// use. Both lie on the stack: 256 KB with floats.
constexpr Index packed_columns = 64;
constexpr Index packed_left = Index{48} << 10;

// One block of b, from (k, column) on.
struct BlockOf {
  Index k, column, depth, width;
  BlockOf(const Problem& p, Index columns, Index deep, Index k_, Index column_)
      : k(k_),
        column(column_),
        depth(std::min(deep, p.inner - k_)),
        width(std::min(packed_columns, columns - column_)) {}
};

// Calls work(block, next) for all blocks of b, side by side and then down; `next` is null at the end.
template <class Work>
HWY_INLINE void ForBlocks(const Problem& p, Index columns, Index deep, Work&& work) {
  Index k = 0, column = 0;
  BlockOf block(p, columns, deep, k, column);
  while (true) {
    if ((column += packed_columns) >= columns) {
      if ((k += deep) >= p.inner) break;
      column = 0;
    }
    const BlockOf next(p, columns, deep, k, column);
    work(block, &next);
    block = next;
  }
  work(block, static_cast<const BlockOf*>(nullptr));
}

constexpr Index LinesOf(Index numbers) {
  constexpr Index line = 64 / static_cast<Index>(sizeof(Scalar));
  return (numbers + line - 1) / line;
}

// What is left to do to c after one block: nothing, unless it is the last one along the sums.
HWY_INLINE ops::Finish FinishAfter(const Problem& p, Index k_end, Index column) {
  if (k_end < p.inner) return {};
  return {p.finish.bias == nullptr ? nullptr : p.finish.bias + column, p.finish.curve};
}

// c = a packed, or c += a packed.
HWY_INLINE void MultiplyBlock(Index rows, const Problem& p, const BlockOf& block, Strided a, const Scalar* packed,
                              const Ahead& ahead) {
  const Problem part{block.depth,
                     a,
                     packed,
                     packed_columns,
                     p.c + block.column,
                     p.c_stride,
                     p.add || block.k > 0,
                     FinishAfter(p, block.k + block.depth, block.column)};
  if (p.stream)
    ProductPieceStreamed(rows, block.width, part, {ahead});
  else
    ProductPieceAhead(rows, block.width, part, ahead);
}

#if HWY_TARGET != HWY_SCALAR

// Four rows of four numbers each, in every block of 16 bytes of the vectors: rows become columns.
template <class D, class V>
HWY_INLINE void TransposeBlocks(D d, V& r0, V& r1, V& r2, V& r3) {
  const hn::Repartition<double, D> d2;  // pairs of floats stay together in the second step
  const auto low01 = hn::InterleaveLower(d, r0, r1), low23 = hn::InterleaveLower(d, r2, r3);
  const auto high01 = hn::InterleaveUpper(d, r0, r1), high23 = hn::InterleaveUpper(d, r2, r3);
  const auto pairs = [&](auto a, auto b) HWY_ATTR {
    return hn::BitCast(d, hn::InterleaveLower(d2, hn::BitCast(d2, a), hn::BitCast(d2, b)));
  };
  const auto upper_pairs = [&](auto a, auto b) HWY_ATTR {
    return hn::BitCast(d, hn::InterleaveUpper(d2, hn::BitCast(d2, a), hn::BitCast(d2, b)));
  };
  r0 = pairs(low01, low23);
  r1 = upper_pairs(low01, low23);
  r2 = pairs(high01, high23);
  r3 = upper_pairs(high01, high23);
}

// A square of as many rows as a vector has numbers. Vector j of group g holds column 4 b + j of the rows 4 g to 4 g + 3
// in its block b; the blocks of all groups are then brought together.
template <class D>
HWY_INLINE void TransposeSquare(D d, const Scalar* HWY_RESTRICT from, Index from_stride, Scalar* HWY_RESTRICT to) {
  constexpr int lanes = static_cast<int>(hn::MaxLanes(D())), groups = lanes / 4;
  hn::Vec<D> v[groups][4];
  for (int g = 0; g < groups; ++g) {
    for (int j = 0; j < 4; ++j) v[g][j] = hn::LoadU(d, from + (4 * g + j) * from_stride);
    TransposeBlocks(d, v[g][0], v[g][1], v[g][2], v[g][3]);
  }
  const auto store = [&](int column, hn::Vec<D> value) HWY_ATTR { hn::StoreU(value, d, to + column * packed_columns); };
  for (int j = 0; j < 4; ++j) {
    if constexpr (groups == 1) {
      store(j, v[0][j]);
    } else if constexpr (groups == 2) {
      store(j, hn::ConcatLowerLower(d, v[1][j], v[0][j]));
      store(4 + j, hn::ConcatUpperUpper(d, v[1][j], v[0][j]));
    } else {
      const auto even01 = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(v[1][j]), v[0][j]);
      const auto odd01 = hn::OddEvenBlocks(v[1][j], hn::SwapAdjacentBlocks(v[0][j]));
      const auto even23 = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(v[3][j]), v[2][j]);
      const auto odd23 = hn::OddEvenBlocks(v[3][j], hn::SwapAdjacentBlocks(v[2][j]));
      store(j, hn::ConcatLowerLower(d, even23, even01));
      store(4 + j, hn::ConcatLowerLower(d, odd23, odd01));
      store(8 + j, hn::ConcatUpperUpper(d, even23, even01));
      store(12 + j, hn::ConcatUpperUpper(d, odd23, odd01));
    }
  }
}

// Squares from (row, 0) on, as long as there are rows for them; returns the first row that is left.
template <class D>
HWY_INLINE Index TransposeSquares(D d, const Scalar* b, Index b_stride, Index row, Index width, Index whole_columns,
                                  Scalar* packed) {
  constexpr Index lanes = static_cast<Index>(hn::MaxLanes(D()));
  for (; row + lanes <= width; row += lanes)
    for (Index k = 0; k < whole_columns / lanes * lanes; k += lanes)
      TransposeSquare(d, b + row * b_stride + k, b_stride, packed + k * packed_columns + row);
  return row;
}

#endif

// packed(k, i) = b(i, k) for `width` rows i and `depth` columns k of b. Where squares reach beyond the last column, but
// not beyond b's memory, rows of `packed` that nobody reads are written, too.
HWY_INLINE void PackTransposed(const Scalar* HWY_RESTRICT b, Index b_stride, Index width, Index depth,
                               Scalar* HWY_RESTRICT packed) {
  Index row = 0, last_row = 0, whole_columns = 0;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (sizeof(Scalar) == 4) {
    const hn::CappedTag<Scalar, 16> d;
    constexpr Index lanes = static_cast<Index>(hn::MaxLanes(d));
    whole_columns = depth / lanes * lanes;
    row = TransposeSquares(d, b, b_stride, row, width, whole_columns, packed);
    if (whole_columns < depth) {
      const Index end = (width - 1) * b_stride + depth - whole_columns - lanes;
      for (; last_row + lanes <= width && (last_row + lanes - 1) * b_stride <= end; last_row += lanes)
        TransposeSquare(d, b + last_row * b_stride + whole_columns, b_stride,
                        packed + whole_columns * packed_columns + last_row);
    }
  }
#endif
  for (Index i = 0; i < width; ++i)
    for (Index k = i < row ? whole_columns : 0; k < (i < last_row ? whole_columns : depth); ++k)
      packed[k * packed_columns + i] = b[i * b_stride + k];
}

// How blocks of b are copied. b is inner x columns.
struct StraightRight {
  static HWY_INLINE void Pack(const Problem& p, const BlockOf& block, Scalar* HWY_RESTRICT packed) {
    const Scalar* from = p.b + block.k * p.b_stride + block.column;
    for (Index i = 0; i < block.depth; ++i)
      std::copy_n(from + i * p.b_stride, block.width, packed + i * packed_columns);
  }
  static HWY_INLINE Ahead Next(const Problem& p, const BlockOf& block) {
    return Ahead::of(p.b + block.k * p.b_stride + block.column, p.b_stride, block.depth, LinesOf(block.width));
  }
};

// The same for a b given by its rows: columns x inner.
struct TransposedRight {
  static HWY_INLINE void Pack(const Problem& p, const BlockOf& block, Scalar* HWY_RESTRICT packed) {
    PackTransposed(p.b + block.column * p.b_stride + block.k, p.b_stride, block.width, block.depth, packed);
  }
  static HWY_INLINE Ahead Next(const Problem& p, const BlockOf& block) {
    return Ahead::of(p.b + block.column * p.b_stride + block.k, p.b_stride, block.width, LinesOf(block.depth));
  }
};

// How `depth` columns of `rows` rows of a are copied; returns how they lie then.
struct StraightLeft {
  static constexpr Index deepest = packed_inner;
  static HWY_INLINE Strided Pack(Strided a, Index row, Index rows, Index k, Index depth, Scalar* HWY_RESTRICT packed) {
    for (Index i = 0; i < rows; ++i) {
      const Scalar* from = a.data + (row + i) * a.row_stride + k * a.column_stride;
      if (a.column_stride == 1)
        std::copy_n(from, depth, packed + i * depth);
      else
        for (Index j = 0; j < depth; ++j) packed[i * depth + j] = from[j * a.column_stride];
    }
    return {packed, depth, 1};
  }
};

// The same where rows lie side by side in memory, as in a kernel's gradient, x^T dy.
struct TurnedLeft {
  static constexpr Index deepest = packed_inner;
  static HWY_INLINE Strided Pack(Strided a, Index row, Index rows, Index k, Index depth, Scalar* HWY_RESTRICT packed) {
    for (Index i = 0; i < depth; ++i) std::copy_n(a.data + (k + i) * a.column_stride + row, rows, packed + i * rows);
    return {packed, 1, rows};
  }
};

// What is left where it is: rows in order, whose cache lines are all used.
struct UncopiedLeft {
  static constexpr Index deepest = deep;
  static HWY_INLINE Strided Pack(Strided a, Index row, Index, Index k, Index, Scalar*) {
    return {a.data + row * a.row_stride + k * a.column_stride, a.row_stride, a.column_stride};
  }
};

template <class Left, class Right>
HWY_INLINE void BlockedPiece(Index rows, Index columns, const Problem& p) {
  HWY_ALIGN_MAX Scalar right[packed_inner * packed_columns];
  HWY_ALIGN_MAX Scalar left[packed_left];
  const Index most = packed_left / std::min(packed_inner, p.inner) / tile_rows * tile_rows;
  const Index pieces = (rows + most - 1) / most;
  for (Index piece = 0, row = 0; piece < pieces; ++piece) {
    const Index block_rows = (rows - row + pieces - piece - 1) / (pieces - piece);
    Problem part = p;
    part.c += row * p.c_stride;
    Strided a{};
    ForBlocks(p, columns, Left::deepest, [&](const BlockOf& block, const BlockOf* next) HWY_ATTR {
      if (block.column == 0) a = Left::Pack(p.a, row, block_rows, block.k, block.depth, left);
      Right::Pack(p, block, right);
      Ahead ahead;
      if (next != nullptr) ahead = Right::Next(p, *next);
      MultiplyBlock(block_rows, part, block, a, right, ahead);
    });
    row += block_rows;
  }
}

void PackedProductPiece(Index rows, Index columns, const Problem& p) {
  BlockedPiece<UncopiedLeft, StraightRight>(rows, columns, p);
}

void TurnedProductPiece(Index rows, Index columns, const Problem& p) {
  BlockedPiece<TurnedLeft, StraightRight>(rows, columns, p);
  if (p.stream) hwy::FlushStream();
}

// c = a b^T; `columns` counts the rows of b.
void TransposedProductPiece(Index rows, Index columns, const Problem& p) {
  BlockedPiece<StraightLeft, TransposedRight>(rows, columns, p);
}

// Few columns and a given the other way round, as in the gradient of a narrow kernel: vectors lie across the rows, and
// what comes out turned is turned back.
void NarrowTurnedPiece(Index rows, Index columns, const Problem& p) {
  constexpr Index most = 512;
  HWY_ALIGN_MAX Scalar turned[narrow_columns * most];
  for (Index row = 0; row < rows; row += most) {
    const Index width = std::min(most, rows - row);
    const Problem part{p.inner, {p.b, 1, p.b_stride}, p.a.data + row, p.a.column_stride, turned, most, false};
    if (p.a.column_stride >= far_apart)
      PackedProductPiece(columns, width, part);
    else
      ProductPiece(columns, width, part);
    for (Index i = 0; i < width; ++i)
      for (Index j = 0; j < columns; ++j) p.c[(row + i) * p.c_stride + j] = turned[j * most + i];
  }
}

// Some rows of b at a time: of a large b under few rows, so that it is read from front to back; under many rows, so
// that what all of them multiply stays in the first-level cache.
void StreamedProductPiece(Index rows, Index columns, const Problem& p) {
  constexpr Index strip = tile_vectors * static_cast<Index>(hn::MaxLanes(hn::ScalableTag<Scalar>()));
  const Index most = rows <= 2 ? 16 : rows <= 12 ? 32 : deep * packed_columns / strip;
  const Index pieces = (p.inner + most - 1) / most, depth = (p.inner + pieces - 1) / pieces;
  for (Index k = 0; k < p.inner; k += depth) {
    const Strided a{p.a.data + k * p.a.column_stride, p.a.row_stride, p.a.column_stride};
    const Index terms = std::min(depth, p.inner - k);
    ProductPiece(
        rows, columns,
        {terms, a, p.b + k * p.b_stride, p.b_stride, p.c, p.c_stride, p.add || k > 0, FinishAfter(p, k + terms, 0)});
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maas::inline MAAS_ABI::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace maas::inline MAAS_ABI {

namespace kernels {

MAAS_BODIES(ProductPiece);
MAAS_BODIES(RowPiece);
MAAS_BODIES(ProductPieceAhead);
MAAS_BODIES(PackedProductPiece);
MAAS_BODIES(StreamedProductPiece);
MAAS_BODIES(TransposedProductPiece);
MAAS_BODIES(TurnedProductPiece);
MAAS_BODIES(NarrowTurnedPiece);
MAAS_BODIES(ColumnAlongRows);
MAAS_BODIES(ColumnAcrossRows);

namespace {

using PieceFunction = void (*)(Index rows, Index columns, const Problem& problem);

// How the result is cut into pieces for the pool: which side, and the size of a piece at most.
struct Cut {
  bool across;
  Index size;
};

// Every piece ends with its curve, on the thread that multiplied it.
void work_on(PieceFunction work, Index rows, Index columns, const Problem& p) {
  work(rows, columns, p);
  if (is_left_out(p.finish.curve)) curve_rows(p.finish.curve, rows, columns, p.c, p.c_stride);
}

// Pieces so large that every thread gets at least two of them, if they can be: blocks are read once a piece.
void share_out(PieceFunction work, Index rows, Index columns, const Problem& p, Index b_column, Cut cut) {
  constexpr Index terms_of_curve = 32;  // as many multiply-adds take as long
  const Index terms = p.inner + (is_left_out(p.finish.curve) ? terms_of_curve : 0);
  if (rows * columns * terms < worth_sharing || threads() == 1) return work_on(work, rows, columns, p);
  constexpr Index unit = 64;
  const Index whole = cut.across ? columns : rows;
  const Index share = (whole / (2 * threads()) + unit - 1) / unit * unit;
  const Index piece_size = std::clamp(share, unit, cut.size);
  for_each_piece((whole + piece_size - 1) / piece_size, [&](Index piece) {
    const Index first = piece * piece_size, size = std::min(piece_size, whole - first);
    Problem part = p;
    part.c += cut.across ? first : first * p.c_stride;
    if (cut.across) {
      part.b += first * b_column;
      if (part.finish.bias != nullptr) part.finish.bias += first;
    } else
      part.a.data += first * p.a.row_stride;
    work_on(work, cut.across ? rows : size, cut.across ? size : columns, part);
  });
}

// Whether to write c past the caches: it is larger than these are, all of it is written once, and lines lie in it as
// such stores want them. So it is with the gradient of a large kernel.
Problem with_stream(Index rows, Index columns, Problem p) {
  constexpr Index line = 64, widest_tile = 4 * line, large = Index{32} << 20;
  const auto bytes = [](Index numbers) { return numbers * static_cast<Index>(sizeof(Scalar)); };
  const bool lies_right = reinterpret_cast<std::uintptr_t>(p.c) % line == 0 && bytes(p.c_stride) % line == 0 &&
                          bytes(columns) % widest_tile == 0;
  p.stream = lies_right && !p.add && p.inner <= packed_inner && bytes(rows * columns) >= large;
  return p;
}

// A b of so many numbers does not stay in the second-level cache.
constexpr Index large = Index{1} << 16;

// Apart from where rows without such a curve pass: it has a frame.
HWY_NOINLINE void row_and_curve(Index columns, Index inner, const Scalar* a, const Scalar* b, Scalar* c,
                                const ops::Finish& finish) {
  MAAS_BODY(RowPiece)(columns, inner, a, b, c, finish.bias, false);
  curve_rows(finish.curve, 1, columns, c, columns);
}

void column_along_rows(Index rows, Index, const Problem& p) { MAAS_BODY(ColumnAlongRows)(rows, p); }

// Chooses the way that suits the sizes.
void multiply(Index rows, Index columns, const Problem& p) {
  const bool finishes = p.finish.bias != nullptr || p.finish.curve != ops::Curve::none;
  if (columns == 1 && p.b_stride == 1 && p.a.column_stride == 1) return work_on(column_along_rows, rows, 1, p);
  if (columns == 1 && p.c_stride == 1 && p.a.row_stride == 1 && !p.add && !finishes)
    return MAAS_BODY(ColumnAcrossRows)(rows, p);
  // A large b is read in order; large blocks are packed.
  const Cut longer = columns >= rows ? Cut{true, 512} : Cut{false, 192};
  if (rows <= 12 && p.inner * columns >= large)
    return share_out(MAAS_BODY(StreamedProductPiece), rows, columns, p, 1, {true, 512});
  if (p.a.row_stride == 1 && columns <= narrow_columns && rows >= 64 && p.inner >= 8 && !p.add && !finishes)
    return share_out(MAAS_BODY(NarrowTurnedPiece), rows, columns, p, 1, {false, 768});
  if (p.a.row_stride == 1 && p.a.column_stride >= far_apart && rows >= 96 && columns >= 64 && p.inner >= 16)
    return share_out(MAAS_BODY(TurnedProductPiece), rows, columns, with_stream(rows, columns, p), 1, {false, 768});
  // Rows 512 bytes apart lie in half of the sets of a first-level cache, which 64 columns of them outgrow the sooner.
  constexpr Index half_the_sets = 512 / static_cast<Index>(sizeof(Scalar));
  const bool crowded = p.b_stride % half_the_sets == 0 && p.inner >= 64 && rows >= 192;
  if (rows >= 8 && p.inner >= 8 && (p.b_stride >= far_apart || crowded))
    return share_out(MAAS_BODY(PackedProductPiece), rows, columns, p, 1, longer);
  if (rows >= 24 && columns >= 64 && p.inner > deep)
    return share_out(MAAS_BODY(StreamedProductPiece), rows, columns, p, 1, longer);
  share_out(MAAS_BODY(ProductPiece), rows, columns, p, 1, longer);
}

}  // namespace

void product_piece(Index rows, Index columns, const Problem& problem, const Ahead& ahead) {
  MAAS_BODY(ProductPieceAhead)(rows, columns, problem, ahead);
}

}  // namespace kernels

namespace ops {

using namespace kernels;

void product(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
             Index c_stride, bool add) {
  if (!use_vectors()) return portable::product(rows, columns, inner, a, b, b_stride, c, c_stride, add);
  multiply(rows, columns, {inner, a, b, b_stride, c, c_stride, add});
}

void finished_product(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                      Index c_stride, Finish finish) {
  if (!use_vectors()) return portable::finished_product(rows, columns, inner, a, b, b_stride, c, c_stride, finish);
  multiply(rows, columns, {inner, a, b, b_stride, c, c_stride, false, finish});
}

void finished_product(Index rows, Index columns, Index inner, const Scalar* a, const Scalar* b, Scalar* c,
                      Finish finish) {
  if (!use_vectors())
    return portable::finished_product(rows, columns, inner, {a, inner, 1}, b, columns, c, columns, finish);
  if (rows == 1 && columns > 1 && inner * columns < large) {
    if (is_left_out(finish.curve)) return row_and_curve(columns, inner, a, b, c, finish);
    return MAAS_BODY(RowPiece)(columns, inner, a, b, c, finish.bias, finish.curve == Curve::relu);
  }
  multiply(rows, columns, {inner, {a, inner, 1}, b, columns, c, columns, false, finish});
}

void product_transposed(Index rows, Index columns, Index inner, Strided a, const Scalar* b, Index b_stride, Scalar* c,
                        Index c_stride) {
  if (!use_vectors()) return portable::product_transposed(rows, columns, inner, a, b, b_stride, c, c_stride);
  const Problem problem{inner, a, b, b_stride, c, c_stride, false};
  share_out(MAAS_BODY(TransposedProductPiece), rows, columns, problem, b_stride,
            columns >= rows ? Cut{true, 512} : Cut{false, 192});
}

}  // namespace ops

}  // namespace maas::inline MAAS_ABI

#endif
