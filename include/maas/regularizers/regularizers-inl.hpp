// Regularizers to and from config.
#pragma once

#include "maas/regularizers/l1_l2-inl.hpp"
#include "maas/regularizers/orthogonal-inl.hpp"
#include "maas/regularizers/regularizers.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Config to_config(const Regularizer& regularizer) {
  return Config{}.set("class_name", regularizer.class_name()).set("config", regularizer.config());
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Regularizer& regularizer) {
  if (!config.is_string()) {
    regularizer =
        BuiltinRegularizers::make(config.at("class_name").as_string(where), config.at("config"), "regularizer");
    return;
  }
  const std::string& name = config.as_string();
  if (name == "l1")
    regularizer = L1{};
  else if (name == "l2")
    regularizer = L2{};
  else if (name == "l1_l2")
    regularizer = L1L2{0.01, 0.01};
  else if (name == "orthogonal_regularizer" || name == "OrthogonalRegularizer")
    regularizer = OrthogonalRegularizer{};
  else
    fail<ConfigError>("{}: unknown regularizer \"{}\"; maas knows {}", where, name, BuiltinRegularizers::names());
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, std::optional<Regularizer>& regularizer) {
  if (config.is_null()) return regularizer.reset();
  from_config(config, where, regularizer.emplace(L2{}));
}

}  // namespace maas::inline MAAS_ABI
