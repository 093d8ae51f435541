// The family of initializers.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/initializers/constant.hpp"
#include "maas/initializers/initializer.hpp"
#include "maas/initializers/orthogonal.hpp"
#include "maas/initializers/random.hpp"
#include "maas/initializers/variance_scaling.hpp"

namespace maas::inline MAAS_ABI {

/// Every initializer a file may name. Adding one adds its name here.
using BuiltinInitializers =
    Catalog<Initializer, Zeros, Ones, Constant, GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform,
            LecunNormal, VarianceScaling, RandomUniform, RandomNormal, TruncatedNormal, Identity, Orthogonal>;
#if defined(MAAS_COMPILED)
extern template std::span<const BuiltinInitializers::Entry> detail::entries_of<BuiltinInitializers>();
#endif

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/initializers/initializers-inl.hpp"
#endif
