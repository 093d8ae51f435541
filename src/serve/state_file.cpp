#include "serve/state_file.hpp"

#include <filesystem>

#include "maas/core/error.hpp"
#include "maas/core/new_file.hpp"
#include "maas/core/read_file.hpp"
#include "serve/json_writer.hpp"
#include "serve/model_settings.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

// Calls back with the places of each member that calls may change: in what has changed, and in the settings.
template <class Work>
void for_each_member(const Work& work) {
  work(&ChangedSettings::labels, &ModelSettings::labels);
  work(&ChangedSettings::withdrawn, &ModelSettings::withdrawn);
  work(&ChangedSettings::is_unloaded, &ModelSettings::is_unloaded);
  work(&ChangedSettings::canary, &ModelSettings::canary);
  work(&ChangedSettings::shadow, &ModelSettings::shadow);
  work(&ChangedSettings::policy, &ModelSettings::policy);
}

// Of the members that the object has; null is a change, too: to none.
ChangedSettings changed_from(JsonView object, const std::string& what) {
  ModelSettings settings = settings_from(object, what);
  ChangedSettings changed;
  const auto take = [&](std::string_view name, auto& change, auto& value) {
    if (object.member(name)) change = std::move(value);
  };
  take("labels", changed.labels, settings.labels);
  take("withdrawn", changed.withdrawn, settings.withdrawn);
  take("unloaded", changed.is_unloaded, settings.is_unloaded);
  take("canary", changed.canary, settings.canary);
  take("shadow", changed.shadow, settings.shadow);
  return changed;
}

// A text of JSON for each member that has changed.
void append_changes(std::string& out, const ChangedSettings& changed) {
  const auto append = [&](std::string_view name, const auto& change, const auto& write) {
    if (!change) return;
    out += fmt::format(R"({}"{}":)", out.back() == '{' ? "" : ",", name);
    write(out, *change);
  };
  append("labels", changed.labels, append_labels);
  append("withdrawn", changed.withdrawn, append_versions);
  append("unloaded", changed.is_unloaded, [](std::string& text, bool is) { text += is ? "true" : "false"; });
  append("canary", changed.canary, append_canary);
  append("shadow", changed.shadow, append_shadow);
}

}  // namespace

ChangedSettings changes_between(const ModelSettings& before, const ModelSettings& after) {
  ChangedSettings changed;
  for_each_member([&](auto change, auto member) {
    if (before.*member != after.*member) changed.*change = after.*member;
  });
  return changed;
}

void add_changes(const ChangedSettings& said, ChangedSettings& changed) {
  for_each_member([&](auto change, auto) {
    if (said.*change) changed.*change = said.*change;
  });
}

void apply_state(const ChangedSettings& changed, ModelSettings& settings) {
  for_each_member([&](auto change, auto member) {
    if (changed.*change) settings.*member = *(changed.*change);
  });
}

StateByModel read_state(const std::string& path) {
  if (!std::filesystem::exists(path)) return {};
  const std::string text = read_file(path);
  StateByModel state;
  try {
    const JsonDocument document(text, 32, "");
    const auto models = document.root().member("models");
    require<ConfigError>(models && models->kind() == JsonKind::object, "expected \"models\", an object, got {}",
                         models ? models->kind_name() : "none");
    models->for_each_member([&](std::string_view name, JsonView settings) {
      state[std::string(name)] = changed_from(settings, std::string(name));
    });
  } catch (const Error& error) {
    fail<ConfigError>("{}: {}", path, error.what());
  }
  return state;
}

void write_state(const std::string& path, const StateByModel& state) {
  std::string out = R"({"models":{)";
  for (const auto& [name, changed] : state) {
    if (out.back() != '{') out += ",\n";
    append_text(out, name);
    out += ":{";
    append_changes(out, changed);
    out += '}';
  }
  NewFile file(path);
  file.write(out + "}}\n");
  file.commit();
}

}  // namespace maas::inline MAAS_ABI::serve
