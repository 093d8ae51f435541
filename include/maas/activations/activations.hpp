// The family of activations.
#pragma once

#include "maas/activations/activation.hpp"
#include "maas/activations/gated.hpp"
#include "maas/activations/linear.hpp"
#include "maas/activations/rectifiers.hpp"
#include "maas/activations/shrinks.hpp"
#include "maas/activations/sigmoids.hpp"
#include "maas/activations/softmax.hpp"
#include "maas/core/catalog.hpp"

namespace maas::inline MAAS_ABI {

/// Every activation a file may name. Adding one adds its name here.
using BuiltinActivations = Catalog<Activation, Linear, Relu, BoundedRelu, Relu6, LeakyRelu, Elu, Selu, Celu, Gelu,
                                   Sigmoid, HardSigmoid, Keras2HardSigmoid, Tanh, HardTanh, Softplus, Softsign, Silu,
                                   HardSilu, Exponential, Mish, LogSigmoid, Softmax, LogSoftmax, Squareplus, SparsePlus,
                                   SparseSigmoid, Sparsemax, HardShrink, SoftShrink, TanhShrink, Threshold, Glu>;
#if defined(MAAS_COMPILED)
extern template std::span<const BuiltinActivations::Entry> detail::entries_of<BuiltinActivations>();
#endif

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/activations/activations-inl.hpp"
#endif
