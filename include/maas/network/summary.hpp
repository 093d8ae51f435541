// The table of layers, shapes and counts that Keras users expect.
#pragma once

#include <string>

#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI {

/// What a summary shows beside layers, output shapes and counts.
struct SummaryOptions {
  bool show_trainable = false;  ///< a column that says whether a layer's weights are trained
};

/// Keras' summary as text: a line a layer with its name and class, output shape (None stands for the number of samples)
/// and count of weights, then the totals. Where layers do not simply follow each other a column says which calls of
/// which layers each takes, `dense[0]` for the first.
std::string summary(const Network& network, const std::string& title = "Model", const SummaryOptions& options = {});

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/summary-inl.hpp"
#endif
