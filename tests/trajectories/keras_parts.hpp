// From the JSON of a Keras 3 model to the library's parts, through its catalogs: what they know is what can be
// replayed.
#pragma once

#include <string>
#include <vector>

#include "archive.hpp"
#include "io/json.hpp"
#include "io/keras_config.hpp"
#include "io/keras_training.hpp"
#include "maas/maas.hpp"

namespace replay {

using namespace maas;

/// Throws ConfigError for a network that draws random numbers while it trains.
inline void check_draws_nothing(const Graph& graph) {
  for (const Layer& layer : graph.layers()) {
    const Config fields = layer.config();
    for (const char* strength : {"rate", "stddev", "dropout", "recurrent_dropout"}) {
      const Config* value = fields.find(strength);
      require<ConfigError>(value == nullptr || !value->is_number() || value->as_real() == 0,
                           "{} draws random numbers, which no other library can repeat", layer.class_name());
    }
  }
}

/// The model of a .keras file, compiled, from its config alone. Throws an Error that says what the library does not
/// know.
inline Model compiled_model(const Config& config) {
  io::Reading reading;
  io::NetworkPlan plan = io::read_network(config, reading, [] { return std::optional<std::vector<Index>>(); });
  check_draws_nothing(plan.graph);
  const Config& compile = config.at("compile_config");
  const SavedTraining training = io::read_training(Config(compile).set("optimizer_config", compile.at("optimizer")),
                                                   {.keras_3 = true}, io::output_names(plan.graph), reading)
                                     .training;
  require<ConfigError>(reading.warnings.empty(), "{}", reading.warnings.empty() ? "" : reading.warnings.front());
  Model model(Network(std::move(plan.graph)), plan.name);
  model.compile({.optimizer = training.optimizer,
                 .loss = training.loss,
                 .metrics = training.metrics,
                 .weighted_metrics = training.weighted_metrics,
                 .outputs = training.outputs});
  return model;
}

inline Better better_of(const std::string& mode) {
  return mode == "max" ? Better::max : mode == "min" ? Better::min : Better::automatic;
}

inline EarlyStopping early_stopping_of(const Config& fields) {
  EarlyStopping result;
  for (const auto& [key, value] : fields.as_object()) {
    if (key == "monitor")
      result.monitor = value.as_string();
    else if (key == "min_delta")
      result.min_delta = value.as_real();
    else if (key == "patience")
      result.patience = static_cast<int>(value.as_integer());
    else if (key == "restore_best_weights")
      result.restore_best_weights = value.as_bool();
    else if (key == "start_from_epoch")
      result.start_from_epoch = static_cast<int>(value.as_integer());
    else if (key == "baseline")
      result.baseline = value.is_null() ? std::nullopt : std::optional(value.as_real());
    else if (key == "mode")
      result.mode = better_of(value.as_string());
    else
      fail<ConfigError>("EarlyStopping: unknown setting {}", key);
  }
  return result;
}

inline ReduceLROnPlateau reduce_on_plateau_of(const Config& fields) {
  ReduceLROnPlateau result;
  for (const auto& [key, value] : fields.as_object()) {
    if (key == "monitor")
      result.monitor = value.as_string();
    else if (key == "factor")
      result.factor = value.as_real();
    else if (key == "patience")
      result.patience = static_cast<int>(value.as_integer());
    else if (key == "mode")
      result.mode = better_of(value.as_string());
    else if (key == "min_delta")
      result.min_delta = value.as_real();
    else if (key == "cooldown")
      result.cooldown = static_cast<int>(value.as_integer());
    else if (key == "min_lr")
      result.min_lr = value.as_real();
    else
      fail<ConfigError>("ReduceLROnPlateau: unknown setting {}", key);
  }
  return result;
}

inline std::vector<Callback> callbacks_of(const Config& configs) {
  std::vector<Callback> callbacks;
  for (const Config& config : configs.as_list()) {
    const std::string& name = config.at("class_name").as_string();
    if (name == "EarlyStopping")
      callbacks.push_back(early_stopping_of(config.at("config")));
    else if (name == "ReduceLROnPlateau")
      callbacks.push_back(reduce_on_plateau_of(config.at("config")));
    else if (name == "TerminateOnNaN")
      callbacks.push_back(TerminateOnNaN{});
    else
      fail<ConfigError>("unknown callback \"{}\"", name);
  }
  return callbacks;
}

}  // namespace replay
