// Flushing of denormal numbers inside a training step.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// The floating-point state of this thread (rounding, flushing), so that other threads can work under the same one.
inline unsigned floating_point_state() {
#if defined(__SSE2__)
  return _mm_getcsr() & ~0x3fu;  // without the flags of what happened so far
#else
  return 0;
#endif
}
inline void set_floating_point_state([[maybe_unused]] unsigned state) {
#if defined(__SSE2__)
  _mm_setcsr(state);
#endif
}

/// While it lives, denormal results and inputs count as zero on this thread; afterwards the caller's state is back.
/// Late in training moments become denormal, and the optimizer's sweep would slow down several times over.
/// Does nothing on processors other than x86.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040u); }
  ~FlushDenormals() { _mm_setcsr(saved_); }
#else
  FlushDenormals() {}
  ~FlushDenormals() {}
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__SSE2__)
  unsigned saved_;
#endif
};

}  // namespace maas::inline MAAS_ABI
