// Metrics to and from config, and their keys in the history.
#pragma once

#include "maas/core/find_by_name.hpp"
#include "maas/metrics/accuracy-inl.hpp"
#include "maas/metrics/confusion-inl.hpp"
#include "maas/metrics/curves-inl.hpp"
#include "maas/metrics/f_score-inl.hpp"
#include "maas/metrics/iou-inl.hpp"
#include "maas/metrics/metric-inl.hpp"
#include "maas/metrics/metrics.hpp"
#include "maas/metrics/reduction-inl.hpp"
#include "maas/metrics/regression-inl.hpp"
#include "maas/metrics/thresholds-inl.hpp"

namespace maas::inline MAAS_ABI {

namespace detail {

/// Short names of Keras 3.
inline constexpr Alias metric_aliases[] = {
    {"acc", "accuracy"},
    {"bce", "binary_crossentropy"},
    {"BCE", "binary_crossentropy"},
    {"mse", "mean_squared_error"},
    {"MSE", "mean_squared_error"},
    {"mae", "mean_absolute_error"},
    {"MAE", "mean_absolute_error"},
    {"mape", "mean_absolute_percentage_error"},
    {"MAPE", "mean_absolute_percentage_error"},
    {"msle", "mean_squared_logarithmic_error"},
    {"MSLE", "mean_squared_logarithmic_error"},
};

/// Names that only Keras 2 knew: they are read, and written as class and config.
inline constexpr Alias old_metric_names[] = {{"logcosh", "LogCoshError"},
                                             {"kld", "KLDivergence"},
                                             {"KLD", "KLDivergence"},
                                             {"kullback_leibler_divergence", "KLDivergence"},
                                             {"cosine_proximity", "CosineSimilarity"}};

/// Keras takes "accuracy" and "acc" in any case as the one that looks at shapes.
inline bool means_accuracy(std::string_view name) {
  std::string lower(name);
  for (char& letter : lower)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return lower == "accuracy" || lower == "acc";
}

inline const BuiltinMetrics::Entry* find_metric(std::string_view name) {
  if (const auto* entry = find_by_name<BuiltinMetrics>(name, metric_aliases)) return entry;
  return find_by_name<BuiltinMetrics>(name, old_metric_names);
}

/// Takes away what Keras writes beside a metric's own arguments.
inline void drop_keras_keys(Config& fields, std::string_view where) {
  fields.erase("dtype");  // states are sums of doubles here
  if (const Config* axis = fields.find("axis"))
    require<ConfigError>(axis->is_null() || axis->as_integer(where) == -1, "{}: expected the axis -1, the last, got {}",
                         where, axis->text());
  fields.erase("axis");
}

}  // namespace detail

MAAS_INLINE std::vector<std::string> metric_keys(std::span<const Metric> metrics, std::span<const Metric> weighted) {
  std::vector<std::string> keys;
  std::vector<std::pair<std::string, int>> seen;
  const auto times_seen = [&](const std::string& name) -> int& {
    for (auto& [key, times] : seen)
      if (key == name) return times;
    return seen.emplace_back(name, 0).second;
  };
  const auto add = [&](const std::string& name) {
    int& times = times_seen(name);
    keys.push_back(times == 0 ? name : name + "_" + std::to_string(times));
    ++times;
  };
  for (const Metric& metric : metrics) add(metric.name());
  for (const Metric& metric : weighted)
    add(times_seen(metric.name()) == 0 ? metric.name() : "weighted_" + metric.name());
  return keys;
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
  const auto* entry =
      config.is_string() && detail::means_accuracy(name) ? detail::find_metric("accuracy") : detail::find_metric(name);
  require<ConfigError>(entry != nullptr, "{}: unknown metric \"{}\"; maas knows {}", where, name,
                       BuiltinMetrics::names());
  if (config.is_string()) {
    metric = entry->make(Config{}).named(name);
    return;
  }
  Config fields = config.at("config");
  std::optional<std::string> key;
  if (const Config* given = fields.find("name")) from_config(*given, where, key);
  fields.erase("name");
  detail::drop_keras_keys(fields, where);
  metric = entry->make(fields);
  if (key) metric = metric.named(*key);
}

}  // namespace maas::inline MAAS_ABI
