// The families of parts to and from config, built once.
#include "maas/activations/activations-inl.hpp"
#include "maas/constraints/constraints-inl.hpp"
#include "maas/initializers/initializers-inl.hpp"
#include "maas/losses/losses-inl.hpp"
#include "maas/metrics/metrics-inl.hpp"
#include "maas/optimizers/optimizer-inl.hpp"
#include "maas/optimizers/optimizers-inl.hpp"
#include "maas/regularizers/regularizers-inl.hpp"
