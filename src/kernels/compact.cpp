// The product with a compact matrix of ops/compact.hpp, for the vectors of the processor it runs on.
//
// A few rows read the matrix once, as it lies, and widen its numbers on the way to the sums; many rows share blocks of
// it that are widened once. Either way every element is the sum that the product with the expanded matrix gives, term
// by term.
#include "maas/ops/compact.hpp"

#include <algorithm>
#include <cstdint>

#include "kernels/portable.hpp"
#include "kernels/product.hpp"
#include "kernels/targets.hpp"
#include "maas/core/parallel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/compact.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/dispatch.hpp"

HWY_BEFORE_NAMESPACE();
namespace maas::inline MAAS_ABI::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using ops::CompactFormat;
using ops::CompactView;
using ops::detail::Panel;

constexpr bool has_32_registers = HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON;

// One vector of numbers, before their scale.
template <CompactFormat Format, class D>
HWY_INLINE hn::Vec<D> Widen(D d, const unsigned char* numbers, Index place) {
  if constexpr (Format == CompactFormat::packed) {
    return hn::LoadU(d, reinterpret_cast<const Scalar*>(numbers) + place);
  } else if constexpr (sizeof(Scalar) == 8) {
    HWY_ALIGN Scalar lane[HWY_MAX_BYTES / sizeof(Scalar)];
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
      const Index at = place + static_cast<Index>(i);
      if constexpr (Format == CompactFormat::int8) {
        lane[i] = static_cast<Scalar>(static_cast<std::int8_t>(numbers[at]));
      } else {
        const std::uint32_t upper = numbers[2 * at] | static_cast<std::uint32_t>(numbers[2 * at + 1]) << 8;
        const std::uint32_t bits = upper << 16;
        float x;
        hwy::CopyBytes<4>(&bits, &x);
        lane[i] = static_cast<Scalar>(x);
      }
    }
    return hn::Load(d, lane);
  } else if constexpr (Format == CompactFormat::int8) {
    const hn::Rebind<std::int8_t, D> d8;
    const hn::RebindToSigned<D> d32;
    return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, reinterpret_cast<const std::int8_t*>(numbers) + place)));
  } else {
    const hn::Rebind<std::uint16_t, D> d16;
    const hn::RebindToUnsigned<D> d32;
    const auto upper = hn::LoadU(d16, reinterpret_cast<const std::uint16_t*>(numbers) + place);
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, upper)));
  }
}

// Rows of x, `depth` numbers of each; rows of sums, a panel wide.
struct Sums {
  const Scalar* x;
  Index x_stride, depth;
  Scalar* sums;
  bool add;
};

constexpr Index sums_stride = ops::detail::panel_columns;

