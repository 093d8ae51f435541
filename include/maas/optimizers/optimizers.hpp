// The family of optimizers.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/optimizers/adam.hpp"
#include "maas/optimizers/adaptive.hpp"
#include "maas/optimizers/gradient_descent.hpp"
#include "maas/optimizers/layerwise.hpp"
#include "maas/optimizers/lbfgs.hpp"
#include "maas/optimizers/levenberg_marquardt.hpp"
#include "maas/optimizers/optimizer.hpp"
#include "maas/optimizers/rmsprop.hpp"
#include "maas/optimizers/schedules.hpp"
#include "maas/optimizers/sgd.hpp"

namespace maas::inline MAAS_ABI {

/// Every optimizer a file may name. Adding one adds its name here.
using BuiltinOptimizers = Catalog<Optimizer, GradientDescent, Sgd, RMSprop, Adam, AdamW, Adamax, Nadam, Adagrad,
                                  Adadelta, Ftrl, Lion, Lamb, Adafactor, Lbfgs, LevenbergMarquardt>;
#if defined(MAAS_COMPILED)
extern template std::span<const BuiltinOptimizers::Entry> detail::entries_of<BuiltinOptimizers>();
#endif

/// What trains a model whose compile names no optimizer, as in Keras: RMSprop{}.
Optimizer default_optimizer();

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/optimizers/lbfgs-inl.hpp"
#include "maas/optimizers/levenberg_marquardt-inl.hpp"
#include "maas/optimizers/optimizer-inl.hpp"
#include "maas/optimizers/optimizers-inl.hpp"
#endif
