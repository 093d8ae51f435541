// Losses to and from config.
#pragma once

#include "maas/core/find_by_name.hpp"
#include "maas/losses/losses.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
inline constexpr Alias loss_aliases[] = {{"mse", "mean_squared_error"},  {"MSE", "mean_squared_error"},
                                         {"mae", "mean_absolute_error"}, {"MAE", "mean_absolute_error"},
                                         {"bce", "binary_crossentropy"}, {"BCE", "binary_crossentropy"}};
}

MAAS_INLINE Config to_config(const Loss& loss) {
  Config fields = loss.config();
  if (detail::has_default_fields<BuiltinLosses>(loss.class_name(), fields)) return snake_case(loss.class_name());
  return Config{}.set("class_name", loss.class_name()).set("config", std::move(fields));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Loss& loss) {
  const std::string& name = config.is_string() ? config.as_string() : config.at("class_name").as_string(where);
  const auto* entry = detail::find_by_name<BuiltinLosses>(name, detail::loss_aliases);
  require<ConfigError>(entry != nullptr, "{}: unknown loss \"{}\"; maas knows {}", where, name, BuiltinLosses::names());
  loss = entry->make(config.is_string() ? Config{} : config.at("config"));
}

}  // namespace maas::inline MAAS_ABI
