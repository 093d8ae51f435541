// The bodies of ops, built once; those that have kernels only where the kernels are left out.
#include "maas/ops/affine-inl.hpp"
#include "maas/ops/compact-inl.hpp"
#include "maas/ops/machine-inl.hpp"
#include "maas/ops/softmax-inl.hpp"
#if !defined(MAAS_KERNELS)
#include "maas/ops/compact_product-inl.hpp"
#include "maas/ops/elementwise-inl.hpp"
#include "maas/ops/kernels-inl.hpp"
#include "maas/ops/probes-inl.hpp"
#include "maas/ops/product-inl.hpp"
#include "maas/ops/softmax_rows-inl.hpp"
#include "maas/ops/update-inl.hpp"
#endif
