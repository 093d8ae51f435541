#include "serve/model_settings.hpp"

#include <algorithm>
#include <limits>

#include "maas/core/error.hpp"
#include "serve/folder.hpp"
#include "serve/json_writer.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

// As an error has it: names of files may be as long as these.
std::string_view shortened(std::string_view name) { return name.substr(0, 255); }

std::int64_t version_in(JsonView value, const std::string& what) {
  const auto number = value.integer();
  require<ConfigError>(number && *number >= 0, "{}: expected a version, a whole number of at least 0, got {}", what,
                       value.kind_name());
  return *number;
}

std::vector<std::int64_t> versions_in(JsonView value, const std::string& what) {
  require<ConfigError>(value.kind() == JsonKind::list, "{}: expected a list of versions, got {}", what,
                       value.kind_name());
  require<ConfigError>(value.size() <= most_versions, "{}: expected at most {} versions, got {}", what, most_versions,
                       value.size());
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

// A number of at least 1.
template <class Number>
void read_most(JsonView value, const std::string& what, std::optional<Number>& most) {
  const auto number = value.integer();
  require<ConfigError>(number && *number >= 1, "{}: expected a whole number of at least 1, got {}", what,
                       number ? fmt::format("{}", *number) : std::string(value.kind_name()));
  most = static_cast<Number>(*number);
}

void require_object(JsonView value, const std::string& what) {
  require<ConfigError>(value.kind() == JsonKind::object, "{}: expected an object, got {}", what, value.kind_name());
}

bool flag_in(JsonView value, const std::string& what) {
  require<ConfigError>(value.boolean().has_value(), "{}: expected true or false, got {}", what, value.kind_name());
  return *value.boolean();
}

// true, false or {"rows": 16}.
void read_batching(JsonView value, const std::string& what, ServingSettings& serving) {
  if (const auto flag = value.boolean()) {
    serving.batch_rows = *flag ? std::numeric_limits<Index>::max() : 1;
    return;
  }
  const auto rows = value.member("rows");
  require<ConfigError>(rows && value.size() == 1, R"({}: expected true, false or {{"rows": N}}, got {})", what,
                       value.kind() == JsonKind::object ? "another object" : value.kind_name());
  read_most(*rows, what + ".rows", serving.batch_rows);
}

// Called like the options of the server whose places they take.
void read_limits(JsonView value, const std::string& what, ServingSettings& serving) {
  require_object(value, what);
  value.for_each_member([&](std::string_view name, JsonView most) {
    const std::string place = fmt::format("{}.{}", what, shortened(name));
    if (name == "max-rows") return read_most(most, place, serving.rows);
    if (name == "max-model-queue") return read_most(most, place, serving.queue);
    if (name == "max-model-rows") return read_most(most, place, serving.queue_rows);
    fail<ConfigError>("{}: expected max-rows, max-model-queue or max-model-rows, got another", place);
  });
}

bool is_tensor_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 &&
         std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
}

// {"name in the network": "name that is asked"}.
std::map<std::string, std::string> names_in(JsonView value, const std::string& what) {
  require_object(value, what);
  std::map<std::string, std::string> names;
  value.for_each_member([&](std::string_view tensor, JsonView name) {
    require<ConfigError>(name.text() && is_tensor_name(*name.text()),
                         "{}.{}: expected a name, a text of 1 to 255 bytes without control characters, got {}", what,
                         shortened(tensor), name.text() ? "another" : name.kind_name());
    names[std::string(tensor)] = *name.text();
  });
  return names;
}

std::map<std::string, std::int64_t> labels_in(JsonView value, const std::string& what) {
  require_object(value, what);
  std::map<std::string, std::int64_t> labels;
  value.for_each_member([&](std::string_view label, JsonView version) {
    require<ConfigError>(is_label(label), "{}: expected labels of letters, digits and _, got \"{}\"", what,
                         shortened(label));
    labels[std::string(label)] = version_in(version, fmt::format("{}.{}", what, label));
  });
  return labels;
}

