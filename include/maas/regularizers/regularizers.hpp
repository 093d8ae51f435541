// The family of regularizers.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/regularizers/l1_l2.hpp"
#include "maas/regularizers/orthogonal.hpp"
#include "maas/regularizers/regularizer.hpp"

namespace maas::inline MAAS_ABI {

/// Every regularizer a file may name. Adding one adds its name here.
using BuiltinRegularizers = Catalog<Regularizer, L1L2, L1, L2, OrthogonalRegularizer>;
#if defined(MAAS_COMPILED)
extern template std::span<const BuiltinRegularizers::Entry> detail::entries_of<BuiltinRegularizers>();
#endif

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/regularizers/regularizers-inl.hpp"
#endif
