// The portable bodies of the probes, with the compiler's vectors.
#pragma once

#include "maas/ops/lanes.hpp"
#include "maas/ops/probes.hpp"

namespace maas::inline MAAS_ABI::ops {

MAAS_INLINE const char* vectors_in_use() { return "Eigen"; }

MAAS_INLINE Index spin_multiply_adds(Index rounds) {
  constexpr int sums = 10;  // enough to hide the latency, few enough for 16 registers
  Lanes<lanes> sum[sums];
  for (int i = 0; i < sums; ++i) sum[i] = spread<lanes>(static_cast<Scalar>(i));
  const Lanes<lanes> a = spread<lanes>(Scalar(0.5)), b = spread<lanes>(Scalar(0.25));
  for (Index round = 0; round < rounds; ++round)
    for (int i = 0; i < sums; ++i) sum[i] = multiply_add<lanes>(sum[i], a, b);
  Scalar lane[lanes];
  for (int i = 1; i < sums; ++i) sum[0] += sum[i];
  store<lanes>(lane, sum[0]);
  [[maybe_unused]] volatile Scalar kept = lane[0];  // or nothing is computed
  return rounds * sums * lanes;
}

MAAS_INLINE Scalar read_numbers(Index count, const Scalar* numbers) {
  constexpr int sums = 8;
  Lanes<lanes> sum[sums] = {};
  for (Index i = 0; i + 128 <= count; i += 128)
    for (Index k = 0; k < 128; k += sums * lanes)
      for (int s = 0; s < sums && k + s * lanes < 128; ++s) sum[s] += load<lanes>(numbers + i + k + s * lanes);
  Scalar total = 0, lane[lanes];
  for (int s = 0; s < sums; ++s) {
    store<lanes>(lane, sum[s]);
    for (int i = 0; i < lanes; ++i) total += lane[i];
  }
  return total;
}

MAAS_INLINE void rewrite_numbers(Index count, Scalar* numbers) {
  const Lanes<lanes> one = spread<lanes>(Scalar(1)), zero = spread<lanes>(Scalar(0));
  for (Index i = 0; i + lanes <= count; i += lanes)
    store<lanes>(numbers + i, multiply_add<lanes>(load<lanes>(numbers + i), one, zero));
}

}  // namespace maas::inline MAAS_ABI::ops
