// Initializers to and from config.
#pragma once

#include "maas/core/find_by_name.hpp"
#include "maas/initializers/constant-inl.hpp"
#include "maas/initializers/initializers.hpp"
#include "maas/initializers/orthogonal-inl.hpp"
#include "maas/initializers/random-inl.hpp"
#include "maas/initializers/variance_scaling-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
inline constexpr Alias initializer_aliases[] = {{"zero", "Zeros"},
                                                {"one", "Ones"},
                                                {"uniform", "RandomUniform"},
                                                {"normal", "RandomNormal"},
                                                {"OrthogonalInitializer", "Orthogonal"},
                                                {"IdentityInitializer", "Identity"}};
}

MAAS_INLINE Config to_config(const Initializer& initializer) {
  Config fields = initializer.config();
  if (fields.as_object().empty() || detail::has_default_fields<BuiltinInitializers>(initializer.class_name(), fields))
    return snake_case(initializer.class_name());
  return Config{}.set("class_name", initializer.class_name()).set("config", std::move(fields));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Initializer& initializer) {
  const std::string& name = config.is_string() ? config.as_string() : config.at("class_name").as_string(where);
  const auto* entry = detail::find_by_name<BuiltinInitializers>(name, detail::initializer_aliases);
  require<ConfigError>(entry != nullptr, "{}: unknown initializer \"{}\"; maas knows {}", where, name,
                       BuiltinInitializers::names());
  initializer = entry->make(config.is_string() ? Config{} : config.at("config"));
}

}  // namespace maas::inline MAAS_ABI
