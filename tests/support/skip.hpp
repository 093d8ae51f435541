// Tests that need a reference table say so when they are skipped.
#pragma once

#include <string>

#include "support/catch.hpp"
#include "support/table.hpp"

namespace maas::inline MAAS_ABI::tests {

/// True, and said aloud, if the table is not there.
inline bool skipped_without(const std::string& table) {
  if (has_table(table)) return false;
  WARN("skipped: there is no " << table_path(table));
  return true;
}

}  // namespace maas::inline MAAS_ABI::tests
