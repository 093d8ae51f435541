// Bodies of InputLayer.
#pragma once

#include "maas/layers/input_layer.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE LayerPlan InputLayer::plan(Shapes inputs) const {
  require<ShapeError>(inputs.empty(), "InputLayer: expected no inputs, got {}", inputs.size());
  return {.output = shape};
}

}  // namespace maas::inline MAAS_ABI
