// digest_of: a number that tells data apart.
#pragma once

#include <cstdint>
#include <string>

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

/// 64 bits that follow from the size and all numbers of a matrix, and from their order: other data have others, but for
/// a chance of one in 2^64. It tells by accident what is not the same data; it is no protection against forgery. The
/// same numbers in float and in double have different ones.
std::uint64_t digest_of(MatrixArg data);

/// A digest as 16 hex digits.
std::string digest_text(std::uint64_t digest);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/data/digest-inl.hpp"
#endif
