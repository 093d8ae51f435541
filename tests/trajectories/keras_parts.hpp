// From the JSON of a Keras 3 model to the library's parts, through its catalogs: what they know is what can be
// replayed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "archive.hpp"
#include "io/json.hpp"
#include "maas/maas.hpp"

namespace replay {

using namespace maas;

/// A config without what only concerns Keras: where a class comes from, number types, and settings that are null, which
/// is their default in every class there is. `keep_name` keeps "name" on the first level.
inline Config plain(const Config& config, bool keep_name = false) {
  static constexpr std::string_view dropped[] = {"module", "registered_name", "build_config", "shared_object_id",
                                                 "dtype",  "trainable",       "reduction"};
  if (config.is_list()) {
    Config::List list;
    for (const Config& element : config.as_list()) list.push_back(plain(element));
    return list;
  }
  if (!config.is_object()) return config;
  Config result{Config::Object{}};
  for (const auto& [key, value] : config.as_object()) {
    if (value.is_null() || (key == "name" && !keep_name)) continue;
    if (std::ranges::find(dropped, key) == std::end(dropped)) result.set(key, plain(value));
  }
  return result;
}

/// Throws ConfigError for a reduction other than Keras' default.
inline void check_reduction(const Config& config) {
  const Config* reduction = config.is_object() ? config.at("config").find("reduction") : nullptr;
  require<ConfigError>(reduction == nullptr || reduction->as_string() == "sum_over_batch_size", "unknown reduction {}",
                       reduction == nullptr ? "" : reduction->text());
}

inline Loss loss_of(const Config& config) {
  check_reduction(config);
  Config fields = plain(config);
  if (fields.is_object()) {
    Config own = fields.at("config");
    require<ConfigError>(!own.contains("axis") || own.at("axis").as_integer() == -1, "a loss along another axis");
    own.erase("axis");
    fields.set("config", own);
  }
  Loss loss = mean_squared_error;
  from_config(fields, "loss", loss);
  return loss;
}

inline std::vector<Metric> metrics_of(const Config& configs) {
  std::vector<Metric> metrics;
  if (configs.is_null()) return metrics;
  for (const Config& config : configs.as_list("metrics")) {
    require<ConfigError>(!config.is_list(), "metrics of several outputs");
    Config fields = config;
    if (config.is_object()) fields = plain(config).set("config", plain(config.at("config"), true));
    Metric metric = accuracy;
    from_config(fields, "metric", metric);
    metrics.push_back(metric);
  }
  return metrics;
}

inline Optimizer optimizer_of(const Config& config) {
  Optimizer optimizer = Sgd{};
  from_config(plain(config), "optimizer", optimizer);
  return optimizer;
}

inline Layer layer_of(const Config& config) {
  const Config& fields = config.at("config");
  const std::string& name = fields.at("name").as_string();
  if (config.at("class_name").as_string() == "InputLayer") {
    Config::List shape = fields.at("batch_shape").as_list();
    shape.erase(shape.begin());
    Shape sample;
    from_config(Config(shape), "batch_shape", sample);
    return Layer(InputLayer{sample}).named(name);
  }
  for (const char* strength : {"rate", "stddev"})
    require<ConfigError>(!fields.contains(strength) || fields.at(strength).as_real() == 0,
                         "{} draws random numbers, which no library can repeat", config.at("class_name").as_string());
  const Layer layer = BuiltinLayers::make(config.at("class_name").as_string(), plain(fields), "layer").named(name);
  const Config* trainable = fields.find("trainable");
  return trainable == nullptr || trainable->as_bool() ? layer : layer.frozen();
}

/// A chain of layers from the config of a .keras file. Throws ConfigError for what the library does not know.
inline Graph graph_of(const Config& model) {
  require<ConfigError>(model.at("class_name").as_string() == "Sequential", "the wiring of a {}",
                       model.at("class_name").as_string());
  std::vector<Layer> layers;
  for (const Config& layer : model.at("config").at("layers").as_list()) layers.push_back(layer_of(layer));
  return Graph(layers);
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
