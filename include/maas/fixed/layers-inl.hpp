// Bodies of what fixed layers are checked with.
#pragma once

#include "maas/fixed/layers.hpp"

namespace maas::inline MAAS_ABI::fixed::detail {

MAAS_INLINE void require_kernel(const DenseStep& step, Index inputs, Index outputs) {
  require<ShapeError>(step.kernel.rows() == inputs && step.kernel.cols() == outputs,
                      "fixed::Network: layer \"{}\": expected a kernel of {}x{}, got {}x{}", step.name, inputs, outputs,
                      step.kernel.rows(), step.kernel.cols());
}

MAAS_INLINE void require_activation(const DenseStep& step, bool right, std::string_view expected) {
  require<ConfigError>(right, "fixed::Network: layer \"{}\": expected activation {}, got {}", step.name, expected,
                       step.activation.class_name());
}

}  // namespace maas::inline MAAS_ABI::fixed::detail
