// What is done with a file that may be anything.
#pragma once

#include <string>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::fuzz {

/// Reads a file as load_model does, or a text as the architecture of a model, and predicts with what could be read.
/// True if it could. All else than an Error of maas is a fault.
bool read_anything(const std::string& file);

}  // namespace maas::inline MAAS_ABI::fuzz
