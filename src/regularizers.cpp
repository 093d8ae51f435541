// The family of regularizers and their bodies, built once.
#include "maas/regularizers/regularizers-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const CatalogEntry<Regularizer>> BuiltinRegularizers::entries();
}  // namespace maas::inline MAAS_ABI
