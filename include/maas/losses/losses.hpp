// The family of losses, with Keras' short names.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/losses/circle.hpp"
#include "maas/losses/crossentropy.hpp"
#include "maas/losses/divergence.hpp"
#include "maas/losses/hinge.hpp"
#include "maas/losses/loss.hpp"
#include "maas/losses/masked.hpp"
#include "maas/losses/overlap.hpp"
#include "maas/losses/regression.hpp"

namespace maas::inline MAAS_ABI {

/// Every loss a file may name. Adding one adds its name here.
using BuiltinLosses =
    Catalog<Loss, BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryFocalCrossentropy,
            CategoricalFocalCrossentropy, CategoricalGeneralizedCrossEntropy, KLDivergence, Poisson, MeanSquaredError,
            MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, Huber, LogCosh,
            CosineSimilarity, QuantileLoss, Hinge, SquaredHinge, CategoricalHinge, Dice, Tversky, Circle, Masked>;
#if defined(MAAS_COMPILED)
extern template std::span<const BuiltinLosses::Entry> detail::entries_of<BuiltinLosses>();
#endif

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/losses/losses-inl.hpp"
#endif
