// The family of initializers and their bodies, built once.
#include "maas/initializers/initializers-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const BuiltinInitializers::Entry> detail::entries_of<BuiltinInitializers>();
template Initializer::Initializer(const Zeros&);
template Initializer::Initializer(const Ones&);
template Initializer::Initializer(const GlorotUniform&);
}  // namespace maas::inline MAAS_ABI
