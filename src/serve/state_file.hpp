// What calls have changed about models, kept in a file for the next start.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// What calls have changed about one model; nothing where the configuration still decides.
struct ChangedSettings {
  std::optional<std::map<std::string, std::int64_t>> labels{};
  std::optional<std::vector<std::int64_t>> withdrawn{};
  std::optional<bool> is_unloaded{};
  std::optional<std::optional<Canary>> canary{};
  std::optional<std::optional<std::int64_t>> shadow{};
  std::optional<std::optional<VersionPolicy>> policy{};  // no part of the file: until the repository ends
};

/// By model.
using StateByModel = std::map<std::string, ChangedSettings>;

/// Empty where there is no such file. Throws ConfigError for one that is none.
StateByModel read_state(const std::string& path);
/// Throws FormatError where it cannot be written; then the file is as it was.
void write_state(const std::string& path, const StateByModel& state);

/// The members that differ.
ChangedSettings changes_between(const ModelSettings& before, const ModelSettings& after);
/// Adds what a call says to what others have changed before.
void add_changes(const ChangedSettings& said, ChangedSettings& changed);
/// Puts what calls have changed into a model's settings.
void apply_state(const ChangedSettings& changed, ModelSettings& settings);

}  // namespace maas::inline MAAS_ABI::serve
