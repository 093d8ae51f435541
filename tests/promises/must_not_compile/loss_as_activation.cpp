// A loss where an activation is wanted.
// expected: dense
// expected: Activation
#include <maas/maas.hpp>

#if defined(WRONG)
maas::Layer layer() { return maas::dense(4, maas::mean_squared_error); }
#else
maas::Layer layer() { return maas::dense(4, maas::relu); }
#endif
