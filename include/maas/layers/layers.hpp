// The family of layers.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/layers/activation_layer.hpp"
#include "maas/layers/dense.hpp"
#include "maas/layers/dropout.hpp"
#include "maas/layers/input_layer.hpp"
#include "maas/layers/layer.hpp"
#include "maas/layers/reshaping.hpp"

namespace maas::inline MAAS_ABI {

/// Every layer a file may name. Adding one adds its name here.
using BuiltinLayers = Catalog<Layer, InputLayer, Dense, ActivationLayer, Dropout, Flatten>;

}  // namespace maas::inline MAAS_ABI
