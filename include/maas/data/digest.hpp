// digest_of: a number that tells data apart.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "maas/core/matrix.hpp"

namespace maas::inline MAAS_ABI {

/// 64 bits that follow from the size and all numbers of a matrix, and from their order: other data have others, but for
/// a chance of one in 2^64. It tells by accident what is not the same data; it is no protection against forgery. The
/// same numbers in float and in double have different ones.
inline std::uint64_t digest_of(MatrixArg data) {
  // Each 8 bytes are mixed in by a multiplication whose high bits come down again; odd constants lose nothing.
  constexpr std::uint64_t factor = 0x9E3779B97F4A7C15, other = 0xD1B54A32D192ED03;
  std::uint64_t digest = 0x243F6A8885A308D3;
  const auto mix = [&](std::uint64_t word) {
    digest = (digest ^ word) * factor;
    digest = std::rotl(digest, 29) ^ (digest >> 32);
  };
  mix(static_cast<std::uint64_t>(data.rows()));
  mix(static_cast<std::uint64_t>(data.cols()));
  const std::size_t bytes = static_cast<std::size_t>(data.cols()) * sizeof(Scalar);
  for (Index row = 0; row < data.rows(); ++row) {
    const char* at = reinterpret_cast<const char*>(data.data() + row * data.outerStride());
    std::size_t done = 0;
    for (; done + 8 <= bytes; done += 8) {
      std::uint64_t word;
      std::memcpy(&word, at + done, 8);
      mix(word);
    }
    if (done == bytes) continue;
    std::uint64_t word = 0;
    std::memcpy(&word, at + done, bytes - done);
    mix(word);
  }
  digest ^= digest >> 31;
  digest *= other;
  return digest ^ (digest >> 29);
}

/// A digest as 16 hex digits.
inline std::string digest_text(std::uint64_t digest) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; digest >>= 4) text[i] = digits[digest & 15];
  return text;
}

}  // namespace maas::inline MAAS_ABI
