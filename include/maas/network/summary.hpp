// The table of layers, shapes and counts that Keras users expect.
#pragma once

#include <string>

#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI {

/// Keras' summary as text: a line a layer with its name and class, output shape (None stands for the number of samples)
/// and count of weights, then the totals.
std::string summary(const Network& network, const std::string& title = "Model");

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/summary-inl.hpp"
#endif
