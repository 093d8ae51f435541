// Gradient times input: which inputs a prediction rests on.
#pragma once

#include <vector>

#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI {

/// Explains one number of an output: d number / d input times input, for every sample by itself; one matrix an input,
/// of the input's size. Large amounts are what the prediction rests on; for a network that is linear without a bias
/// they add up to it. `output` is the place among the network's outputs, `number` that in its sample. As in predict,
/// nothing is dropped, and statistics are the moving ones. Throws ShapeError for inputs that do not fit, ConfigError
/// for an output or a number that is not there.
/// (Shrikumar et al., "Not just a black box", 2016, arXiv:1605.01713.)
std::vector<Matrix> gradient_times_input(const Network& network, const std::vector<Matrix>& x, Index number = 0,
                                         Index output = 0);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/explain-inl.hpp"
#endif
