// The family of optimizers.
#pragma once

#include "maas/core/catalog.hpp"
#include "maas/optimizers/adam.hpp"
#include "maas/optimizers/gradient_descent.hpp"
#include "maas/optimizers/optimizer.hpp"
#include "maas/optimizers/rmsprop.hpp"
#include "maas/optimizers/sgd.hpp"

namespace maas::inline MAAS_ABI {

/// Every optimizer a file may name. Adding one adds its name here.
using BuiltinOptimizers = Catalog<Optimizer, GradientDescent, Sgd, RMSprop, Adam>;

}  // namespace maas::inline MAAS_ABI

#if !defined(MAAS_COMPILED)
#include "maas/optimizers/optimizers-inl.hpp"
#endif