// Rows x vectors of sums over rows `row` ... of the panel, from its column `from` on.
template <CompactFormat Format, int Rows, int Vectors, class D>
HWY_INLINE void CompactTile(D d, const Sums& p, const Panel& panel, const Scalar* scales, Index row, Index from) {
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  hn::Vec<D> sum[Rows][Vectors], scale[Vectors];
  Scalar* HWY_RESTRICT to = p.sums + from;
  for (int v = 0; v < Vectors; ++v) {
    scale[v] = Format == CompactFormat::int8 ? hn::LoadU(d, scales + panel.first + from + v * lanes) : hn::Zero(d);
    for (int r = 0; r < Rows; ++r) sum[r][v] = p.add ? hn::LoadU(d, to + r * sums_stride + v * lanes) : hn::Zero(d);
  }
  constexpr Index bytes = ops::detail::bytes_of(Format), ahead = 4096;
  Index place = row * panel.width + from;
  for (Index k = 0; k < p.depth; ++k, place += panel.width) {
    for (Index line = 0; line < Vectors * lanes * bytes; line += 64)
      __builtin_prefetch(panel.numbers + place * bytes + line + ahead, 0, 2);
    hn::Vec<D> right[Vectors];
    for (int v = 0; v < Vectors; ++v) {
      right[v] = Widen<Format>(d, panel.numbers, place + v * lanes);
      if (Format == CompactFormat::int8) right[v] = hn::Mul(right[v], scale[v]);
    }
    for (int r = 0; r < Rows; ++r) {
      const hn::Vec<D> left = hn::Set(d, p.x[r * p.x_stride + k]);
      for (int v = 0; v < Vectors; ++v) sum[r][v] = hn::MulAdd(left, right[v], sum[r][v]);
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) hn::StoreU(sum[r][v], d, to + r * sums_stride + v * lanes);
}

// The whole width of a panel, in tiles as wide as the registers hold.
template <CompactFormat Format, int Rows>
HWY_INLINE void AcrossPanel(const Sums& p, const Panel& panel, const Scalar* scales, Index row) {
  const hn::CappedTag<Scalar, 16> d;  // the width of a panel is a multiple of 16
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  constexpr int vectors = has_32_registers ? (Rows < 3 ? 8 : 4) : Rows == 1 ? 8 : 2;
  Index from = 0;
  for (; from + vectors * lanes <= panel.width; from += vectors * lanes)
    CompactTile<Format, Rows, vectors>(d, p, panel, scales, row, from);
  for (; from < panel.width; from += lanes) CompactTile<Format, Rows, 1>(d, p, panel, scales, row, from);
}

// All rows, a few, over some rows of the panel that stay in the first-level cache meanwhile.
template <CompactFormat Format>
HWY_INLINE void FewRowsOf(Index rows, const Sums& p, const Panel& panel, const Scalar* scales, Index row) {
  for (Index first = 0; first < rows;) {
    Sums part = p;
    part.x += first * p.x_stride;
    part.sums += first * sums_stride;
    switch (std::min(rows - first, Index{4})) {
      case 1:
        AcrossPanel<Format, 1>(part, panel, scales, row);
        break;
      case 2:
        AcrossPanel<Format, 2>(part, panel, scales, row);
        break;
      case 3:
        AcrossPanel<Format, 3>(part, panel, scales, row);
        break;
      default:
        AcrossPanel<Format, 4>(part, panel, scales, row);
        break;
    }
    first += std::min(rows - first, Index{4});
  }
}

// The sums of a panel for a few rows.
void CompactSums(Index rows, const Scalar* x, Index x_stride, const CompactView& b, const Panel& panel, Scalar* sums) {
  const Index deep = rows <= 2 ? b.inner : 256;
  for (Index row = 0; row < b.inner; row += deep) {
    const Sums p{x + row, x_stride, std::min(deep, b.inner - row), sums, row > 0};
    if (b.format == CompactFormat::int8)
      FewRowsOf<CompactFormat::int8>(rows, p, panel, b.scales, row);
    else if (b.format == CompactFormat::packed)
      FewRowsOf<CompactFormat::packed>(rows, p, panel, b.scales, row);
    else
      FewRowsOf<CompactFormat::bfloat16>(rows, p, panel, b.scales, row);
  }
}

template <CompactFormat Format>
HWY_INLINE void WidenBlockOf(const CompactView& b, const Panel& panel, Index row, Index depth, Index from, Index width,
                             Scalar* numbers, Index stride) {
  const hn::CappedTag<Scalar, 16> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  for (Index k = 0; k < depth; ++k)
    for (Index i = 0; i < width; i += lanes) {
      auto number = Widen<Format>(d, panel.numbers, (row + k) * panel.width + from + i);
      if (Format == CompactFormat::int8) number = hn::Mul(number, hn::LoadU(d, b.scales + panel.first + from + i));
      hn::StoreU(number, d, numbers + k * stride + i);
    }
}

// Some rows of a panel, widened; `width` is a multiple of 16.
void WidenBlock(const CompactView& b, const Panel& panel, Index row, Index depth, Index from, Index width,
                Scalar* numbers, Index stride) {
  if (b.format == CompactFormat::int8)
    WidenBlockOf<CompactFormat::int8>(b, panel, row, depth, from, width, numbers, stride);
  else if (b.format == CompactFormat::packed)
    WidenBlockOf<CompactFormat::packed>(b, panel, row, depth, from, width, numbers, stride);
  else
    WidenBlockOf<CompactFormat::bfloat16>(b, panel, row, depth, from, width, numbers, stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace maas::inline MAAS_ABI::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace maas::inline MAAS_ABI {

namespace kernels {

MAAS_BODIES(CompactSums);
MAAS_BODIES(WidenBlock);

namespace {

constexpr Index few_rows = 12;  // a panel is read once for so many; more of them share what is widened
constexpr Index block_depth = 128, block_width = 64;

struct Affine {
  const ConstMatrixView& x;
  const ops::CompactView& kernel;
  const Scalar* bias;
  Scalar* y;
  Index y_stride;
  ops::Curve curve;
};

// Rows from `first` on, at most `few_rows`.
void few(const Affine& p, const ops::detail::Panel& panel, Index first, Index rows) {
  Scalar sums[few_rows * ops::detail::panel_columns];
  if (p.kernel.inner == 0) std::fill(std::begin(sums), std::end(sums), Scalar(0));
  MAAS_BODY(CompactSums)(rows, p.x.data() + first * p.x.cols(), p.x.cols(), p.kernel, panel, sums);
  for (Index row = 0; row < rows; ++row) {
    const Scalar* from = sums + row * ops::detail::panel_columns;
    Scalar* to = p.y + (first + row) * p.y_stride + panel.first;
    for (Index i = 0; i < panel.used; ++i) {
      const Scalar sum = p.bias == nullptr ? from[i] : from[i] + p.bias[panel.first + i];
      to[i] = p.curve == ops::Curve::relu && sum < 0 ? Scalar(0) : sum;
    }
  }
}

// What is widened after the block that ends before `row`: the next one below it, or the top of the next columns.
Ahead next_block(const ops::CompactView& b, const ops::detail::Panel& panel, Index row, Index from, Index width) {
  const Index bytes = ops::detail::bytes_of(b.format);
  if (row == b.inner) {
    row = 0;
    from += width;
    if (from >= panel.width) return {};
  }
  const Index lines = (std::min(width, panel.width - from) * bytes + 63) / 64;
  return {reinterpret_cast<const char*>(panel.numbers) + (row * panel.width + from) * bytes, panel.width * bytes,
          std::min(block_depth, b.inner - row), lines};
}

// All rows, by blocks of the panel that are widened first. Columns left over are too few for a vector.
void many(const Affine& p, const ops::detail::Panel& panel) {
  HWY_ALIGN_MAX Scalar block[block_depth * block_width];
  for (Index from = 0; from < panel.used; from += block_width) {
    const Index padded = std::min(block_width, panel.width - from), used = std::min(block_width, panel.used - from);
    const Index column = panel.first + from;
    for (Index row = 0; row < p.kernel.inner; row += block_depth) {
      const Index depth = std::min(block_depth, p.kernel.inner - row);
      MAAS_BODY(WidenBlock)(p.kernel, panel, row, depth, from, padded, block, block_width);
      const bool last = row + depth == p.kernel.inner;
      ops::Finish finish;
      if (last) finish = {p.bias == nullptr ? nullptr : p.bias + column, p.curve};
      const Problem problem{
          depth, {p.x.data() + row, p.x.cols(), 1}, block, block_width, p.y + column, p.y_stride, row > 0, finish};
      product_piece(p.x.rows(), used, problem, next_block(p.kernel, panel, row + depth, from, padded));
    }
  }
}

void one_panel(const Affine& p, Index which) {
  const ops::detail::Panel panel = ops::detail::panel_of(p.kernel, which);
  if (p.x.rows() > few_rows && panel.used > 1 && p.kernel.inner > 0)
    many(p, panel);
  else
    for (Index first = 0; first < p.x.rows(); first += few_rows)
      few(p, panel, first, std::min(few_rows, p.x.rows() - first));
  if (is_left_out(p.curve)) curve_rows(p.curve, p.x.rows(), panel.used, p.y + panel.first, p.y_stride);
}

}  // namespace

}  // namespace kernels

namespace ops {

void compact_affine(const ConstMatrixView& x, const CompactView& kernel, const ConstMatrixView& bias, MatrixView y,
                    Curve curve) {
  if (!kernels::use_vectors()) return portable::compact_affine(x, kernel, bias, y, curve);
  const kernels::Affine problem{x, kernel, bias.size() > 0 ? bias.data() : nullptr, y.data(), y.cols(), curve};
  const Index panels = detail::panels_of(kernel);
  if (x.rows() * kernel.columns * kernel.inner < kernels::worth_sharing)
    for (Index which = 0; which < panels; ++which) kernels::one_panel(problem, which);
  else
    for_each_piece(panels, [&](Index which) { kernels::one_panel(problem, which); });
}

}  // namespace ops

}  // namespace maas::inline MAAS_ABI

#endif
