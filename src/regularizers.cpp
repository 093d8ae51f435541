// The family of regularizers and their bodies, built once.
#include "maas/regularizers/regularizers-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const BuiltinRegularizers::Entry> detail::entries_of<BuiltinRegularizers>();
}  // namespace maas::inline MAAS_ABI
