// Loops that do nothing but keep one part of the machine busy: what measure_machine times.
#pragma once

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::ops {

/// The vectors that the products use on this machine: "AVX3" (which is AVX-512), "AVX2", "SSE4", "NEON", or "Eigen"
/// for the bodies of the headers, with whatever the compiler was told.
const char* vectors_in_use();

/// As many multiply-adds as the processor can do at once, `rounds` times, with the vectors the products use. Returns
/// how many numbers were multiplied and added.
Index spin_multiply_adds(Index rounds);

/// The sum of `count` numbers, read from front to back; a multiple of 128 of them is read, the rest left out.
Scalar read_numbers(Index count, const Scalar* numbers);

/// Reads and writes every number once: x = x * 1 + 0.
void rewrite_numbers(Index count, Scalar* numbers);

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/probes-inl.hpp"
#endif
