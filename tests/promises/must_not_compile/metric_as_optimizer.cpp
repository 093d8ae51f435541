// A metric where an optimizer is wanted.
// expected: Optimizer
#include <maas/maas.hpp>

#if defined(WRONG)
maas::Optimizer optimizer() { return maas::Optimizer(maas::accuracy); }
#else
maas::Optimizer optimizer() { return maas::Optimizer(maas::Adam{}); }
#endif
