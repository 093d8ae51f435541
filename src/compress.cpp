// The bodies of compress, built once.
#include "maas/compress/compact-inl.hpp"
