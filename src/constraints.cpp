// The family of constraints and their bodies, built once.
#include "maas/constraints/constraints-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const BuiltinConstraints::Entry> detail::entries_of<BuiltinConstraints>();
}  // namespace maas::inline MAAS_ABI
