// The family of metrics and their bodies, built once.
#include "maas/metrics/metrics-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const CatalogEntry<Metric>> BuiltinMetrics::entries();
}  // namespace maas::inline MAAS_ABI
