// How Keras spells values in its JSON, in all its versions, and how maas does.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/catalog.hpp"
#include "maas/layers/layers.hpp"

namespace maas::inline MAAS_ABI::io {

/// What a reader of one file carries along.
struct Reading {
  bool keras_1 = false;                            ///< layers have the names of Keras 1: output_dim, init, p
  bool keras_2 = false;                            ///< "hard_sigmoid" is Keras 1's and 2's: clip(0.2 x + 0.5)
  std::span<const CatalogEntry<Layer>> more = {};  ///< layers of the user's own
  std::vector<std::string> warnings = {};          ///< what was left out, and why

  /// Notes something once.
  void warn(std::string text);
};

/// The class an object names: "Adam" of "Custom>Adam".
std::string_view without_package(std::string_view class_name);

/// Throws ConfigError for an object that says it comes from a module other than Keras' own, or is registered under
/// another name: its class is not the one of that name here.
void check_origin(const Config& object, std::string_view class_name, std::string_view where);

/// A field's value as maas spells it: Keras 3's objects lose module, registered name and seed; functions and tuples
/// become what they stand for. Throws ConfigError for objects of other modules and for Python code.
Config plain_value(const Config& value, std::string_view where);

/// The same for the fields of an object that is to be made: name, dtype and seed go, and so do nulls.
Config plain_fields(const Config& fields, std::string_view where);

/// Takes a layer's settings as Keras writes them to those the struct behind `entry` lists; keys that mean nothing here
/// go. Throws ConfigError for a key that would change what the layer computes.
Config layer_fields(const CatalogEntry<Layer>& entry, const Config& keras, Reading& reading, std::string_view where);

/// How a file is spelled that Keras is to read.
struct Dialect {
  bool modules = false;      ///< objects name their module, as in .keras archives; else as in model.h5
  bool new_graphs = false;   ///< inputs and calls as Keras 3 writes them, which Keras 2 does not read
  bool for_keras_2 = false;  ///< "hard_sigmoid" means what it does in Keras 2
};

/// {"class_name", "config"}, with the module in front where the dialect wants it.
Config keras_object(std::string_view module, std::string_view class_name, Config config, const Dialect& dialect);

/// The reverse of layer_fields: a layer's own settings as a file has them. Throws ConfigError for what Keras 2 cannot
/// say.
Config keras_fields(const Layer& layer, const Dialect& dialect, std::string_view where);

/// What the Keras that a file is for does not have of a layer, and computes otherwise or cannot open the file for: a
/// line each, without the layer's name.
std::vector<std::string> warnings_of_layer(const Layer& layer, const Dialect& dialect);

/// Whether a class is in the catalog of its family; the user's own are in none.
template <class Catalog>
bool is_listed(std::string_view class_name) {
  return std::ranges::any_of(Catalog::entries(), [&](const auto& entry) { return entry.class_name == class_name; });
}

/// A config without the keys whose values are those of `defaults`, but for those named in `always`.
Config without_defaults(const Config& config, const Config& defaults, std::span<const std::string_view> always = {});

}  // namespace maas::inline MAAS_ABI::io
