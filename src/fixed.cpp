// The bodies of fixed networks that need no sizes, built once.
#include "maas/fixed/layers-inl.hpp"
#include "maas/fixed/network-inl.hpp"
