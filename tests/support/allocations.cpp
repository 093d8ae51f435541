// Makes every test program count its allocations.
#define MAAS_COUNT_ALLOCATIONS
#include "maas/testing/allocations.hpp"
