// The bodies of the test kits, built once. Programs that check nothing do not link them.
#include "maas/testing/check_gradient-inl.hpp"
#include "maas/testing/check_layer-inl.hpp"
#include "maas/testing/check_loss-inl.hpp"
#include "maas/testing/check_optimizer-inl.hpp"
