// ConfigFile: how to serve, as a file says it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "maas/core/scalar.hpp"
#include "maas/serve/repository.hpp"

namespace maas::inline MAAS_ABI::serve {

/// What a configuration holds:
///
///     {"server": {"port": 8080, "max-queue": 256},
///      "models": {"congestion": {"versions": {"latest": 2}, "labels": {"stable": 3},
///                                "canary": {"version": 4, "share": 0.1}, "shadow": 5}}}
///
/// All that a model may have is told at ModelSettings.
struct ConfigFile {
  std::vector<std::pair<std::string, std::string>> options = {};  ///< of `maas serve`, without their dashes
  std::map<std::string, ModelSettings> models = {};               ///< for RepositoryOptions::models
};

/// Reads such a file. Throws FormatError where it cannot be read, ConfigError naming the member that is wrong.
ConfigFile read_config_file(const std::string& path);

}  // namespace maas::inline MAAS_ABI::serve
