// The bodies of io that need no files, built once.
#include "maas/io/info-inl.hpp"
