// Where tests find their files. Texts are put together by fmt: GCC 12 sees reads beyond strings that are added up.
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::tests {

/// A file of the small set of fixtures in the repository.
inline std::string own_fixture(std::string_view name) { return fmt::format("{}/{}", MAAS_FIXTURES_DIR, name); }

/// A file of the large set: below MAAS_FIXTURES if that is set, else beside the repository.
inline std::string fixture(std::string_view name) {
  if (const char* chosen = std::getenv("MAAS_FIXTURES")) return fmt::format("{}/{}", chosen, name);
  return fmt::format("{}/fixtures/data/{}", MAAS_SHARED_DIR, name);
}

}  // namespace maas::inline MAAS_ABI::tests