void read_member(std::string_view name, JsonView value, const std::string& what, ModelSettings& settings) {
  if (value.kind() == JsonKind::null) return;
  if (name == "versions") {
    settings.policy = policy_in(value, what);
  } else if (name == "labels") {
    settings.labels = labels_in(value, what);
  } else if (name == "withdrawn") {
    settings.withdrawn = versions_in(value, what);
  } else if (name == "unloaded") {
    settings.is_unloaded = flag_in(value, what);
  } else if (name == "canary") {
    settings.canary = canary_in(value, what);
  } else if (name == "shadow") {
    settings.shadow = version_in(value, what);
  } else if (name == "batching") {
    read_batching(value, what, settings.serving);
  } else if (name == "limits") {
    read_limits(value, what, settings.serving);
  } else if (name == "inputs") {
    settings.serving.inputs = names_in(value, what);
  } else if (name == "outputs") {
    settings.serving.outputs = names_in(value, what);
  } else if (name == "required") {
    settings.is_required = flag_in(value, what);
  } else {
    fail<ConfigError>(
        "{}: expected versions, labels, withdrawn, unloaded, canary, shadow, batching, limits, inputs, outputs or "
        "required, got another",
        what);
  }
}

void append_policy(std::string& out, const std::optional<VersionPolicy>& policy) {
  if (policy->kind == VersionPolicy::Kind::all) {
    out += R"("all")";
  } else if (policy->kind == VersionPolicy::Kind::latest) {
    out += fmt::format(R"({{"latest":{}}})", policy->count);
  } else {
    out += R"({"specific":)";
    append_versions(out, policy->versions);
    out += '}';
  }
}

void append_names(std::string& out, std::string_view kind, const std::map<std::string, std::string>& names) {
  if (names.empty()) return;
  out += fmt::format(R"(,"{}":{{)", kind);
  for (const auto& [tensor, name] : names) {
    if (out.back() != '{') out += ',';
    append_text(out, tensor);
    out += ':';
    append_text(out, name);
  }
  out += '}';
}

void append_limits(std::string& out, const ServingSettings& serving) {
  if (!serving.rows && !serving.queue && !serving.queue_rows) return;
  out += R"(,"limits":{)";
  const auto append = [&](std::string_view name, const auto& most) {
    if (most) out += fmt::format(R"({}"{}":{})", out.back() == '{' ? "" : ",", name, *most);
  };
  append("max-rows", serving.rows);
  append("max-model-queue", serving.queue);
  append("max-model-rows", serving.queue_rows);
  out += '}';
}

void append_batching(std::string& out, const ServingSettings& serving) {
  if (!serving.batch_rows) return;
  const bool is_any = *serving.batch_rows == std::numeric_limits<Index>::max();
  out += is_any || *serving.batch_rows == 1 ? fmt::format(R"(,"batching":{})", is_any)
                                            : fmt::format(R"(,"batching":{{"rows":{}}})", *serving.batch_rows);
}

void check_serving(const std::string& model, const ServingSettings& serving) {
  const bool are_counts = serving.batch_rows.value_or(1) >= 1 && serving.rows.value_or(1) >= 1 &&
                          serving.queue.value_or(1) >= 1 && serving.queue_rows.value_or(1) >= 1;
  require<ConfigError>(are_counts, "model \"{}\": expected limits of at least 1, got one below", model);
  for (const auto* names : {&serving.inputs, &serving.outputs})
    for (const auto& [tensor, name] : *names)
      require<ConfigError>(is_tensor_name(name),
                           "model \"{}\": expected names of 1 to 255 bytes without control characters, got \"{}\" for "
                           "\"{}\"",
                           model, shortened(name), shortened(tensor));
}

}  // namespace

ModelSettings settings_from(JsonView object, const std::string& what) {
  require<ConfigError>(object.kind() == JsonKind::object, "{}expected an object, got {}",
                       what.empty() ? "" : what + ": ", object.kind_name());
  ModelSettings settings;
  object.for_each_member([&](std::string_view name, JsonView value) {
    const std::string_view told = shortened(name);
    read_member(name, value, what.empty() ? std::string(told) : fmt::format("{}.{}", what, told), settings);
  });
  return settings;
}

