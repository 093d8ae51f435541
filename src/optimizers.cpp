// The families of optimizers and schedules and their bodies, built once.
#include "maas/optimizers/lbfgs-inl.hpp"
#include "maas/optimizers/levenberg_marquardt-inl.hpp"
#include "maas/optimizers/optimizer-inl.hpp"
#include "maas/optimizers/optimizers-inl.hpp"

namespace maas::inline MAAS_ABI {
template std::span<const BuiltinOptimizers::Entry> detail::entries_of<BuiltinOptimizers>();
template std::span<const BuiltinSchedules::Entry> detail::entries_of<BuiltinSchedules>();
}  // namespace maas::inline MAAS_ABI
