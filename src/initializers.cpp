// The family of initializers and their bodies, built once.
#include "maas/initializers/initializers-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const BuiltinInitializers::Entry> detail::entries_of<BuiltinInitializers>();
}  // namespace maas::inline MAAS_ABI
