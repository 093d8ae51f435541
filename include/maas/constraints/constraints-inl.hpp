// Constraints to and from config.
#pragma once

#include "maas/constraints/constraints.hpp"
#include "maas/constraints/norms-inl.hpp"
#include "maas/core/find_by_name.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
inline constexpr Alias constraint_aliases[] = {
    {"max_norm", "MaxNorm"}, {"non_neg", "NonNeg"}, {"unit_norm", "UnitNorm"}, {"min_max_norm", "MinMaxNorm"}};
}

MAAS_INLINE Config to_config(const Constraint& constraint) {
  return Config{}.set("class_name", constraint.class_name()).set("config", constraint.config());
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Constraint& constraint) {
  const std::string& name = config.is_string() ? config.as_string() : config.at("class_name").as_string(where);
  const auto* entry = detail::find_by_name<BuiltinConstraints>(name, detail::constraint_aliases);
  require<ConfigError>(entry != nullptr, "{}: unknown constraint \"{}\"; maas knows {}", where, name,
                       BuiltinConstraints::names());
  constraint = entry->make(config.is_string() ? Config{} : config.at("config"));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, std::optional<Constraint>& constraint) {
  if (config.is_null()) return constraint.reset();
  from_config(config, where, constraint.emplace(NonNeg{}));
}

}  // namespace maas::inline MAAS_ABI
