// The family of metrics.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/metrics/accuracy.hpp"
#include "maas/metrics/metric.hpp"
#include "maas/metrics/regression.hpp"

namespace maas::inline MAAS_ABI {

/// Every metric a file may name. Adding one adds its name here.
using BuiltinMetrics =
    Catalog<Metric, AutomaticAccuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy,
            metrics::MeanSquaredError, metrics::MeanAbsoluteError, RootMeanSquaredError>;

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/metrics-inl.hpp"
#endif