void append_labels(std::string& out, const std::map<std::string, std::int64_t>& labels) {
  out += '{';
  for (const auto& [label, version] : labels) {
    if (out.back() != '{') out += ',';
    append_text(out, label);
    out += fmt::format(":{}", version);
  }
  out += '}';
}

void append_versions(std::string& out, const std::vector<std::int64_t>& versions) {
  out += '[';
  for (std::int64_t version : versions) out += fmt::format("{}{}", out.back() == '[' ? "" : ",", version);
  out += ']';
}

void append_canary(std::string& out, const std::optional<Canary>& canary) {
  out += canary ? fmt::format(R"({{"version":{},"share":{}}})", canary->version, canary->share) : "null";
}

void append_shadow(std::string& out, const std::optional<std::int64_t>& shadow) {
  out += shadow ? fmt::format("{}", *shadow) : "null";
}

void append_settings(std::string& out, const ModelSettings& settings) {
  out += R"("labels":)";
  append_labels(out, settings.labels);
  out += R"(,"withdrawn":)";
  append_versions(out, settings.withdrawn);
  out += fmt::format(R"(,"unloaded":{})", settings.is_unloaded);
  const auto append = [&](std::string_view name, const auto& value, const auto& write) {
    if (!value) return;
    out += fmt::format(R"(,"{}":)", name);
    write(out, value);
  };
  append("canary", settings.canary, append_canary);
  append("shadow", settings.shadow, append_shadow);
  append("versions", settings.policy, append_policy);
  append_batching(out, settings.serving);
  append_limits(out, settings.serving);
  append_names(out, "inputs", settings.serving.inputs);
  append_names(out, "outputs", settings.serving.outputs);
  if (settings.is_required) out += fmt::format(R"(,"required":{})", *settings.is_required);
}

ModelSettings read_model_file(const std::string& path) {
  const std::string text = content_within(path, std::size_t{1} << 20);
  try {
    const JsonDocument document(text, 32, "");
    return settings_from(document.root(), "");
  } catch (const Error& error) {
    fail<ConfigError>("{}: {}", path, error.what());
  }
}

void fill_in(ModelSettings& settings, const ModelSettings& others) {
  const auto take = [](auto& member, const auto& other) {
    if (member == std::decay_t<decltype(member)>()) member = other;
  };
  take(settings.policy, others.policy);
  take(settings.labels, others.labels);
  take(settings.withdrawn, others.withdrawn);
  take(settings.is_unloaded, others.is_unloaded);
  take(settings.canary, others.canary);
  take(settings.shadow, others.shadow);
  take(settings.serving.batch_rows, others.serving.batch_rows);
  take(settings.serving.rows, others.serving.rows);
  take(settings.serving.queue, others.serving.queue);
  take(settings.serving.queue_rows, others.serving.queue_rows);
  take(settings.serving.inputs, others.serving.inputs);
  take(settings.serving.outputs, others.serving.outputs);
  take(settings.is_required, others.is_required);
}

bool is_label(std::string_view label) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !label.empty() && label.size() <= 255 && std::ranges::all_of(label, is_plain);
}

void check_settings(const std::string& model, const ModelSettings& settings) {
  const bool has_count =
      !settings.policy || settings.policy->kind != VersionPolicy::Kind::latest || settings.policy->count >= 1;
  require<ConfigError>(has_count, "model \"{}\": expected a policy of at least 1 version, got {}", model,
                       has_count ? 0 : settings.policy->count);
  for (const auto& [label, version] : settings.labels)
    require<ConfigError>(is_label(label) && version >= 0,
                         "model \"{}\": expected labels of letters, digits and _ for versions from 0, got \"{}\": {}",
                         model, label, version);
  if (settings.canary)
    require<ConfigError>(settings.canary->version >= 0 && settings.canary->share >= 0 && settings.canary->share <= 1,
                         "model \"{}\": expected a canary with a share from 0 to 1, got version {} with {}", model,
                         settings.canary->version, settings.canary->share);
  require<ConfigError>(!settings.shadow || *settings.shadow >= 0,
                       "model \"{}\": expected a shadow of at least version 0, got {}", model,
                       settings.shadow.value_or(0));
  check_serving(model, settings.serving);
}

}  // namespace maas::inline MAAS_ABI::serve
