// The family of layers and their bodies, built once.
#include "maas/layers/layers.hpp"

#include "maas/layers/activation_layer-inl.hpp"
#include "maas/layers/activation_layers-inl.hpp"
#include "maas/layers/activity_regularization-inl.hpp"
#include "maas/layers/batch_normalization-inl.hpp"
#include "maas/layers/compact_dense-inl.hpp"
#include "maas/layers/dense-inl.hpp"
#include "maas/layers/dropout-inl.hpp"
#include "maas/layers/einsum_dense-inl.hpp"
#include "maas/layers/embedding-inl.hpp"
#include "maas/layers/input_layer-inl.hpp"
#include "maas/layers/layer-inl.hpp"
#include "maas/layers/masking-inl.hpp"
#include "maas/layers/merging-inl.hpp"
#include "maas/layers/preprocessing-inl.hpp"
#include "maas/layers/reshaping-inl.hpp"
#include "maas/layers/sample_normalization-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const BuiltinLayers::Entry> detail::entries_of<BuiltinLayers>();
}  // namespace maas::inline MAAS_ABI
