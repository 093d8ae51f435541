// Every metric of the family's list, with what it needs to be used.
#pragma once

#include "maas/metrics/metrics.hpp"

namespace maas::inline MAAS_ABI::tests {

/// Gives the fields that have no default a value, for so many outputs.
inline Metric usable(const CatalogEntry<Metric>& entry, Index outputs = 3) {
  Config fields = entry.make({}).config();
  if (fields.contains("num_classes")) {
    fields.set("num_classes", outputs);
    if (fields.contains("target_class_ids")) fields.set("target_class_ids", Config::List{0, 2});
  }
  for (std::string_view name : {"specificity", "sensitivity", "recall", "precision"})
    if (fields.contains(name)) fields.set(name, 0.5);
  return entry.make(fields);
}

}  // namespace maas::inline MAAS_ABI::tests
