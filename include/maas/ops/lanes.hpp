// Lanes: the compilers' own vectors of numbers, and the one multiply-add under every product.
#pragma once

#include <cmath>
#include <cstring>

#include "maas/core/scalar.hpp"

#if defined(__FMA__) && (defined(__x86_64__) || defined(__i386__))
#include <immintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

// Programs that mix files compiled for different processors must not merge functions of different vector widths: the
// names carry what they were compiled for.
#if defined(__AVX512F__) && defined(__FMA__)
#define MAAS_VECTORS fma64
#define MAAS_VECTOR_BYTES 64
#elif defined(__AVX__) && defined(__FMA__)
#define MAAS_VECTORS fma32
#define MAAS_VECTOR_BYTES 32
#elif defined(__AVX__)
#define MAAS_VECTORS plain32
#define MAAS_VECTOR_BYTES 32
#else
#define MAAS_VECTORS plain16
#define MAAS_VECTOR_BYTES 16
#endif

namespace maas::inline MAAS_ABI::ops::inline MAAS_VECTORS {

/// True if multiply_add() rounds once.
#if (defined(__FMA__) && (defined(__x86_64__) || defined(__i386__))) || (defined(__ARM_NEON) && defined(__aarch64__))
inline constexpr bool fuses = true;
#else
inline constexpr bool fuses = false;
#endif

/// How many numbers the widest vector holds, and the narrowest one that is used.
inline constexpr int lanes = MAAS_VECTOR_BYTES / static_cast<int>(sizeof(Scalar));
inline constexpr int narrow_lanes = 16 / static_cast<int>(sizeof(Scalar));

/// A vector of Width numbers: arithmetic on all of them at once. A vector of one is a number.
template <int Width>
struct LanesOf {
  typedef Scalar Type __attribute__((vector_size(Width * sizeof(Scalar))));
};
template <>
struct LanesOf<1> {
  using Type = Scalar;
};
template <int Width>
using Lanes = typename LanesOf<Width>::Type;

/// Unaligned loads and stores.
template <int Width>
inline Lanes<Width> load(const Scalar* from) {
  Lanes<Width> result;
  std::memcpy(&result, from, sizeof(result));
  return result;
}
template <int Width>
inline void store(Scalar* to, const Lanes<Width>& value) {
  std::memcpy(to, &value, sizeof(value));
}

/// The same number in all lanes.
template <int Width>
inline Lanes<Width> spread(Scalar value) {
  if constexpr (Width == 1)
    return value;
  else
    return value - Lanes<Width>{};
}

/// a b + c, rounded once where the processor has the instruction and twice where it has not; never as the compiler
/// likes, so that every width, tile and caller gives the same bits.
template <int Width>
inline Lanes<Width> multiply_add(const Lanes<Width>& a, const Lanes<Width>& b, const Lanes<Width>& c) {
#if defined(__FMA__) && (defined(__x86_64__) || defined(__i386__))
  constexpr int bytes = Width * static_cast<int>(sizeof(Scalar));
  if constexpr (Width == 1) {
    return std::fma(a, b, c);
  } else {
#if defined(MAAS_SCALAR_DOUBLE)
    if constexpr (bytes == 16) return (Lanes<Width>)_mm_fmadd_pd((__m128d)a, (__m128d)b, (__m128d)c);
    if constexpr (bytes == 32) return (Lanes<Width>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#if defined(__AVX512F__)
    if constexpr (bytes == 64) return (Lanes<Width>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#endif
#else
    if constexpr (bytes == 16) return (Lanes<Width>)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)c);
    if constexpr (bytes == 32) return (Lanes<Width>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#if defined(__AVX512F__)
    if constexpr (bytes == 64) return (Lanes<Width>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#endif
#endif
  }
#elif defined(__ARM_NEON) && defined(__aarch64__)
  if constexpr (Width == 1)
    return std::fma(a, b, c);
  else
#if defined(MAAS_SCALAR_DOUBLE)
    return (Lanes<Width>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return (Lanes<Width>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#endif
#else
  return a * b + c;
#endif
}

}  // namespace maas::inline MAAS_ABI::ops::inline MAAS_VECTORS
