// The family of initializers and their bodies, built once.
#include "maas/initializers/initializers-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const CatalogEntry<Initializer>> BuiltinInitializers::entries();
}  // namespace maas::inline MAAS_ABI
