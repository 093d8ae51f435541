// Small files of every form, which mutations start from.
#pragma once

#include <string>
#include <vector>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::fuzz {

/// Makes models and saves them in the working directory for a moment.
std::vector<std::string> seed_files();

}  // namespace maas::inline MAAS_ABI::fuzz
