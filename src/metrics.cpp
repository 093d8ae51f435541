// The family of metrics and their bodies, built once.
#include "maas/metrics/metrics-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const BuiltinMetrics::Entry> detail::entries_of<BuiltinMetrics>();
}  // namespace maas::inline MAAS_ABI
