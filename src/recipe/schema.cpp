// recipe_schema: the keys of a recipe, described for editors and other programs.
#include <algorithm>

#include "io/json.hpp"
#include "recipe/keys.hpp"
#include "recipe/parts.hpp"

namespace maas::inline MAAS_ABI::recipe {

namespace {

Config type(std::string_view name) { return Config{}.set("type", name); }
Config types(std::initializer_list<std::string_view> names) {
  Config::List list;
  for (std::string_view name : names) list.emplace_back(name);
  return Config{}.set("type", std::move(list));
}
Config any_of(Config::List list) { return Config{}.set("anyOf", std::move(list)); }
Config reference(std::string_view kind) { return Config{}.set("$ref", fmt::format("#/$defs/{}", kind)); }
Config array_of(Config items) { return type("array").set("items", std::move(items)); }
Config texts() { return any_of({type("string"), array_of(type("string"))}); }

void require_keys(Config& schema, std::initializer_list<std::string_view> names) {
  Config::List list;
  for (std::string_view name : names) list.emplace_back(name);
  schema.set("required", std::move(list));
}

template <class Names>
Config one_of(const Names& names) {
  Config::List list;
  for (std::string_view name : names)
    if (std::ranges::find(list, Config(name)) == list.end()) list.emplace_back(name);
  return Config{}.set("enum", std::move(list));
}

// ---- What stands under a key, by the type it is read to ----

Config schema_of(const std::string&) { return type("string"); }
Config schema_of(const char&) { return type("string").set("maxLength", 1); }
Config schema_of(const bool&) { return type("boolean"); }
Config schema_of(const int&) { return type("integer").set("minimum", 1); }
Config schema_of(const std::int64_t&) { return type("integer").set("minimum", 0); }
Config schema_of(const std::optional<Index>&) { return types({"integer", "null"}).set("minimum", 1); }
Config schema_of(const double&) { return type("number"); }
Config schema_of(const std::vector<std::string>&) { return texts(); }
Config schema_of(const std::vector<Layer>&) { return array_of(reference("layer")); }
Config schema_of(const std::vector<Step>&) { return array_of(reference("step")); }
Config schema_of(const std::vector<Metric>&) { return array_of(reference("metric")); }
Config schema_of(const std::vector<Index>&) { return array_of(type("integer").set("minimum", 1)); }
Config schema_of(const std::optional<double>&) { return types({"number", "null"}); }
Config schema_of(const std::vector<std::function<Callback()>>&) { return array_of(reference("callback")); }
Config schema_of(const SearchSpace&) {
  Config properties = Config{}.set("low", type("number")).set("high", type("number"));
  properties.set("log", type("boolean")).set("integer", type("boolean"));
  Config range = type("object").set("properties", std::move(properties));
  require_keys(range, {"low", "high"});
  range.set("additionalProperties", false);
  const Config values = array_of(Config(Config::Object{})).set("minItems", 1);
  return type("object").set("additionalProperties", any_of({values, std::move(range)}));
}
Config schema_of(const Optimizer&) { return reference("optimizer"); }
Config schema_of(const std::optional<Loss>&) { return reference("loss"); }
Config schema_of(const std::optional<Graph>&) { return type("object"); }
Config schema_of(const ClassWeights&) {
  return any_of({Config{}.set("const", "balanced"),
                 type("object").set("additionalProperties", type("number").set("minimum", 0))});
}

template <class Enum>
requires requires { EnumNames<Enum>::names; }
Config schema_of(const Enum&) { return one_of(EnumNames<Enum>::names); }
template <class Enum>
requires requires { EnumNames<Enum>::names; }
Config schema_of(const std::optional<Enum>&) { return schema_of(Enum()); }

Config schema_of(const std::map<std::string, double>&) {
  return type("object").set("additionalProperties", type("number"));
}
Config schema_of(const std::map<std::string, ColumnType>&) {
  return type("object").set("additionalProperties", schema_of(ColumnType()));
}

template <HasKeys Section>
Config schema_of(const std::optional<Section>&);

template <HasKeys Section>
Config schema_of(const Section& section) {
  Config properties{Config::Object{}};
  list_keys(section, [&](std::string_view name, const auto& value, std::string_view text) {
    Config described = Config{}.set("description", text);
    const Config rules = schema_of(value);
    for (const auto& [key, rule] : rules.as_object()) described.set(key, rule);
    properties.set(name, std::move(described));
  });
  return type("object").set("properties", std::move(properties)).set("additionalProperties", false);
}

template <HasKeys Section>
Config schema_of(const std::optional<Section>&) {
  return schema_of(Section());
}

// ---- Parts: what may be set is known by what it is where it is not ----

Config setting(const Config& usual) {
  if (usual.is_bool()) return type("boolean");
  if (usual.is_integer()) return types({"integer", "array"});
  if (usual.is_number()) return types({"number", "object"});
  if (usual.is_string()) return types({"string", "object"});
  if (usual.is_object()) return types({"object", "string", "null"});
  if (usual.is_list()) return types({"array", "integer"});
  return Config(Config::Object{});
}

Config class_schema(const PartClass& part) {
  Config properties{Config::Object{}};
  properties.set("class", one_of(std::vector<std::string>{part.short_name, part.class_name}));
  for (const std::string& key : part.keys()) {
    const Config* usual = part.defaults.find(key);
    Config described = usual != nullptr ? setting(*usual) : type(key == "trainable" ? "boolean" : "string");
    if (usual != nullptr && !usual->is_null() && !usual->is_object()) described.set("default", *usual);
    properties.set(key, std::move(described));
  }
  Config schema = type("object").set("properties", std::move(properties));
  require_keys(schema, {"class"});
  return schema.set("additionalProperties", false);
}

Config family_schema(const PartFamily& family, bool other_names) {
  Config::List list;
  std::vector<std::string> names = family.names();
  for (const PartClass& part : family.classes)
    if (part.class_name != part.short_name) names.push_back(part.class_name);
  list.push_back(one_of(names));
  if (other_names) list.push_back(type("string").set("description", "Keras' other names, such as mse and acc"));
  for (const PartClass& part : family.classes) list.push_back(class_schema(part));
  Config keras = type("object").set("description", "As Keras writes it");
  keras.set("properties", Config{}.set("class_name", type("string")).set("config", type("object")));
  require_keys(keras, {"class_name"});
  list.push_back(std::move(keras));
  return any_of(std::move(list));
}

// ---- The text ----

std::string pretty(const Config& value, std::size_t depth) {
  const std::string line = io::write_json(value);
  if (line.size() + 2 * depth <= 100 || (!value.is_list() && !value.is_object())) return line;
  const std::string inner(2 * depth + 2, ' '), outer(2 * depth, ' ');
  std::string result;
  if (value.is_list()) {
    for (const Config& element : value.as_list())
      result += (result.empty() ? "\n" : ",\n") + inner + pretty(element, depth + 1);
    return "[" + result + "\n" + outer + "]";
  }
  for (const auto& [key, element] : value.as_object())
    result += (result.empty() ? "\n" : ",\n") + inner + io::write_json(key) + ": " + pretty(element, depth + 1);
  return "{" + result + "\n" + outer + "}";
}

// What the readers ask for beyond types.
void require_in(Config& sections, std::string_view name, std::initializer_list<std::string_view> keys) {
  Config section = sections.at(name);
  require_keys(section, keys);
  sections.set(name, std::move(section));
}

}  // namespace

}  // namespace maas::inline MAAS_ABI::recipe

