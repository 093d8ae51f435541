// The family of activations.
#pragma once

#include "maas/activations/activation.hpp"
#include "maas/activations/linear.hpp"
#include "maas/activations/rectifiers.hpp"
#include "maas/activations/sigmoids.hpp"
#include "maas/activations/softmax.hpp"
#include "maas/core/catalog.hpp"

namespace maas::inline MAAS_ABI {

/// Every activation a file may name. Adding one adds its name here.
using BuiltinActivations = Catalog<Activation, Linear, Relu, Sigmoid, Tanh, Softmax>;

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/activations/activations-inl.hpp"
#endif
