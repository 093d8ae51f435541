// Flushing of denormal numbers inside a training step.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
/// How this thread calculates with floating-point numbers, and on x86 what happened so far.
inline unsigned control_register() {
#if defined(__SSE2__)
  return _mm_getcsr();
#elif defined(__aarch64__)
  unsigned long state;
  asm volatile("mrs %0, fpcr" : "=r"(state));
  return static_cast<unsigned>(state);
#else
  return 0;
#endif
}

/// The bits that make denormal results and inputs zero.
#if defined(__SSE2__)
inline constexpr unsigned flush_bits = 0x8040;
#elif defined(__aarch64__)
inline constexpr unsigned flush_bits = 1u << 24;
#else
inline constexpr unsigned flush_bits = 0;
#endif
}  // namespace detail

/// The floating-point state of this thread (rounding, flushing), so that other threads can work under the same one.
inline unsigned floating_point_state() {
#if defined(__SSE2__)
  return detail::control_register() & ~0x3fu;  // without the flags of what happened so far
#else
  return detail::control_register();
#endif
}
inline void set_floating_point_state([[maybe_unused]] unsigned state) {
#if defined(__SSE2__)
  _mm_setcsr(state);
#elif defined(__aarch64__)
  asm volatile("msr fpcr, %0" : : "r"(static_cast<unsigned long>(state)));
#endif
}

/// While it lives, denormal results and inputs count as zero on this thread; afterwards the caller's state is back.
/// Late in training moments become denormal, and the optimizer's sweep would slow down several times over.
/// Does nothing on processors other than x86 and 64-bit ARM.
class FlushDenormals {
 public:
  FlushDenormals() : saved_(detail::control_register()) { set_floating_point_state(saved_ | detail::flush_bits); }
  ~FlushDenormals() { set_floating_point_state(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned saved_;
};

}  // namespace maas::inline MAAS_ABI
