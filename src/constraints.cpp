// The family of constraints and their bodies, built once.
#include "maas/constraints/constraints-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const CatalogEntry<Constraint>> BuiltinConstraints::entries();
}  // namespace maas::inline MAAS_ABI
