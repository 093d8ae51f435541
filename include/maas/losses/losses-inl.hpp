// Losses to and from config.
#pragma once

#include "maas/core/find_by_name.hpp"
#include "maas/losses/losses.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
inline constexpr Alias loss_aliases[] = {{"mse", "mean_squared_error"},
                                         {"MSE", "mean_squared_error"},
                                         {"mae", "mean_absolute_error"},
                                         {"MAE", "mean_absolute_error"},
                                         {"mape", "mean_absolute_percentage_error"},
                                         {"MAPE", "mean_absolute_percentage_error"},
                                         {"msle", "mean_squared_logarithmic_error"},
                                         {"MSLE", "mean_squared_logarithmic_error"},
                                         {"bce", "binary_crossentropy"},
                                         {"BCE", "binary_crossentropy"},
                                         {"kld", "KLDivergence"},
                                         {"KLD", "KLDivergence"},
                                         {"kl_divergence", "KLDivergence"},
                                         {"kullback_leibler_divergence", "KLDivergence"},
                                         {"huber_loss", "huber"},
                                         {"logcosh", "log_cosh"},
                                         {"cosine_proximity", "cosine_similarity"}};
}

MAAS_INLINE Config to_config(const Loss& loss) {
  Config fields = loss.config();
  if (detail::has_default_fields<BuiltinLosses>(loss.class_name(), fields))
    return loss.class_name() == KLDivergence::class_name ? std::string("kl_divergence") : snake_case(loss.class_name());
  return Config{}.set("class_name", loss.class_name()).set("config", std::move(fields));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Loss& loss) {
  const std::string& name = config.is_string() ? config.as_string() : config.at("class_name").as_string(where);
  const auto* entry = detail::find_by_name<BuiltinLosses>(name, detail::loss_aliases);
  require<ConfigError>(entry != nullptr, "{}: unknown loss \"{}\"; maas knows {}", where, name, BuiltinLosses::names());
  loss = entry->make(config.is_string() ? Config{} : config.at("config"));
}

}  // namespace maas::inline MAAS_ABI
