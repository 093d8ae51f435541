// Sixteen numbers at a time, in as many vectors as that takes, and what is left behind them. Read once for every
// target.
#if defined(MAAS_KERNELS_PARTS) == defined(HWY_TARGET_TOGGLE)
#ifdef MAAS_KERNELS_PARTS
#undef MAAS_KERNELS_PARTS
#else
#define MAAS_KERNELS_PARTS
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "maas/core/scalar.hpp"

HWY_BEFORE_NAMESPACE();
namespace maas::inline MAAS_ABI::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr Index width = 16;
using Part = hn::CappedTag<Scalar, width>;
constexpr Index lanes = static_cast<Index>(hn::MaxLanes(Part()));
constexpr int vectors = static_cast<int>(width / lanes);
using Sums = hn::Vec<Part>[vectors];

HWY_INLINE void SetAll(Sums& sums, Scalar value) {
  for (int v = 0; v < vectors; ++v) sums[v] = hn::Set(Part(), value);
}

HWY_INLINE void LoadAll(const Scalar* from, Sums& to) {
  for (int v = 0; v < vectors; ++v) to[v] = hn::LoadU(Part(), from + v * lanes);
}

HWY_INLINE void StoreAll(const Sums& from, Scalar* to) {
  for (int v = 0; v < vectors; ++v) hn::StoreU(from[v], Part(), to + v * lanes);
}

// AVX2 and AVX-512 load and store some lanes only. Others go through memory of our own, which costs a wait: a vector is
// read where single numbers have just been written.
constexpr bool has_masks = HWY_TARGET <= HWY_AVX2;

HWY_INLINE auto LanesBelow(Index count, int v) {
  return hn::FirstN(Part(), static_cast<std::size_t>(std::clamp<Index>(count - v * lanes, 0, lanes)));
}

// The last numbers of a row, filled up with `filling`.
HWY_INLINE void LoadTail(const Scalar* from, Index count, Scalar filling, Sums& to) {
  if constexpr (has_masks) {
    for (int v = 0; v < vectors; ++v) {
      const auto mask = LanesBelow(count, v);
      to[v] = hn::IfThenElse(mask, hn::MaskedLoad(mask, Part(), from + v * lanes), hn::Set(Part(), filling));
    }
  } else {
    HWY_ALIGN_MAX Scalar numbers[width];
    std::fill_n(numbers, width, filling);
    for (Index i = 0; i < count; ++i) numbers[i] = from[i];
    LoadAll(numbers, to);
  }
}

HWY_INLINE void StoreTail(const Sums& from, Index count, Scalar* to) {
  if constexpr (has_masks) {
    for (int v = 0; v < vectors; ++v) hn::BlendedStore(from[v], LanesBelow(count, v), Part(), to + v * lanes);
  } else {
    HWY_ALIGN_MAX Scalar numbers[width];
    for (int v = 0; v < vectors; ++v) hn::Store(from[v], Part(), numbers + v * lanes);
    for (Index i = 0; i < count; ++i) to[i] = numbers[i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maas::inline MAAS_ABI::kernels
HWY_AFTER_NAMESPACE();

#endif
