// The family of steps that prepare a table.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/data/cleaning.hpp"
#include "maas/data/correcting.hpp"
#include "maas/data/encoding.hpp"
#include "maas/data/scaling.hpp"
#include "maas/data/step.hpp"
#include "maas/data/temporal.hpp"

namespace maas::inline MAAS_ABI {

/// Every step a file may name. Adding one adds its name here.
using BuiltinSteps =
    Catalog<Step, Drop, DropMissingRows, Impute, ClipOutliers, MinMax, Standard, Robust, Log, Power, OneHot, Ordinal,
            TimeFeatures, Difference, Lag, ValidRange, ReplaceTexts, DropDuplicateRows>;
#if defined(MAAS_COMPILED)
extern template std::span<const BuiltinSteps::Entry> detail::entries_of<BuiltinSteps>();
#endif

}  // namespace maas::inline MAAS_ABI
