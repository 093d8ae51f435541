// The portable bodies, built a second time under a name of their own.
#define MAAS_PORTABLE_BESIDE_KERNELS

#include "kernels/portable.hpp"

#include "maas/ops/compact_product-inl.hpp"
#include "maas/ops/elementwise-inl.hpp"
#include "maas/ops/product-inl.hpp"
#include "maas/ops/softmax_rows-inl.hpp"
#include "maas/ops/update-inl.hpp"
