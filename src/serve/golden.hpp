// golden.json: samples and the answers that a version must give for them before it goes live.
#pragma once

#include <string>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// The file is a list of `{"inputs": ..., "outputs": ..., "rtol": 1e-4, "atol": 1e-6}` (tolerances may be left out):
/// tensors as `:predict` takes and gives them in column form. Each number must be within atol + rtol |expected|; NaN
/// and infinities must be the same. Throws RefusedError where one is not; DataError for a file that is none, or holds
/// no check.
void check_golden(const Servable& servable, const std::string& path);

}  // namespace maas::inline MAAS_ABI::serve
