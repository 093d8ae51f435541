// Activations to and from config.
#pragma once

#include "maas/activations/activations.hpp"
#include "maas/activations/gated-inl.hpp"
#include "maas/core/find_by_name.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
inline constexpr Alias activation_aliases[] = {{"swish", "silu"}, {"hard_swish", "hard_silu"}};
}

MAAS_INLINE Config to_config(const Activation& activation) {
  Config fields = activation.config();
  if (fields.as_object().empty() || detail::has_default_fields<BuiltinActivations>(activation.class_name(), fields))
    return activation.class_name();
  return Config{}.set("class_name", activation.class_name()).set("config", std::move(fields));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Activation& activation) {
  if (config.is_null()) {
    activation = linear;
    return;
  }
  const std::string& name = config.is_string() ? config.as_string() : config.at("class_name").as_string(where);
  const auto* entry = detail::find_by_name<BuiltinActivations>(name, detail::activation_aliases);
  require<ConfigError>(entry != nullptr, "unknown activation \"{}\"; maas knows {}", name, BuiltinActivations::names());
  activation = entry->make(config.is_string() ? Config{} : config.at("config"));
}

MAAS_INLINE void Activation::require_in_place(std::string_view layer) const {
  require<ConfigError>(!halves(),
                       "{}: the activation {} gives half as many features as it takes; put activation_layer({}) "
                       "behind the layer instead",
                       layer, class_name(), class_name());
}

MAAS_INLINE void Linear::forward(const ConstMatrixView& z, MatrixView y) const {
  if (z.data() != y.data()) y = z;
}

}  // namespace maas::inline MAAS_ABI
