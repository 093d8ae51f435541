// Names are for files: in a program a typing mistake must not wait until it runs.
// expected: dense
// expected: Activation
#include <maas/maas.hpp>

#if defined(WRONG)
maas::Layer layer() { return maas::dense(4, "relu"); }
#else
maas::Layer layer() { return maas::dense(4, maas::relu); }
#endif
