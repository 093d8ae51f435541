// The family of activations and their bodies, built once.
#include "maas/activations/activations-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const BuiltinActivations::Entry> detail::entries_of<BuiltinActivations>();
template Activation::Activation(const Linear&);
}  // namespace maas::inline MAAS_ABI
