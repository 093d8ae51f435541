// What the process takes of the machine.
#pragma once

#include <cstdint>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::serve {

struct ProcessUse {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0, virtual_bytes = 0, open_files = 0, most_files = 0;
};

/// Now; what the system does not tell is 0.
ProcessUse process_use();

}  // namespace maas::inline MAAS_ABI::serve
