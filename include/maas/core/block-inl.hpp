// Memory of a Block.
#pragma once

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <limits>
#include <new>

#include "maas/core/block.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

inline constexpr std::size_t large_page = std::size_t{2} << 20;

inline std::size_t bytes_of_block(Index size) { return static_cast<std::size_t>(size) * sizeof(Scalar); }

inline std::align_val_t border_of_block(Index size) {
  return std::align_val_t{bytes_of_block(size) >= 2 * large_page ? large_page : 64};
}

}  // namespace detail

MAAS_INLINE Scalar* detail::allocate_block(Index size) {
  if (size < 0 || size > std::numeric_limits<Index>::max() / static_cast<Index>(sizeof(Scalar)))
    throw std::bad_array_new_length();
  void* memory = ::operator new(bytes_of_block(size), border_of_block(size));
#if defined(__linux__)
  // Whole pages alone; advice that is not taken does no harm.
  if (bytes_of_block(size) >= 2 * large_page)
    madvise(memory, bytes_of_block(size) / large_page * large_page, MADV_HUGEPAGE);
#endif
  return static_cast<Scalar*>(memory);
}

MAAS_INLINE void detail::free_block(Scalar* memory, Index size) noexcept {
  ::operator delete(memory, border_of_block(size));
}

}  // namespace maas::inline MAAS_ABI
