// Weights in fewer bytes: matrices of bfloat16 or 8-bit integers, and the product with them.
#pragma once

#include "maas/core/matrix.hpp"
#include "maas/ops/curve.hpp"

namespace maas::inline MAAS_ABI::ops {

/// How the numbers of a compact matrix are kept.
enum class CompactFormat {
  bfloat16,  ///< the upper 16 bits of a float, rounded to nearest even: 8 bits of precision, no scale
  packed,    ///< as it is, every bit of it, only laid out anew: for few rows at a time
  int8       ///< scale q with q in -127 ... 127 and one scale a column: the largest |number| / 127, of 16 bits, so that
             ///< every scale q is exactly a float
};

/// A compact matrix where it lies. Columns are kept in panels of 128, each from its first row to its last, so that
/// memory is read from front to back.
struct CompactView {
  CompactFormat format;
  Index inner, columns;
  const unsigned char* numbers;  ///< compact_bytes() of them
  const Scalar* scales;          ///< compact_scales() of them for int8, else not read
};

/// Bytes that the numbers of a compact matrix of `inner` rows take, padding included.
Index compact_bytes(CompactFormat format, Index inner, Index columns);
/// Scales that it takes, padding included: 0 but for int8.
Index compact_scales(CompactFormat format, Index columns);

/// Rounds a matrix: `numbers` and `scales` have room as above and are overwritten. Numbers that are not finite stay so;
/// int8 throws DataError for them.
void make_compact(const ConstMatrixView& matrix, CompactFormat format, unsigned char* numbers, Scalar* scales);

/// The numbers that a compact matrix stands for. Made compact again, they give the same matrix.
void expand(const CompactView& compact, MatrixView matrix);

/// y = curve(x W + b) for a compact W: the same bits as affine() with the expanded one.
/// x: batch x inner, b: 1 x columns or empty for none, y: batch x columns (overwritten). One column differs: it is
/// summed in order here.
void compact_affine(const ConstMatrixView& x, const CompactView& kernel, const ConstMatrixView& bias, MatrixView y,
                    Curve curve = Curve::none);

namespace detail {

/// Columns of a whole panel, and what the width of the last one is a multiple of.
inline constexpr Index panel_columns = 128, panel_unit = 16;

constexpr Index padded_columns(Index columns) { return (columns + panel_unit - 1) / panel_unit * panel_unit; }

constexpr Index bytes_of(CompactFormat format) {
  return format == CompactFormat::int8 ? 1 : format == CompactFormat::bfloat16 ? 2 : static_cast<Index>(sizeof(Scalar));
}

/// The columns from `first` on that are kept side by side.
struct Panel {
  Index first;  ///< column
  Index width;  ///< columns in memory
  Index used;   ///< of these, columns of the matrix
  const unsigned char* numbers;
};

inline Panel panel_of(const CompactView& compact, Index which) {
  const Index first = which * panel_columns;
  const Index used = compact.columns - first < panel_columns ? compact.columns - first : panel_columns;
  return {first, padded_columns(used), used, compact.numbers + first * compact.inner * bytes_of(compact.format)};
}

inline Index panels_of(const CompactView& compact) { return (compact.columns + panel_columns - 1) / panel_columns; }

/// `depth` rows from `row` on of the columns `from` ... `from + width` of a panel, as they are multiplied.
void unpack(const CompactView& compact, const Panel& panel, Index row, Index depth, Index from, Index width,
            Scalar* numbers, Index stride);

}  // namespace detail

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/compact-inl.hpp"
#include "maas/ops/compact_product-inl.hpp"
#endif
