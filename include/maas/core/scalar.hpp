// The number types of the library, and the namespace that keeps float and double builds apart.
#pragma once

#include <cstddef>
#include <cstdint>

/// Precision is chosen once for a whole program: float unless MAAS_SCALAR_DOUBLE is defined. Every name lives in
/// an inline namespace of that precision, so objects of the two builds can never be linked together by mistake.
#if defined(MAAS_SCALAR_DOUBLE)
#define MAAS_ABI f64
#else
#define MAAS_ABI f32
#endif

/// Functions of `-inl.hpp` files: inline for header-only users, ordinary functions where the library is compiled.
#if defined(MAAS_COMPILED)
#define MAAS_INLINE
#else
#define MAAS_INLINE inline
#endif

namespace maas::inline MAAS_ABI {

#if defined(MAAS_SCALAR_DOUBLE)
using Scalar = double;
#else
/// The type of every weight, activation and gradient.
using Scalar = float;
#endif

/// Sizes and positions; signed, as Eigen's.
using Index = std::ptrdiff_t;

}  // namespace maas::inline MAAS_ABI
