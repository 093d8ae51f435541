// What calls have changed about models, kept in a file for the next start.
#pragma once

#include <map>
#include <string>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"
#include "serve/json.hpp"

namespace maas::inline MAAS_ABI::serve {

/// By model. A policy is no part of it: that is for the configuration.
using StateByModel = std::map<std::string, ModelSettings>;

/// Empty where there is no such file. Throws ConfigError for one that is none.
StateByModel read_state(const std::string& path);
/// Throws FormatError where it cannot be written; then the file is as it was.
void write_state(const std::string& path, const StateByModel& state);
/// Puts what calls have changed into a model's settings.
void apply_state(const ModelSettings& changed, ModelSettings& settings);

/// Settings as an object, policy included: "labels", "withdrawn", "unloaded", "canary", "shadow", "versions".
ModelSettings settings_from(JsonView object, const std::string& what);
/// The same, written: members without the braces around them.
void append_settings(std::string& out, const ModelSettings& settings);

}  // namespace maas::inline MAAS_ABI::serve
