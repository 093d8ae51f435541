#include "recipe/parts.hpp"

#include <cmath>
#include <filesystem>

#include "io/keras_spelling.hpp"
#include "maas/core/names.hpp"
#include "maas/data/times.hpp"
#include "recipe/callbacks.hpp"
#include "recipe/keys.hpp"

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

// How recipes, their schema and messages call a class: in small letters, and as Keras does where its name is not made
// of words alone.
std::string name_in_recipes(std::string_view class_name) {
  if (class_name == "RMSprop") return "rmsprop";
  if (class_name == "AdamW") return "adamw";
  if (class_name == "TerminateOnNaN") return "terminate_on_nan";
  return snake_case(class_name);
}

template <class Entries>
PartFamily family_of(std::string kind, const Entries& entries, std::vector<std::string> more) {
  PartFamily family{.kind = std::move(kind), .classes = {}};
  for (const auto& entry : entries)
    family.classes.push_back({std::string(entry.class_name), name_in_recipes(entry.class_name),
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
  if (part == nullptr)
    fail_unknown(place, (family.kind == "optimizer" ? "an " : "a ") + family.kind, name, family.names());
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

bool takes_rows_away(const RecipeSplit& split) {
  return split.validation > 0 || split.test > 0 || !split.validation_groups.empty() || !split.test_groups.empty();
}

template <class Enum>
std::string_view name_of(Enum value) {
  return EnumNames<Enum>::names[static_cast<std::size_t>(value)];
}

}  // namespace

std::optional<RowsLookedAt> rows_looked_at(const Step& step) {
  const std::string name = snake_case(step.class_name());
  if (step.as<Lag>() != nullptr || step.as<Difference>() != nullptr) return RowsLookedAt{name, "before"};
  const auto* impute = step.as<Impute>();
  if (impute == nullptr) return std::nullopt;
  if (impute->fill == Fill::forward_fill) return RowsLookedAt{name + " with forward_fill", "before"};
  if (impute->fill == Fill::linear_interpolation)
    return RowsLookedAt{name + " with linear_interpolation", "before and behind"};
  return std::nullopt;
}

void check_row_order(const Recipe& recipe, std::span<const Step> steps) {
  const RecipeSplit& split = recipe.split;
  const Place whole{recipe.source};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::optional<RowsLookedAt> found = rows_looked_at(steps[i]);
    if (!found) continue;
    const Place place = recipe.base.empty() ? whole.key("pipeline").key("steps").item(i) : whole.key("base");
    require<ConfigError>(recipe.base.empty() || !recipe.data.stream,
                         "{}: {} looks at the rows {}, which the blocks of data.stream take away; expected no stream",
                         place.text(), found->step, found->rows);
    require<ConfigError>(split.by == SplitBy::time || !takes_rows_away(split),
                         "{}: {} looks at the rows {}, which a split by {} takes away; expected split.by time",
                         place.text(), found->step, found->rows, name_of(split.by));
    if (!recipe.cross_validation) continue;
    const FoldsBy by = recipe.cross_validation->by;
    require<ConfigError>(by == FoldsBy::rolling_origin,
                         "{}: {} looks at the rows {}, which folds by {} take away; expected cross_validation.by "
                         "rolling_origin",
                         place.text(), found->step, found->rows, name_of(by));
  }
}

std::string time_column(const Pipeline& pipeline, const Table& rows) {
  for (const std::string& name : pipeline.needed_columns())
    if (pipeline.column_type(name) == ColumnType::time && rows.contains(name) &&
        rows.column(name).type == ColumnType::time)
      return name;
  return "";
}

void TimeOrder::learn_from(Index row, double time) {
  if (!std::isfinite(time) || (latest >= 0 && time <= latest_time)) return;
  latest = row;
  latest_time = time;
}

void TimeOrder::measure_on(Index row, double time, std::string_view part) {
  if (!note.empty() || latest < 0 || !(time < latest_time)) return;
  note = fmt::format(
      "split.by time takes the rows as they stand, and they are not in the order of \"{}\": row {} (counted from 0), "
      "which is for {}, is of {}, before row {}, which is learned from, of {}",
      column, row, part, format_time(time), latest, format_time(latest_time));
}

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
      found.classes.push_back({std::string(each.class_name), name_in_recipes(each.class_name), each.defaults()});
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

std::optional<Place> failing_step(const Place& pipeline, const std::vector<Step>& steps, Table rows,
                                  std::string_view what) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    try {
      rows = steps[i].fit(rows).apply(std::move(rows));
    } catch (const Error& error) {
      return what == error.what() ? std::optional(pipeline.key("steps").item(i)) : std::nullopt;
    }
  }
  return std::nullopt;
}

std::string file_in(const std::string& folder, const std::string& name) {
  if (name.empty() || folder.empty()) return name;
  return (std::filesystem::path(folder) / name).string();  // an absolute name stays
}

}  // namespace maas::inline MAAS_ABI::recipe
