// How much of the processors' time a control group (a container's limit, a service's quota) grants.
#pragma once

#include <string>

#include "maas/core/scalar.hpp"

namespace maas::inline MAAS_ABI::detail {

/// The cores' worth of time that a quota and its period grant, rounded up ("150000 100000" is 2); 0 for no limit or
/// another text. The file "cpu.max" of a control group holds such a text.
int cores_of_quota(const char* text);

/// The cores' worth of time that the control groups of this process grant, the least of its own and of all above it;
/// 0 where none has a limit. Both versions of control groups are looked at, and a machine may have both: "cpu.max" of
/// the second, "cpu.cfs_quota_us" with "cpu.cfs_period_us" of the first. Files are looked for under `root`.
int granted_cores(const std::string& root = "");

}  // namespace maas::inline MAAS_ABI::detail

#if !defined(MAAS_COMPILED)
#include "maas/core/quota-inl.hpp"
#endif
