// The schema and the reader know the same keys.
#include <set>

#include "io/json.hpp"
#include "maas/recipe/recipe.hpp"
#include "recipe/small.hpp"

using namespace maas;
using namespace maas::tests;

namespace {

Config schema() { return io::parse_json(recipe_schema(), "schema"); }

std::string schema_problem(const std::vector<std::string>& changes) {
  try {
    parse_recipe(line_recipe, "r.json", changes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// The keys that the reader names where it finds one it does not know: "expected keys of a, b; got".
std::set<std::string> keys_in(const std::string& message) {
  const std::string mark = "expected keys of ";
  const std::size_t begin = message.find(mark);
  INFO(message);
  REQUIRE(begin != std::string::npos);
  std::set<std::string> keys;
  std::string list = message.substr(begin + mark.size(), message.find("; got") - begin - mark.size());
  for (std::size_t comma; !list.empty(); list = comma == list.npos ? "" : list.substr(comma + 2)) {
    comma = list.find(", ");
    keys.insert(list.substr(0, comma));
  }
  return keys;
}

std::set<std::string> properties_of(const Config& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.at("properties").as_object()) keys.insert(key);
  return keys;
}

}  // namespace

TEST_CASE("every section of the schema has the keys that the reader knows, and no other") {
  const Config whole = schema();
  std::set<std::string> top = properties_of(whole);
  top.erase("$schema");
  CHECK(top == keys_in(schema_problem({"no such key=1"})));
  int sections = 0;
  for (const auto& [name, section] : whole.at("properties").as_object()) {
    if (!section.contains("properties")) continue;
    CAPTURE(name);
    CHECK(properties_of(section) == keys_in(schema_problem({name + ".no such key=1"})));
    ++sections;
  }
  CHECK(sections == 9);
}

TEST_CASE("every class of the schema has the settings that the reader knows, and no other") {
  const std::pair<std::string, std::string> places[] = {
      {"layer", "network.layers=[@]"}, {"step", "pipeline.steps=[@]"},     {"optimizer", "training.optimizer=@"},
      {"loss", "training.loss=@"},     {"metric", "training.metrics=[@]"}, {"callback", "training.callbacks=[@]"}};
  const Config parts = schema().at("$defs");
  int classes = 0;
  for (const auto& [kind, place] : places)
    for (const Config& form : parts.at(kind).at("anyOf").as_list()) {
      if (!form.contains("properties") || !form.at("properties").contains("class")) continue;
      const std::string name = form.at("properties").at("class").at("enum").as_list()[0].as_string();
      if (name == "input_layer") continue;
      CAPTURE(kind, name);
      std::string change = place;
      change.replace(change.find('@'), 1, "{\"class\": \"" + name + "\", \"no such key\": 1}");
      CHECK(properties_of(form) == keys_in(schema_problem({change})));
      ++classes;
    }
  CHECK(classes > 120);
}

TEST_CASE("the schema in docs is the one the program writes") {
  CHECK(text_of(MAAS_FIXTURES_DIR "/../../docs/recipe.schema.json") == recipe_schema());
}

TEST_CASE("the recipes among the examples are read") {
  for (const char* name : {"traffic_situation", "traffic_situation_dirty", "metro_volume", "driving_surface",
                           "los_loop", "traffic_situation_search", "metro_volume_stream"}) {
    CAPTURE(name);
    CHECK_NOTHROW(read_recipe(std::string(MAAS_FIXTURES_DIR "/../../examples/recipes/") + name + ".json"));
  }
}
