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
  bool stream = false;  ///< write c past the caches
};

constexpr Index far_apart = 2048 / static_cast<Index>(sizeof(Scalar));  ///< rows that drive each other out of the cache
constexpr Index packed_inner = 256;                                     ///< of a block of b, rows at most
constexpr Index deep = 128;                      ///< rows of b of which 64 columns stay in the first-level cache
constexpr Index narrow_columns = 16;             ///< so few that vectors across them would be left half empty
constexpr Index worth_sharing = Index{1} << 20;  ///< multiply-adds; below it waking threads costs more than it saves

/// What the next tiles read is fetched into the second-level cache while this one computes: the rows of a block, a line
/// at a time.
struct Ahead {
  const char* row = nullptr;
  Index stride = 0, rows = 0, lines = 0, line = 0;  ///< bytes; lines of 64 bytes in a row; the next one

  /// `stride` counts numbers.
  static Ahead of(const Scalar* block, Index stride, Index rows, Index lines) {
    return {reinterpret_cast<const char*>(block), stride * static_cast<Index>(sizeof(Scalar)), rows, lines};
  }
  void Fetch() {
    if (rows == 0) return;
    __builtin_prefetch(row + line * 64, 0, 2);
    if (++line < lines) return;
    line = 0;
    row += stride;
    --rows;
  }
};

/// The product on this thread alone, its columns in tiles; b is read again for every few rows. Meanwhile `ahead` is
/// fetched.
void product_piece(Index rows, Index columns, const Problem& problem, const Ahead& ahead);

/// Curves that tiles leave out, since they do not stay in registers: they follow a piece of the product, on the thread
/// that multiplied it. Behind every tile they took as long: their arithmetic counts, not where they read.
inline bool is_left_out(ops::Curve curve) { return curve > ops::Curve::relu; }

/// y = curve(y) for rows of `columns` numbers, `stride` apart.
void curve_rows(ops::Curve curve, Index rows, Index columns, Scalar* y, Index stride);

}  // namespace maas::inline MAAS_ABI::kernels
