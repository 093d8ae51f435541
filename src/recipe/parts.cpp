#include "recipe/parts.hpp"

#include <filesystem>

#include "io/keras_spelling.hpp"
#include "maas/core/names.hpp"
#include "recipe/callbacks.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

// What steps learn is listed behind this field, and does not belong into a recipe.
Config chosen_fields(const Config& fields) {
  Config result{Config::Object{}};
  for (const auto& [key, value] : fields.as_object()) {
    if (key == "fitted_columns") break;
    result.append(key, value);
  }
  return result;
}

template <class Entries>
PartFamily family_of(std::string kind, const Entries& entries, std::vector<std::string> more) {
  PartFamily family{.kind = std::move(kind), .classes = {}};
  for (const auto& entry : entries)
    family.classes.push_back({std::string(entry.class_name), snake_case(entry.class_name),
                              chosen_fields(entry.make(Config{}).config()), more});
  return family;
}

struct Part {
  const PartClass* part;
  Config fields;
  bool from_keras;
};

void check_keys(const Config& object, const Place& place, const std::vector<std::string>& known) {
  for (const auto& [key, value] : object.as_object())
    if (std::ranges::find(known, key) == known.end()) fail_unknown(place, "keys", key, known);
}

const PartClass* find_class(const PartFamily& family, const std::string& name, const Place& place) {
  const PartClass* part = family.find(name);
  if (part == nullptr) fail_unknown(place, "a " + family.kind, name, family.names());
  return part;
}

Part keras_part(const Config& given, const Place& place, const PartFamily& family) {
  check_keys(given, place, {"class_name", "config", "module", "registered_name", "name", "build_config"});
  const PartClass* part =
      find_class(family, given.at("class_name").as_string(place.key("class_name").text()), place.key("class_name"));
  const Config* config = given.find("config");
  if (config == nullptr) return {part, Config(Config::Object{}), true};
  config->as_object(place.key("config").text());
  return {part, *config, true};
}

Part short_part(const Config& given, const Place& place, const PartFamily& family) {
  const PartClass* part =
      find_class(family, given.at("class").as_string(place.key("class").text()), place.key("class"));
  std::vector<std::string> known = part->keys();
  known.insert(known.begin(), "class");
  check_keys(given, place, known);
  Config fields = given;
  fields.erase("class");
  return {part, std::move(fields), false};
}

Part read_part(const Config& given, const Place& place, const PartFamily& family) {
  if (given.is_string()) return {find_class(family, given.as_string(), place), Config(Config::Object{}), false};
  if (given.is_object() && given.contains("class_name")) return keras_part(given, place, family);
  if (given.is_object() && given.contains("class")) return short_part(given, place, family);
  fail<ConfigError>("{}: expected a {}, as a name, or as an object with \"class\" and settings, got {}", place.text(),
                    family.kind, shown(given));
}

// "Adam learning_rate: expected a number" becomes "recipe.json: training.optimizer.learning_rate: expected a number".
std::string placed(std::string_view message, const Place& place, const Part& part) {
  if (message.starts_with(place.source + ": ")) return std::string(message);
  const Place settings = part.from_keras ? place.key("config") : place;
  if (!message.starts_with(part.part->class_name)) return place.text() + ": " + std::string(message);
  const std::string_view rest = message.substr(part.part->class_name.size());
  if (rest.starts_with(": ")) return place.text() + std::string(rest);
  for (const std::string& key : part.part->keys())
    if (rest.starts_with(" " + key + ":")) return settings.key(key).text() + std::string(rest.substr(key.size() + 1));
  return place.text() + ": " + std::string(message);
}

template <class Make>
auto made(const Place& place, const Part& part, Make&& make) {
  try {
    return make();
  } catch (const Error& error) {
    fail<ConfigError>("{}", placed(error.what(), place, part));
  }
}

template <class Catalog>
const typename Catalog::Entry& entry_of(const PartClass& part) {
  for (const auto& entry : Catalog::entries())
    if (entry.class_name == part.class_name) return entry;
  fail<ConfigError>("unknown class {}", part.class_name);
}

// Keras' names for losses and metrics are more than their classes: "mse", "acc".
template <class Family>
std::optional<Family> by_keras_name(const Config& given) {
  if (!given.is_string()) return std::nullopt;
  try {
    Family part = Family(MeanSquaredError{});
    from_config(given, "name", part);
    return part;
  } catch (const Error&) {
    return std::nullopt;
  }
}

Config keras_object(const Part& part) {
  return Config{}.set("class_name", part.part->class_name).set("config", part.fields);
}

}  // namespace

std::vector<std::string> PartClass::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : defaults.as_object()) keys.push_back(key);
  for (const std::string& key : more)
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  return keys;
}

const PartClass* PartFamily::find(std::string_view name) const {
  const std::string plain = plain_name(name);
  for (const PartClass& part : classes)
    if (plain_name(part.class_name) == plain) return &part;
  return nullptr;
}

