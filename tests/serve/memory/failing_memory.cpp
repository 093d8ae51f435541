#include "serve/memory/failing_memory.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define MAAS_HAS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define MAAS_HAS_SANITIZER
#endif
#endif

#if defined(__GLIBC__) && !defined(MAAS_HAS_SANITIZER)
#define MAAS_OWN_MALLOC
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t border, std::size_t size);
}
#endif

namespace maas::inline MAAS_ABI::tests {

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
std::atomic<std::int64_t> left{never};  // successes until there is none
std::atomic<bool> lasts{false}, fails_c{false}, has_failed{false};
thread_local bool is_spared = false;

// Whether who asks now gets none.
bool runs_out() {
  if (is_spared || left.load(std::memory_order_relaxed) == never) return false;
  const std::int64_t before = left.fetch_sub(1);
  if (before > 0 || (before < 0 && !lasts)) return false;
  has_failed = true;
  return true;
}

[[maybe_unused]] bool c_runs_out() { return fails_c.load(std::memory_order_relaxed) && runs_out(); }

// What is behind operator new: malloc, of which this program's own would count it twice.
void* system_memory(std::size_t size) noexcept {
#if defined(MAAS_OWN_MALLOC)
  return __libc_malloc(size);
#else
  return std::malloc(size);
#endif
}

void* system_memory(std::size_t size, std::size_t border) noexcept {
#if defined(MAAS_OWN_MALLOC)
  return __libc_memalign(border, size);
#else
  void* memory = nullptr;
  return ::posix_memalign(&memory, border, size) == 0 ? memory : nullptr;
#endif
}

template <class... Border>
void* new_or_none(std::size_t size, Border... border) noexcept {
  return runs_out() ? nullptr : system_memory(size == 0 ? 1 : size, static_cast<std::size_t>(border)...);
}

template <class... Border>
void* new_or_throw(std::size_t size, Border... border) {
  void* const memory = new_or_none(size, border...);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

MemoryRunsOut::MemoryRunsOut(std::int64_t good, Failing what, Lasting how) {
  tests::has_failed = false;
  lasts = how == Lasting::always;
  fails_c = what == Failing::cpp_and_c;
  left = good;
}

bool MemoryRunsOut::has_failed() const { return tests::has_failed; }

bool MemoryRunsOut::end() {
  left = never;
  return has_failed();
}

void spare_this_thread() { is_spared = true; }

bool c_memory_can_fail() {
#if defined(MAAS_OWN_MALLOC)
  return true;
#else
  return false;
#endif
}

}  // namespace maas::inline MAAS_ABI::tests

using namespace maas::tests;

void* operator new(std::size_t size) { return new_or_throw(size); }
void* operator new[](std::size_t size) { return new_or_throw(size); }
void* operator new(std::size_t size, std::align_val_t border) { return new_or_throw(size, border); }
void* operator new[](std::size_t size, std::align_val_t border) { return new_or_throw(size, border); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return new_or_none(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return new_or_none(size); }
void* operator new(std::size_t size, std::align_val_t border, const std::nothrow_t&) noexcept {
  return new_or_none(size, border);
}
void* operator new[](std::size_t size, std::align_val_t border, const std::nothrow_t&) noexcept {
  return new_or_none(size, border);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#if defined(MAAS_OWN_MALLOC)
extern "C" {
void* malloc(std::size_t size) noexcept { return c_runs_out() ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) noexcept {
  return c_runs_out() ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept { return c_runs_out() ? nullptr : __libc_realloc(memory, size); }
void* memalign(std::size_t border, std::size_t size) noexcept {
  return c_runs_out() ? nullptr : __libc_memalign(border, size);
}
void* aligned_alloc(std::size_t border, std::size_t size) noexcept { return memalign(border, size); }
int posix_memalign(void** memory, std::size_t border, std::size_t size) noexcept {
  *memory = memalign(border, size);
  return *memory == nullptr ? ENOMEM : 0;
}
}
#endif
