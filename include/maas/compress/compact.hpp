// Networks for prediction whose weights take a half or a quarter of the memory.
#pragma once

#include "maas/network/network.hpp"
#include "maas/ops/compact.hpp"

namespace maas::inline MAAS_ABI {

using ops::CompactFormat;

/// What compact() does.
struct CompactOptions {
  CompactFormat format = CompactFormat::int8;
  /// Kernels of fewer numbers stay as they are: those that stay in a cache are not faster in fewer bytes.
  Index smallest = Index{1} << 16;
};

/// The network with compact kernels in its Dense layers (see CompactDense): a large one that is bound by reading its
/// weights predicts faster with them. All else stays as it is: layers of one output are left alone. Its numbers are
/// those of rounded(network), to the bit. For prediction only: training and saving it throw ConfigError. Throws
/// DataError that names a kernel that is not finite, with int8.
Network compact(const Network& network, const CompactOptions& options = {});

/// The network with kernels rounded as compact() would, kept as ordinary numbers: what to save, open in Keras, or train
/// on. compact(rounded(network)) is compact(network), to the bit.
Network rounded(const Network& network, const CompactOptions& options = {});

/// How far outputs moved.
struct OutputChange {
  double largest = 0;  ///< |difference|
  double mean = 0;     ///< of |difference|
  double spread = 0;   ///< standard deviation of the outputs before, over all of them: what to hold the change against
  /// mean / spread, or the mean itself where all outputs are the same.
  double relative() const { return spread > 0 ? mean / spread : mean; }
};

/// What another set of weights does to the outputs for some samples, one matrix an input. Both networks take and give
/// the same shapes. Throws ShapeError where the samples do not fit, DataError for none.
OutputChange change_of(const Network& before, const Network& after, const std::vector<Matrix>& inputs);

/// compact() where it may: throws DataError that names the change where OutputChange::relative() for these samples is
/// above `limit`.
Network compact_within(const Network& network, const std::vector<Matrix>& inputs, double limit,
                       const CompactOptions& options = {});

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/compress/compact-inl.hpp"
#endif
