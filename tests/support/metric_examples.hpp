// Every metric of the family's list, with what it needs to be used.
#pragma once

#include "maas/metrics/metrics.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Gives the fields that have no default a value, for so many outputs.
template <class Part>
Part usable(Part part, Index outputs = 3) {
  if constexpr (requires { part.num_classes; }) part.num_classes = outputs;
  if constexpr (
      requires { part.num_classes; } && requires { part.target_class_ids; })
    part.target_class_ids = {0, 2};
  if constexpr (requires { part.specificity; }) part.specificity = 0.5;
  if constexpr (requires { part.sensitivity; }) part.sensitivity = 0.5;
  if constexpr (requires { part.recall; }) part.recall = 0.5;
  if constexpr (requires { part.precision; }) part.precision = 0.5;
  return part;
}

}  // namespace maas::inline MAAS_ABI::tests
