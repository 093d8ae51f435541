// The family of metrics.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/losses/losses.hpp"
#include "maas/metrics/accuracy.hpp"
#include "maas/metrics/confusion.hpp"
#include "maas/metrics/curves.hpp"
#include "maas/metrics/f_score.hpp"
#include "maas/metrics/iou.hpp"
#include "maas/metrics/metric.hpp"
#include "maas/metrics/reduction.hpp"
#include "maas/metrics/regression.hpp"

namespace maas::inline MAAS_ABI {

/// Every metric a file may name. Adding one adds its name here. The mean of a loss is the loss itself, as a metric.
using BuiltinMetrics =
    Catalog<Metric, AutomaticAccuracy, Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy,
            TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy, TruePositives, TrueNegatives, FalsePositives,
            FalseNegatives, Precision, Recall, AUC, SensitivityAtSpecificity, SpecificityAtSensitivity,
            PrecisionAtRecall, RecallAtPrecision, FBetaScore, F1Score, IoU, BinaryIoU, MeanIoU, OneHotIoU,
            OneHotMeanIoU, MeanSquaredError, RootMeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError,
            MeanSquaredLogarithmicError, CosineSimilarity, LogCoshError, R2Score, PearsonCorrelation,
            ConcordanceCorrelation, BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy,
            KLDivergence, Poisson, Hinge, SquaredHinge, CategoricalHinge, metrics::Mean, metrics::Sum,
            BinaryFocalCrossentropy, CategoricalFocalCrossentropy, CategoricalGeneralizedCrossEntropy, Huber, LogCosh,
            QuantileLoss, Masked>;
#if defined(MAAS_COMPILED)
extern template std::span<const BuiltinMetrics::Entry> detail::entries_of<BuiltinMetrics>();
#endif

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/metrics/metrics-inl.hpp"
#endif
