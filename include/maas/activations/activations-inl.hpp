// Activations to and from config.
#pragma once

#include "maas/activations/activations.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Config to_config(const Activation& activation) {
  Config fields = activation.config();
  if (fields.as_object().empty()) return activation.class_name();
  return Config{}.set("class_name", activation.class_name()).set("config", std::move(fields));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Activation& activation) {
  if (config.is_null())
    activation = linear;
  else if (config.is_string())
    activation = BuiltinActivations::make(config.as_string(), Config{}, "activation");
  else
    activation = BuiltinActivations::make(config.at("class_name").as_string(where), config.at("config"), "activation");
}

}  // namespace maas::inline MAAS_ABI
