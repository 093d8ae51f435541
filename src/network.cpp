// The bodies of network, built once.
#include "maas/network/explain-inl.hpp"
#include "maas/network/graph-inl.hpp"
#include "maas/network/network-inl.hpp"
#include "maas/network/parameters-inl.hpp"
#include "maas/network/plot-inl.hpp"
#include "maas/network/summary-inl.hpp"
#include "maas/network/workspace-inl.hpp"
