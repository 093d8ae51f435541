// Rounding to compact matrices, and back.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "maas/core/error.hpp"
#include "maas/ops/compact.hpp"

namespace maas::inline MAAS_ABI::ops {

namespace detail {

/// The bits of a float, cut after `bits` of them from the top, rounded to nearest even.
inline std::uint32_t rounded_bits(float x, int bits) {
  const std::uint32_t all = std::bit_cast<std::uint32_t>(x);
  const int cut = 32 - bits;
  if (std::isnan(x)) return (all >> cut | 1u) << cut;  // stays one
  const std::uint32_t half = (std::uint32_t{1} << (cut - 1)) - 1, odd = all >> cut & 1u;
  return (all + half + odd) >> cut << cut;
}

/// The scale of a column whose largest |number| is given: 16 significant bits; 0 where products with it would not be
/// exact, which is below any weight that matters.
inline Scalar scale_of(Scalar largest) {
  const float scale = std::bit_cast<float>(rounded_bits(static_cast<float>(largest) / 127.0f, 24));
  return scale < 0x1p-100f ? Scalar(0) : static_cast<Scalar>(scale);
}

inline std::int8_t to_int8(Scalar x, Scalar scale) {
  if (scale == 0) return 0;
  return static_cast<std::int8_t>(std::clamp(std::nearbyint(x / scale), Scalar(-127), Scalar(127)));
}

}  // namespace detail

MAAS_INLINE Index compact_bytes(CompactFormat format, Index inner, Index columns) {
  return inner * detail::padded_columns(columns) * detail::bytes_of(format);
}

MAAS_INLINE Index compact_scales(CompactFormat format, Index columns) {
  return format == CompactFormat::int8 ? detail::padded_columns(columns) : 0;
}

MAAS_INLINE void make_compact(const ConstMatrixView& matrix, CompactFormat format, unsigned char* numbers,
                              Scalar* scales) {
  const Index inner = matrix.rows(), columns = matrix.cols();
  std::fill_n(numbers, compact_bytes(format, inner, columns), static_cast<unsigned char>(0));
  std::fill_n(scales, compact_scales(format, columns), Scalar(0));
  const CompactView view{format, inner, columns, numbers, scales};
  if (format == CompactFormat::int8)
    for (Index column = 0; column < columns; ++column) {
      Scalar largest = 0;
      for (Index row = 0; row < inner; ++row) {
        const Scalar x = matrix(row, column);
        require<DataError>(std::abs(x) <= static_cast<Scalar>(std::numeric_limits<float>::max()),
                           "make_compact: expected finite numbers for int8, got {} in row {}, column {}", x, row,
                           column);
        largest = std::max(largest, std::abs(x));
      }
      scales[column] = detail::scale_of(largest);
    }
  for (Index which = 0; which < detail::panels_of(view); ++which) {
    const detail::Panel panel = detail::panel_of(view, which);
    unsigned char* to = numbers + (panel.numbers - numbers);
    for (Index row = 0; row < inner; ++row)
      for (Index i = 0; i < panel.used; ++i) {
        const Scalar x = matrix(row, panel.first + i);
        const Index place = row * panel.width + i;
        if (format == CompactFormat::int8) {
          const std::int8_t q = detail::to_int8(x, scales[panel.first + i]);
          std::memcpy(to + place, &q, 1);
        } else if (format == CompactFormat::packed) {
          std::memcpy(to + place * static_cast<Index>(sizeof(Scalar)), &x, sizeof(Scalar));
        } else {
          const auto upper = static_cast<std::uint16_t>(detail::rounded_bits(static_cast<float>(x), 16) >> 16);
          std::memcpy(to + 2 * place, &upper, 2);
        }
      }
  }
}

MAAS_INLINE void detail::unpack(const CompactView& compact, const Panel& panel, Index row, Index depth, Index from,
                                Index width, Scalar* numbers, Index stride) {
  for (Index k = 0; k < depth; ++k)
    for (Index i = 0; i < width; ++i) {
      const Index place = (row + k) * panel.width + from + i;
      Scalar& number = numbers[k * stride + i];
      if (compact.format == CompactFormat::int8) {
        std::int8_t q;
        std::memcpy(&q, panel.numbers + place, 1);
        number = static_cast<Scalar>(q) * compact.scales[panel.first + from + i];
      } else if (compact.format == CompactFormat::packed) {
        std::memcpy(&number, panel.numbers + place * static_cast<Index>(sizeof(Scalar)), sizeof(Scalar));
      } else {
        std::uint16_t upper;
        std::memcpy(&upper, panel.numbers + 2 * place, 2);
        number = static_cast<Scalar>(std::bit_cast<float>(std::uint32_t{upper} << 16));
      }
    }
}

MAAS_INLINE void expand(const CompactView& compact, MatrixView matrix) {
  for (Index which = 0; which < detail::panels_of(compact); ++which) {
    const detail::Panel panel = detail::panel_of(compact, which);
    detail::unpack(compact, panel, 0, compact.inner, 0, panel.used, matrix.data() + panel.first, matrix.cols());
  }
}

}  // namespace maas::inline MAAS_ABI::ops
