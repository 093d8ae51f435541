// cost_of: how much arithmetic and memory a network takes, from its shapes alone.
#pragma once

#include "maas/network/network.hpp"

namespace maas::inline MAAS_ABI {

/// What a network costs, beside what the machine can do (ops::measure_machine): products alone, since everything else
/// is small beside them.
struct Cost {
  double multiply_adds = 0;           ///< of the products with kernels, for one sample
  double training_multiply_adds = 0;  ///< the same for a step of training: forward, and back where weights are trained
  double weight_bytes = 0;            ///< all weights; one prediction reads them at least once
};

/// Counts for every call of a layer with a kernel (Dense, EinsumDense) the size of the kernel times how often a sample
/// applies it. A layer that takes the network's inputs has no gradients to give to them.
Cost cost_of(const Network& network);

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/network/cost-inl.hpp"
#endif
