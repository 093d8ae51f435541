// Bodies of digest_of.
#pragma once

#include <bit>
#include <cstring>

#include "maas/data/digest.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE std::uint64_t digest_of(MatrixArg data) {
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

MAAS_INLINE std::string digest_text(std::uint64_t digest) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; digest >>= 4) text[i] = digits[digest & 15];
  return text;
}

}  // namespace maas::inline MAAS_ABI
