// Counter-based random numbers: the same ones whatever the number of threads.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI {

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011). There is no
/// running state: the i-th number of a stream is a function of the key and i, so shards of a batch draw theirs alone.
class Random {
 public:
  using Block = std::array<std::uint32_t, 4>;

  Random() = default;
  explicit Random(std::uint64_t seed) : key_(seed) {}

  /// A stream of its own, for one epoch, step, node or parameter. Streams of different names do not overlap.
  Random stream(std::uint64_t name) const {
    const Block mixed = generate(key_, {low(name), high(name), low(stream_), high(stream_) ^ 0x6d616173u});
    Random result;
    result.key_ = mixed[0] | std::uint64_t{mixed[1]} << 32;
    result.stream_ = mixed[2] | std::uint64_t{mixed[3]} << 32;
    return result;
  }

  /// The i-th 64 random bits.
  std::uint64_t bits(std::uint64_t i) const {
    const Block block = generate(key_, {low(i / 2), high(i / 2), low(stream_), high(stream_)});
    const std::size_t half = (i & 1) * 2;
    return block[half] | std::uint64_t{block[half + 1]} << 32;
  }
  /// The i-th number, uniform in [0, 1).
  double uniform(std::uint64_t i) const { return static_cast<double>(bits(i) >> 11) * 0x1p-53; }
  /// The i-th number of the standard normal distribution (Box-Muller).
  double normal(std::uint64_t i) const {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform(2 * i)));
    return radius * std::cos(6.283185307179586476925 * uniform(2 * i + 1));
  }
  /// The i-th whole number in [0, bound); bound must be positive.
  std::uint64_t below(std::uint64_t i, std::uint64_t bound) const {
    // The upper half of the 128-bit product, from products of 32-bit halves.
    const std::uint64_t x = bits(i), xl = low(x), xh = high(x), bl = low(bound), bh = high(bound);
    const std::uint64_t middle = xh * bl + (xl * bl >> 32), other = xl * bh + low(middle);
    return xh * bh + (middle >> 32) + (other >> 32);
  }

  /// One block of the generator; public so that its known answers can be tested.
  static Block generate(std::uint64_t key, Block counter) {
    std::uint32_t key0 = low(key), key1 = high(key);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0];
      const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * counter[2];
      counter = {high(b) ^ counter[1] ^ key0, low(b), high(a) ^ counter[3] ^ key1, low(a)};
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    return counter;
  }

 private:
  static std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
  static std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

  std::uint64_t key_ = 0;
  std::uint64_t stream_ = 0;
};

}  // namespace maas::inline MAAS_ABI