namespace maas::inline MAAS_ABI {

std::string recipe_schema() {
  using namespace recipe;
  Config whole = schema_of(Recipe());
  Config sections = whole.at("properties");
  require_in(sections, "data", {"files"});
  require_in(sections, "tuner", {"space"});
  Config properties = Config{}.set("$schema", recipe::type("string"));
  for (const auto& [name, section] : sections.as_object()) properties.set(name, section);

  Config schema{Config::Object{}};
  schema.set("$schema", "https://json-schema.org/draft/2020-12/schema");
  schema.set("title", "A recipe of maas");
  schema.set("description", "What `maas train` is told; written by `maas train --schema`");
  schema.set("type", "object").set("properties", std::move(properties)).set("additionalProperties", false);
  require_keys(schema, {"data"});
  Config loss{Config::Object{}};
  require_keys(loss, {"loss"});
  Config::List kinds;
  Config targets{Config::Object{}};
  require_keys(targets, {"targets"});
  Config rows = Config{}.set("properties",
                             Config{}.set("training", loss).set("pipeline", std::move(targets)).set("forecast", false));
  require_keys(rows, {"pipeline", "training"});
  kinds.push_back(std::move(rows));
  Config no_targets = Config{}.set("properties", Config{}.set("features", false).set("targets", false));
  Config readings = Config{}.set("properties", Config{}.set("training", loss).set("pipeline", std::move(no_targets)));
  require_keys(readings, {"forecast", "training"});
  kinds.push_back(std::move(readings));
  Config going_on{Config::Object{}};
  require_keys(going_on, {"base"});
  kinds.push_back(std::move(going_on));
  schema.set("oneOf", std::move(kinds));
  Config parts{Config::Object{}};
  for (const PartFamily* family : {&layer_family(), &step_family(), &optimizer_family(), &callback_family()})
    parts.set(family->kind, family_schema(*family, false));
  for (const PartFamily* family : {&loss_family(), &metric_family()})
    parts.set(family->kind, family_schema(*family, true));
  return recipe::pretty(schema.set("$defs", std::move(parts)), 0) + "\n";
}

}  // namespace maas::inline MAAS_ABI
