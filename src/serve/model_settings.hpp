// Settings of a model as JSON: in the configuration, in its maas.json, in the file of state and in answers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"
#include "serve/json.hpp"

namespace maas::inline MAAS_ABI::serve {

/// How many versions a policy may list, and how many may be withdrawn: requests go through all of them.
inline constexpr std::size_t most_versions = 1000;

/// Settings from an object; `what` leads to it, and is empty where it is the whole document. Throws ConfigError naming
/// the member that is wrong.
ModelSettings settings_from(JsonView object, const std::string& what);

/// The same, written: members without the braces around them. What is not set is left out, but for "labels",
/// "withdrawn" and "unloaded".
void append_settings(std::string& out, const ModelSettings& settings);
/// Values of members; null for none.
void append_labels(std::string& out, const std::map<std::string, std::int64_t>& labels);
void append_versions(std::string& out, const std::vector<std::int64_t>& versions);
void append_canary(std::string& out, const std::optional<Canary>& canary);
void append_shadow(std::string& out, const std::optional<std::int64_t>& shadow);

/// Reads a model's maas.json: at most 1 MiB, 32 levels deep. Throws ConfigError naming the file and the member that is
/// wrong, DataError where it cannot be read.
ModelSettings read_model_file(const std::string& path);

/// Takes each member that is not set from others.
void fill_in(ModelSettings& settings, const ModelSettings& others);

/// Throws ConfigError where numbers are out of range, or labels and names are none.
void check_settings(const std::string& model, const ModelSettings& settings);
/// Whether a version may be called so: letters, digits and _, at most 255.
bool is_label(std::string_view label);

}  // namespace maas::inline MAAS_ABI::serve
