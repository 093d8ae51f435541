// Whoever has a const network reads its weights and cannot change them: many threads may predict with it at once.
// expected: READ_ONLY
#include <maas/maas.hpp>

#if defined(WRONG)
void change(const maas::Network& network) { network.parameters().values().setZero(); }
#else
void change(maas::Network& network) { network.parameters().values().setZero(); }
#endif
