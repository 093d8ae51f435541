// Which runs must be replayed whatever the library's catalogs say: those made of nothing but these parts.
#pragma once

#include <algorithm>
#include <set>
#include <string>

#include "maas/core/config.hpp"

namespace replay {

/// Names of the classes and functions that the library promises to have.
inline const std::set<std::string>& listed_names() {
  static const std::set<std::string> names{
      "Sequential", "DTypePolicy", "InputLayer", "Dense", "Activation", "Dropout", "Flatten",
      // activations
      "linear", "relu", "sigmoid", "tanh", "softmax",
      // initializers and regularizers
      "Zeros", "Ones", "Constant", "GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform",
      "LecunNormal", "L1", "L2", "L1L2",
      // losses and metrics
      "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy", "MeanSquaredError",
      "MeanAbsoluteError", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", "RootMeanSquaredError",
      "accuracy", "acc", "mse", "mae", "mean_squared_error", "mean_absolute_error", "binary_accuracy",
      "categorical_accuracy", "sparse_categorical_accuracy", "root_mean_squared_error",
      // optimizers and callbacks
      "SGD", "RMSprop", "Adam", "EarlyStopping", "TerminateOnNaN"};
  return names;
}

/// The same, for losses named by a text: as metrics, cross-entropies are not promised.
inline bool is_listed_loss(const std::string& name) {
  return listed_names().contains(name) || name == "binary_crossentropy" || name == "categorical_crossentropy" ||
         name == "sparse_categorical_crossentropy";
}

/// True if nothing in a model's, a compilation's or a list of callbacks' JSON names another part, or sets an option of
/// a layer or an optimizer that is not promised.
inline bool has_only_listed_parts(const maas::Config& config) {
  static const std::set<std::string> unlisted_options{
      "activity_regularizer",        "weight_decay", "clipnorm",    "global_clipnorm", "clipvalue", "loss_scale_factor",
      "gradient_accumulation_steps", "loss_weights", "ignore_class"};
  if (config.is_list()) return std::ranges::all_of(config.as_list(), has_only_listed_parts);
  if (!config.is_object()) return true;
  for (const auto& [key, value] : config.as_object()) {
    if (unlisted_options.contains(key) && !value.is_null()) return false;
    if (key == "use_ema" && value.as_bool()) return false;
    if ((key == "class_name" || key == "activation") && value.is_string() &&
        !listed_names().contains(value.as_string()))
      return false;
    if (key == "loss" && (value.is_list() || (value.is_string() && !is_listed_loss(value.as_string())))) return false;
    if ((key == "metrics" || key == "weighted_metrics") && value.is_list())
      for (const maas::Config& metric : value.as_list())
        if (metric.is_string() && !listed_names().contains(metric.as_string())) return false;
    if (!has_only_listed_parts(value)) return false;
  }
  return true;
}

}  // namespace replay
