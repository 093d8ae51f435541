// Memory that runs out when a test wants it to.
#pragma once

#include <cstdint>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::tests {

/// What of a program's memory may run out.
enum class Failing {
  cpp,       ///< what operator new gives
  cpp_and_c  ///< and what malloc and its kin give, other libraries' and Eigen's: not with a sanitizer, which has its
             ///< own
};
/// Once it has run out.
enum class Lasting {
  once,   ///< there is some again for the next one who asks
  always  ///< there is none any more
};

/// From its beginning to its end memory runs out: who asks for it after `good` times of success gets none, but for
/// threads that are spared. One at a time.
class MemoryRunsOut {
 public:
  MemoryRunsOut(std::int64_t good, Failing what, Lasting how);
  MemoryRunsOut(const MemoryRunsOut&) = delete;
  MemoryRunsOut& operator=(const MemoryRunsOut&) = delete;
  ~MemoryRunsOut() { end(); }
  /// Whether anybody got none.
  bool has_failed() const;
  /// There is memory again. Whether anybody got none.
  bool end();
};

/// Spares this thread: that of a test itself, which asks and looks.
void spare_this_thread();

/// Whether malloc can fail in this program.
bool c_memory_can_fail();

}  // namespace maas::inline MAAS_ABI::tests
