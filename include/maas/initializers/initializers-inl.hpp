// Initializers to and from config.
#pragma once

#include "maas/core/find_by_name.hpp"
#include "maas/initializers/initializers.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Config to_config(const Initializer& initializer) {
  Config fields = initializer.config();
  if (fields.as_object().empty()) return snake_case(initializer.class_name());
  return Config{}.set("class_name", initializer.class_name()).set("config", std::move(fields));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Initializer& initializer) {
  if (!config.is_string()) {
    initializer =
        BuiltinInitializers::make(config.at("class_name").as_string(where), config.at("config"), "initializer");
    return;
  }
  const auto* entry = detail::find_by_name<BuiltinInitializers>(config.as_string());
  require<ConfigError>(entry != nullptr, "{}: unknown initializer \"{}\"; maas knows {}", where, config.as_string(),
                       BuiltinInitializers::names());
  initializer = entry->make(Config{});
}

}  // namespace maas::inline MAAS_ABI
