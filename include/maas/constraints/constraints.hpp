// The family of constraints.
#pragma once

#include "maas/constraints/constraint.hpp"
#include "maas/constraints/norms.hpp"
#include "maas/core/catalog.hpp"

namespace maas::inline MAAS_ABI {

/// Every constraint a file may name. Adding one adds its name here.
using BuiltinConstraints = Catalog<Constraint, MaxNorm, NonNeg, UnitNorm, MinMaxNorm>;
#if defined(MAAS_COMPILED)
extern template std::span<const BuiltinConstraints::Entry> detail::entries_of<BuiltinConstraints>();
#endif

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/constraints/constraints-inl.hpp"
#endif
