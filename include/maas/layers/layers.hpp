// The family of layers.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/layers/activation_layer.hpp"
#include "maas/layers/activation_layers.hpp"
#include "maas/layers/activity_regularization.hpp"
#include "maas/layers/batch_normalization.hpp"
#include "maas/layers/dense.hpp"
#include "maas/layers/dropout.hpp"
#include "maas/layers/einsum_dense.hpp"
#include "maas/layers/embedding.hpp"
#include "maas/layers/identity.hpp"
#include "maas/layers/input_layer.hpp"
#include "maas/layers/layer.hpp"
#include "maas/layers/masking.hpp"
#include "maas/layers/merging.hpp"
#include "maas/layers/preprocessing.hpp"
#include "maas/layers/reshaping.hpp"
#include "maas/layers/sample_normalization.hpp"

namespace maas::inline MAAS_ABI {

/// Every layer a file may name. Adding one adds its name here.
using BuiltinLayers =
    Catalog<Layer, InputLayer, IdentityLayer, Dense, EinsumDense, ActivationLayer, Embedding, Masking, Flatten, Reshape,
            Permute, RepeatVector, ReLU, LeakyReLU, PReLU, ELU, SoftmaxLayer, Dropout, SpatialDropout1D,
            SpatialDropout2D, GaussianDropout, GaussianNoise, AlphaDropout, ActivityRegularization, BatchNormalization,
            LayerNormalization, RMSNormalization, GroupNormalization, UnitNormalization, Normalization, Rescaling,
            Discretization, CategoryEncoding, Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot>;
#if defined(MAAS_COMPILED)
extern template std::span<const BuiltinLayers::Entry> detail::entries_of<BuiltinLayers>();
#endif

}  // namespace maas::inline MAAS_ABI
