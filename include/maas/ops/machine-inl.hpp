// Timing of the probes.
#pragma once

#include <algorithm>
#include <chrono>

#include "maas/core/block.hpp"
#include "maas/ops/machine.hpp"
#include "maas/ops/probes.hpp"

namespace maas::inline MAAS_ABI::ops {

namespace detail {

/// The best rate that `work`, which returns what it did, reaches within so many seconds.
template <class Work>
double best_rate(double seconds, Work&& work) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  double best = 0;
  for (int run = 0; run < 3 || std::chrono::duration<double>(Clock::now() - start).count() < seconds; ++run) {
    const Clock::time_point begin = Clock::now();
    const double done = work();
    best = std::max(best, done / std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

/// Bytes a second of reading a block of so many numbers again and again.
inline double reading_rate(double seconds, Index count, const Scalar* numbers) {
  const Index times = std::max<Index>(1, (Index{1} << 20) / count);
  volatile Scalar kept = 0;
  return best_rate(seconds, [&] {
    for (Index i = 0; i < times; ++i) kept = read_numbers(count, numbers);
    return static_cast<double>(times * count) * sizeof(Scalar);
  });
}

}  // namespace detail

MAAS_INLINE double Machine::floor(double multiply_adds_done, double bytes) const {
  const double rate = bytes <= 24e3 ? first_level : bytes <= 768e3 ? second_level : memory;
  return std::max(multiply_adds_done / multiply_adds, bytes / rate);
}

MAAS_INLINE Machine measure_machine(double seconds) {
  constexpr Index first = (Index{16} << 10) / sizeof(Scalar), second = (Index{256} << 10) / sizeof(Scalar),
                  all = (Index{128} << 20) / sizeof(Scalar);
  Block block(all);
  Machine machine;
  const double each = seconds / 5;
  machine.multiply_adds = detail::best_rate(each, [] { return static_cast<double>(spin_multiply_adds(100000)); });
  machine.first_level = detail::reading_rate(each, first, block.data());
  machine.second_level = detail::reading_rate(each, second, block.data());
  machine.memory = detail::reading_rate(each, all, block.data());
  machine.rewritten = detail::best_rate(each, [&] {
    rewrite_numbers(all, block.data());
    return 2.0 * static_cast<double>(all) * sizeof(Scalar);
  });
  return machine;
}

}  // namespace maas::inline MAAS_ABI::ops
