// Counting of memory allocations, for promises such as "a training step takes no memory".
#pragma once

#include <atomic>
#include <cstdint>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::testing {

namespace detail {
inline std::atomic<std::int64_t> allocation_count{0};
inline std::atomic<bool> allocations_are_counted{false};
}  // namespace detail

/// How often memory has been taken so far, by any thread and by any means. Only means something if
/// counts_allocations().
inline std::int64_t allocations() { return detail::allocation_count.load(std::memory_order_relaxed); }

/// True if one translation unit of this program has defined MAAS_COUNT_ALLOCATIONS before it included this header, and
/// so has replaced malloc and its kin by counting ones (with glibc, and without a sanitizer: those have their own).
inline bool counts_allocations() { return detail::allocations_are_counted.load(std::memory_order_relaxed); }

}  // namespace maas::inline MAAS_ABI::testing

#if defined(MAAS_COUNT_ALLOCATIONS)

#include <cerrno>
#include <cstddef>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAAS_HAS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define MAAS_HAS_SANITIZER
#endif
#endif

#if defined(__GLIBC__) && !defined(MAAS_HAS_SANITIZER)

// Everything comes down to these: operator new and Eigen call malloc or posix_memalign.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t border, std::size_t size);

void* malloc(std::size_t size) noexcept {
  ++maas::testing::detail::allocation_count;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  ++maas::testing::detail::allocation_count;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  ++maas::testing::detail::allocation_count;
  return __libc_realloc(memory, size);
}
void* memalign(std::size_t border, std::size_t size) noexcept {
  ++maas::testing::detail::allocation_count;
  return __libc_memalign(border, size);
}
void* aligned_alloc(std::size_t border, std::size_t size) noexcept { return memalign(border, size); }
int posix_memalign(void** memory, std::size_t border, std::size_t size) noexcept {
  *memory = memalign(border, size);
  return *memory == nullptr ? ENOMEM : 0;
}
}

namespace {
[[maybe_unused]] const bool maas_counts_allocations = (maas::testing::detail::allocations_are_counted = true, true);
}

#endif
#endif
