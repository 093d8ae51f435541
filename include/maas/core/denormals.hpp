// Flushing of denormal numbers inside a training step.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

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
