// Layers of a fixed network whose sizes do not follow each other.
// expected: a layer must take as many inputs as the layer before it has outputs
#include <maas/fixed/network.hpp>

using namespace maas;
#if defined(WRONG)
fixed::Network<fixed::Dense<4, 8, Relu>, fixed::Dense<9, 1, Sigmoid>> network;
#else
fixed::Network<fixed::Dense<4, 8, Relu>, fixed::Dense<8, 1, Sigmoid>> network;
#endif
