// The bodies of ops, built once.
#include "maas/ops/affine-inl.hpp"
#include "maas/ops/product-inl.hpp"
