// Optimizers to and from config.
#pragma once

#include "maas/core/find_by_name.hpp"
#include "maas/optimizers/adam-inl.hpp"
#include "maas/optimizers/adaptive-inl.hpp"
#include "maas/optimizers/gradient_descent-inl.hpp"
#include "maas/optimizers/layerwise-inl.hpp"
#include "maas/optimizers/optimizers.hpp"
#include "maas/optimizers/rmsprop-inl.hpp"
#include "maas/optimizers/schedules-inl.hpp"
#include "maas/optimizers/sgd-inl.hpp"

namespace maas::inline MAAS_ABI {

MAAS_INLINE Config to_config(const Optimizer& optimizer) {
  return Config{}.set("class_name", optimizer.class_name()).set("config", optimizer.config());
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Optimizer& optimizer) {
  static constexpr detail::Alias aliases[] = {{"sgd", "SGD"}, {"rmsprop", "RMSprop"}, {"adamw", "AdamW"}};
  const std::string& name = config.is_string() ? config.as_string() : config.at("class_name").as_string(where);
  const auto* entry = detail::find_by_name<BuiltinOptimizers>(name, aliases);
  require<ConfigError>(entry != nullptr, "{}: unknown optimizer \"{}\"; maas knows {}", where, name,
                       BuiltinOptimizers::names());
  optimizer = entry->make(config.is_string() ? Config{} : config.at("config"));
}

MAAS_INLINE Config to_config(const Schedule& schedule) {
  return Config{}.set("class_name", schedule.class_name()).set("config", schedule.config());
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, Schedule& schedule) {
  schedule =
      BuiltinSchedules::make(config.at("class_name").as_string(where), config.at("config"), "learning-rate schedule");
}

MAAS_INLINE Config to_config(const LearningRate& rate) {
  return rate.schedule() ? to_config(*rate.schedule()) : Config(rate.at(0));
}

MAAS_INLINE void from_config(const Config& config, std::string_view where, LearningRate& rate) {
  if (config.is_number()) {
    rate = config.as_real(where);
    return;
  }
  Schedule schedule = ExponentialDecay{};
  from_config(config, where, schedule);
  rate = std::move(schedule);
}

MAAS_INLINE Optimizer default_optimizer() { return RMSprop{}; }

}  // namespace maas::inline MAAS_ABI
