// Bodies of what layers share.
#pragma once

#include "maas/layers/layer.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE const Shape& detail::only_input(Shapes inputs, std::string_view class_name) {
  require<ShapeError>(inputs.size() == 1, "{}: expected one input, got {}", class_name, inputs.size());
  return inputs[0];
}

}  // namespace maas::inline MAAS_ABI
