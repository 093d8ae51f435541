// What one core of this machine can do at most: the floor under every time.
#pragma once

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::ops {

/// Rates of one core, measured; all a second.
struct Machine {
  double multiply_adds = 0;  ///< of numbers in registers, with the vectors that the products use
  double first_level = 0;    ///< bytes read from 16 KB
  double second_level = 0;   ///< bytes read from 256 KB
  double memory = 0;         ///< bytes read from 128 MB
  double rewritten = 0;      ///< bytes of 128 MB that are read and written: each counts twice

  /// Seconds that so many multiply-adds take at least, or reading `bytes` once, whichever takes longer. Bytes that are
  /// read again and again lie in the first level up to 24 KB, in the second up to 768 KB, else in memory; a last cache
  /// in between is not counted, so that more than the floor says is possible there.
  double floor(double multiply_adds_done, double bytes) const;
};

/// Measures for about `seconds`: every rate in several short runs, of which the fastest counts, since whatever else
/// runs on the machine can only slow them down. Takes 128 MB while it runs.
Machine measure_machine(double seconds = 0.5);

}  // namespace maas::inline MAAS_ABI::ops

#if !defined(MAAS_COMPILED)
#include "maas/ops/machine-inl.hpp"
#endif
