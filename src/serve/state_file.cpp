#include "serve/state_file.hpp"

#include <filesystem>
#include <iterator>

#include "maas/core/error.hpp"
#include "maas/core/new_file.hpp"
#include "maas/core/read_file.hpp"
#include "serve/json_writer.hpp"
#include "serve/names.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

std::int64_t version_in(JsonView value, const std::string& what) {
  const auto number = value.integer();
  require<ConfigError>(number && *number >= 0, "{}: expected a version, a whole number of at least 0, got {}", what,
                       value.kind_name());
  return *number;
}

std::vector<std::int64_t> versions_in(JsonView value, const std::string& what) {
  require<ConfigError>(value.kind() == JsonKind::list, "{}: expected a list of versions, got {}", what,
                       value.kind_name());
  std::vector<std::int64_t> versions;
  value.for_each([&](JsonView each) { versions.push_back(version_in(each, what)); });
  return versions;
}

// "all", {"latest": 2} or {"specific": [1, 3]}.
VersionPolicy policy_in(JsonView value, const std::string& what) {
  if (value.text() == "all") return {.kind = VersionPolicy::Kind::all};
  const auto latest = value.member("latest"), specific = value.member("specific");
  require<ConfigError>(latest.has_value() != specific.has_value(),
                       R"({}: expected "all", {{"latest": N}} or {{"specific": [...]}}, got another)", what);
  if (specific) return {.kind = VersionPolicy::Kind::specific, .versions = versions_in(*specific, what)};
  const auto count = latest->integer();
  require<ConfigError>(count && *count >= 1 && *count <= 1000, "{}: expected 1 to 1000 latest versions, got {}", what,
                       count ? fmt::format("{}", *count) : std::string(latest->kind_name()));
  return {.count = static_cast<int>(*count)};
}

Canary canary_in(JsonView value, const std::string& what) {
  const auto version = value.member("version"), share = value.member("share");
  require<ConfigError>(version && share && share->number(),
                       R"({}: expected {{"version": N, "share": 0.1}}, got another)", what);
  const double part = *share->number();
  require<ConfigError>(part >= 0 && part <= 1, "{}: expected a share from 0 to 1, got {}", what, part);
  return {version_in(*version, what), part};
}

void read_member(std::string_view name, JsonView value, const std::string& what, ModelSettings& settings) {
  if (value.kind() == JsonKind::null) return;
  if (name == "versions") {
    settings.policy = policy_in(value, what);
  } else if (name == "labels") {
    require<ConfigError>(value.kind() == JsonKind::object, "{}: expected an object of labels, got {}", what,
                         value.kind_name());
    value.for_each_member([&](std::string_view label, JsonView version) {
      settings.labels[std::string(label)] = version_in(version, what);
    });
  } else if (name == "withdrawn") {
    settings.withdrawn = versions_in(value, what);
  } else if (name == "unloaded") {
    require<ConfigError>(value.boolean().has_value(), "{}: expected true or false, got {}", what, value.kind_name());
    settings.is_unloaded = *value.boolean();
  } else if (name == "canary") {
    settings.canary = canary_in(value, what);
  } else if (name == "shadow") {
    settings.shadow = version_in(value, what);
  } else {
    fail<ConfigError>("{}: expected versions, labels, withdrawn, unloaded, canary or shadow, got another", what);
  }
}

void append_policy(std::string& out, const VersionPolicy& policy) {
  if (policy.kind == VersionPolicy::Kind::all) {
    out += R"("all")";
  } else if (policy.kind == VersionPolicy::Kind::latest) {
    out += fmt::format(R"({{"latest":{}}})", policy.count);
  } else {
    out += R"({"specific":[)";
    for (std::int64_t version : policy.versions) out += fmt::format("{}{}", out.back() == '[' ? "" : ",", version);
    out += "]}";
  }
}

}  // namespace

ModelSettings settings_from(JsonView object, const std::string& what) {
  require<ConfigError>(object.kind() == JsonKind::object, "{}: expected an object, got {}", what, object.kind_name());
  ModelSettings settings;
  object.for_each_member([&](std::string_view name, JsonView value) {
    read_member(name, value, fmt::format("{}.{}", what, name), settings);
  });
  return settings;
}

void append_settings(std::string& out, const ModelSettings& settings) {
  out += R"("labels":{)";
  for (const auto& [label, version] : settings.labels) {
    if (out.back() != '{') out += ',';
    append_text(out, label);
    out += fmt::format(":{}", version);
  }
  out += R"(},"withdrawn":[)";
  for (std::int64_t version : settings.withdrawn) out += fmt::format("{}{}", out.back() == '[' ? "" : ",", version);
  out += fmt::format(R"(],"unloaded":{})", settings.is_unloaded);
  if (settings.canary)
    out += fmt::format(R"(,"canary":{{"version":{},"share":{}}})", settings.canary->version, settings.canary->share);
  if (settings.shadow) out += fmt::format(R"(,"shadow":{})", *settings.shadow);
  if (!settings.policy) return;
  out += R"(,"versions":)";
  append_policy(out, *settings.policy);
}

void apply_state(const ModelSettings& changed, ModelSettings& settings) {
  std::optional<VersionPolicy> policy = std::move(settings.policy);
  settings = changed;
  settings.policy = std::move(policy);
}

StateByModel read_state(const std::string& path) {
  if (!std::filesystem::exists(path)) return {};
  const std::string text = read_file(path);
  StateByModel state;
  try {
    const JsonDocument document(text, 32);
    const auto models = document.root().member("models");
    require<ConfigError>(models && models->kind() == JsonKind::object, "expected \"models\", an object, got {}",
                         models ? models->kind_name() : "none");
    models->for_each_member([&](std::string_view name, JsonView settings) {
      state[std::string(name)] = settings_from(settings, std::string(name));
    });
  } catch (const Error& error) {
    fail<ConfigError>("{}: {}", path, error.what());
  }
  return state;
}

void write_state(const std::string& path, const StateByModel& state) {
  std::string out = R"({"models":{)";
  for (const auto& [name, settings] : state) {
    if (out.back() != '{') out += ",\n";
    append_text(out, name);
    out += ":{";
    ModelSettings kept = settings;
    kept.policy = std::nullopt;
    append_settings(out, kept);
    out += '}';
  }
  NewFile file(path);
  file.write(out + "}}\n");
  file.commit();
}

}  // namespace maas::inline MAAS_ABI::serve
