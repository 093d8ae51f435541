// The bodies of core, built once.
#include "maas/core/block-inl.hpp"
#include "maas/core/config-inl.hpp"
#include "maas/core/error-inl.hpp"
#include "maas/core/fields-inl.hpp"
#include "maas/core/new_file-inl.hpp"
#include "maas/core/parallel-inl.hpp"
#include "maas/core/quota-inl.hpp"
#include "maas/core/shape-inl.hpp"
