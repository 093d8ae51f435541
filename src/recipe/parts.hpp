// Parts of a recipe: layers, steps, optimizers, losses, metrics and callbacks, by name and settings.
#pragma once

#include <string>
#include <vector>

#include "maas/data/steps.hpp"
#include "maas/layers/layers.hpp"
#include "maas/losses/losses.hpp"
#include "maas/metrics/metrics.hpp"
#include "maas/optimizers/optimizers.hpp"
#include "maas/training/callback.hpp"
#include "recipe/place.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// A class that a recipe may name.
struct PartClass {
  std::string class_name;              ///< "BatchNormalization"
  std::string short_name;              ///< "batch_normalization"
  Config defaults;                     ///< what may be set, with its value where it is not
  std::vector<std::string> more = {};  ///< what may be set beside that: "name", "trainable"

  std::vector<std::string> keys() const;
};

/// All classes that may stand in one place.
struct PartFamily {
  std::string kind;  ///< "layer"
  std::vector<PartClass> classes;

  const PartClass* find(std::string_view name) const;
  std::vector<std::string> names() const;
};

const PartFamily& layer_family();
const PartFamily& step_family();
const PartFamily& optimizer_family();
const PartFamily& loss_family();
const PartFamily& metric_family();
const PartFamily& callback_family();

// A part stands as its name, "adam"; as {"class": "adam", "learning_rate": 0.01}; or as Keras writes it,
// {"class_name": "Adam", "config": {"learning_rate": 0.01}}. Each throws ConfigError that names the place and the key.

Layer read_layer(const Config& given, const Place& place);
Step read_step(const Config& given, const Place& place);
Optimizer read_optimizer(const Config& given, const Place& place);
Loss read_loss(const Config& given, const Place& place);
Metric read_metric(const Config& given, const Place& place);
/// Files that it writes are of `folder` unless their names are absolute.
Callback read_callback(const Config& given, const Place& place, const std::string& folder);

/// A name of a file, of `folder` unless it is absolute or empty.
std::string file_in(const std::string& folder, const std::string& name);

}  // namespace maas::inline MAAS_ABI::recipe
