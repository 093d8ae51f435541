// The family of losses and their bodies, built once.
#include "maas/losses/losses-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const BuiltinLosses::Entry> detail::entries_of<BuiltinLosses>();
}  // namespace maas::inline MAAS_ABI
