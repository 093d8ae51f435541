#include "serve/load_parameters.hpp"

#include <algorithm>
#include <array>

#include "serve/base64.hpp"
#include "serve/folder.hpp"
#include "serve/model_settings.hpp"
#include "serve/status.hpp"

namespace maas::inline MAAS_ABI::serve {

namespace {

constexpr std::string_view file_prefix = "file:";
constexpr std::size_t config_depth = 32;

std::string_view text_in(std::string_view name, JsonView value) {
  require<DataError>(value.text().has_value(), "load: expected parameter \"{}\" to be a text, got {}",
                     name.substr(0, 300), value.kind_name());
  return *value.text();
}

// What a configuration that was asked for has beside its policy: it says what is so, and changes nothing.
bool is_told_member(std::string_view name) {
  constexpr std::array told{"platform", "max_batch_size", "input", "output", "dynamic_batching"};
  return std::ranges::find(told, name) != told.end();
}

VersionPolicy specific_policy(JsonView specific) {
  VersionPolicy policy{.kind = VersionPolicy::Kind::specific};
  const auto versions = specific.member("versions");
  require<DataError>(versions && versions->kind() == JsonKind::list,
                     "load: config: expected \"versions\" of \"specific\", a list, got {}",
                     versions ? versions->kind_name() : "none");
  require<DataError>(versions->size() <= most_versions, "load: config: expected at most {} versions, got {}",
                     most_versions, versions->size());
  versions->for_each([&](JsonView each) {
    require<DataError>(each.integer() && *each.integer() >= 0,
                       "load: config: expected versions, whole numbers of at least 0, got {}", each.kind_name());
    policy.versions.push_back(*each.integer());
  });
  return policy;
}

// {"latest": {"num_versions": 2}}, {"all": {}} or {"specific": {"versions": [1, 3]}}; nothing for the server's own.
std::optional<VersionPolicy> policy_in(JsonView value) {
  const auto latest = value.member("latest"), all = value.member("all"), specific = value.member("specific");
  require<DataError>(value.size() == 1 && (latest || all || specific),
                     "load: config: expected \"version_policy\" to be an object with latest, all or specific, got {}",
                     value.kind() == JsonKind::object ? "another" : value.kind_name());
  if (all) return VersionPolicy{.kind = VersionPolicy::Kind::all};
  if (specific) return specific_policy(*specific);
  const auto count = latest->member("num_versions");
  if (!count) return std::nullopt;
  require<DataError>(count->integer() && *count->integer() >= 1 && *count->integer() <= 1000,
                     "load: config: expected a num_versions from 1 to 1000, got {}", count->json());
  return VersionPolicy{.count = static_cast<int>(*count->integer())};
}

}  // namespace

void LoadParameters::take(std::string_view name, JsonView value) {
  if (name == "config") return take_config(text_in(name, value));
  require<DataError>(name.starts_with(file_prefix),
                     "load: expected the parameters config and {}VERSION/NAME, got \"{}\"", file_prefix,
                     name.substr(0, 300));
  if (!allow_upload_)
    fail_with(501, "load: models come from the folder: parameter \"{}\" needs a server that allows uploads",
              name.substr(0, 300));
  take_file(name, text_in(name, value));
}

void LoadParameters::take_config(std::string_view text) {
  const JsonDocument document(text, config_depth, "load: config: ");
  const JsonView root = document.root();
  require<DataError>(root.kind() == JsonKind::object, "load: config: expected an object, got {}", root.kind_name());
  root.for_each_member([&](std::string_view name, JsonView value) {
    if (name == "version_policy")
      policy_ = policy_in(value);
    else if (name == "name")
      require<DataError>(value.text() == model_, "load: config: expected the name \"{}\", got another", model_);
    else if (name == "backend")
      require<DataError>(value.text() == "maas" || value.text() == "",
                         "load: config: expected the backend \"maas\", got another");
    else
      require<DataError>(is_told_member(name), "load: config: expected name, backend and version_policy, got \"{}\"",
                         name.substr(0, 300));
  });
}

void LoadParameters::take_file(std::string_view name, std::string_view text) {
  const std::string_view path = name.substr(file_prefix.size());
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::optional<std::int64_t> version = version_of(path.substr(0, slash));
  require<DataError>(version && slash < path.size(), "load: expected file:VERSION/NAME, got \"{}\"",
                     name.substr(0, 300));
  contents_.push_back(bytes_of_base64(text, fmt::format("load: \"{}\"", name.substr(0, 300))));
  files_.push_back({.version = *version, .name = std::string(path.substr(slash + 1)), .content = contents_.back()});
}

}  // namespace maas::inline MAAS_ABI::serve
