// Metrics to and from config.
#pragma once

#include "maas/core/find_by_name.hpp"
#include "maas/metrics/metrics.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {
inline constexpr Alias metric_aliases[] = {{"acc", "accuracy"},
                                           {"mse", "mean_squared_error"},
                                           {"MSE", "mean_squared_error"},
                                           {"mae", "mean_absolute_error"},
                                           {"MAE", "mean_absolute_error"}};
}

MAAS_INLINE Config to_config(const Metric& metric) {
  const auto* named = detail::find_by_name<BuiltinMetrics>(metric.name(), detail::metric_aliases);
  if (named != nullptr && named->class_name == metric.class_name() &&
      detail::has_default_fields<BuiltinMetrics>(metric.class_name(), metric.config()))
    return metric.name();
  Config fields{Config::Object{}};
  fields.set("name", metric.name());
  const Config own = metric.config();
  for (const auto& [key, value] : own.as_object()) fields.set(key, value);
  return Config{}.set("class_name", metric.class_name()).set("config", std::move(fields));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Metric& metric) {
  const std::string& name = config.is_string() ? config.as_string() : config.at("class_name").as_string(where);
  const auto* entry = detail::find_by_name<BuiltinMetrics>(name, detail::metric_aliases);
  require<ConfigError>(entry != nullptr, "{}: unknown metric \"{}\"; maas knows {}", where, name,
                       BuiltinMetrics::names());
  if (config.is_string()) {
    metric = entry->make(Config{}).named(name);
    return;
  }
  Config fields = config.at("config");
  const Config* key = fields.find("name");
  const std::string key_name = key != nullptr ? key->as_string(where) : snake_case(entry->class_name);
  fields.erase("name");
  metric = entry->make(fields).named(key_name);
}

}  // namespace maas::inline MAAS_ABI
