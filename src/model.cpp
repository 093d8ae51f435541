// The bodies of model, built once.
#include "maas/model/checkpoint-inl.hpp"
#include "maas/model/cross_validate-inl.hpp"
#include "maas/model/model-inl.hpp"
#include "maas/model/sequential-inl.hpp"