std::vector<std::string> PartFamily::names() const {
  std::vector<std::string> names;
  for (const PartClass& part : classes) names.push_back(part.short_name);
  return names;
}

const PartFamily& layer_family() {
  static const PartFamily family = family_of("layer", BuiltinLayers::entries(), {"name", "trainable"});
  return family;
}
const PartFamily& step_family() {
  static const PartFamily family = family_of("step", BuiltinSteps::entries(), {});
  return family;
}
const PartFamily& optimizer_family() {
  static const PartFamily family = family_of("optimizer", BuiltinOptimizers::entries(), {});
  return family;
}
const PartFamily& loss_family() {
  static const PartFamily family = family_of("loss", BuiltinLosses::entries(), {"reduction"});
  return family;
}
const PartFamily& metric_family() {
  static const PartFamily family = family_of("metric", BuiltinMetrics::entries(), {"name"});
  return family;
}
const PartFamily& callback_family() {
  static const PartFamily family = [] {
    PartFamily found{.kind = "callback", .classes = {}};
    for (const CallbackClass& each : callback_classes())
      found.classes.push_back({std::string(each.class_name), snake_case(each.class_name), each.defaults()});
    return found;
  }();
  return family;
}

Layer read_layer(const Config& given, const Place& place) {
  Part part = read_part(given, place, layer_family());
  require<ConfigError>(part.part->class_name != "InputLayer",
                       "{}: expected no input: it is made as wide as there are features", place.text());
  return made(place, part, [&] {
    std::string name;
    bool trainable = true;
    if (const Config* value = part.fields.find("name")) from_config(*value, place.key("name").text(), name);
    if (const Config* value = part.fields.find("trainable"))
      from_config(*value, place.key("trainable").text(), trainable);
    part.fields.erase("name");
    part.fields.erase("trainable");
    const auto& entry = entry_of<BuiltinLayers>(*part.part);
    io::Reading reading;
    Layer layer = entry.make(part.from_keras ? io::layer_fields(entry, part.fields, reading, part.part->class_name)
                                             : part.fields);
    if (!name.empty()) layer = layer.named(name);
    return trainable ? layer : layer.frozen();
  });
}

Step read_step(const Config& given, const Place& place) {
  const Part part = read_part(given, place, step_family());
  check_keys(part.fields, part.from_keras ? place.key("config") : place, part.part->keys());
  return made(place, part, [&] { return entry_of<BuiltinSteps>(*part.part).make(part.fields); });
}

Optimizer read_optimizer(const Config& given, const Place& place) {
  const Part part = read_part(given, place, optimizer_family());
  const std::string rate_place = (part.from_keras ? place.key("config") : place).key("learning_rate").text();
  const Config* given_rate = part.fields.find("learning_rate");
  require<ConfigError>(given_rate == nullptr || given_rate->is_number() || given_rate->is_object(),
                       "{}: expected a number above 0, or a schedule, got {}", rate_place,
                       given_rate == nullptr ? "" : shown(*given_rate));
  return made(place, part, [&] {
    Optimizer optimizer = default_optimizer();
    from_config(keras_object(part), place.text(), optimizer);
    const double rate = optimizer.learning_rate().at(0);
    require<ConfigError>(given_rate == nullptr || (rate > 0 && std::isfinite(rate)),
                         "{}: expected a number above 0, got {}", rate_place, rate);
    return optimizer;
  });
}

Loss read_loss(const Config& given, const Place& place) {
  if (const auto named = by_keras_name<Loss>(given)) return *named;
  const Part part = read_part(given, place, loss_family());
  return made(place, part, [&] {
    Loss loss = MeanSquaredError{};
    from_config(keras_object(part), place.text(), loss);
    return loss;
  });
}

Metric read_metric(const Config& given, const Place& place) {
  if (const auto named = by_keras_name<Metric>(given)) return *named;
  const Part part = read_part(given, place, metric_family());
  return made(place, part, [&] {
    Metric metric = MeanSquaredError{};
    from_config(keras_object(part), place.text(), metric);
    return metric;
  });
}

Callback read_callback(const Config& given, const Place& place, const std::string& folder) {
  const Part part = read_part(given, place, callback_family());
  check_keys(part.fields, part.from_keras ? place.key("config") : place, part.part->keys());
  return made(place, part, [&]() -> Callback {
    for (const CallbackClass& each : callback_classes())
      if (each.class_name == part.part->class_name) return each.make(part.fields, folder);
    fail<ConfigError>("unknown callback {}", part.part->class_name);
  });
}

std::string file_in(const std::string& folder, const std::string& name) {
  if (name.empty() || folder.empty()) return name;
  return (std::filesystem::path(folder) / name).string();  // an absolute name stays
}

}  // namespace maas::inline MAAS_ABI::recipe
