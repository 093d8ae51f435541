// Paths of keys in a recipe, "network.layers[0].units", and what stands there.
#pragma once

#include <string>
#include <string_view>

#include "maas/core/config.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// Throws a ConfigError that begins with `where` for what is no path.
void check_path(std::string_view path, const std::string& where);

/// Whether a path is `whole`, or of a key within it: "data.stream.block_rows" lies within "data.stream".
bool lies_within(std::string_view path, std::string_view whole);

/// The tree with a value at a path. Objects that are not there are made; a part that stands as its name alone,
/// "adam", becomes {"class": "adam"} where the path goes on. Throws a ConfigError that begins with `where` for what is
/// no path, for a place of a list that is not there, and for a key of what has none.
Config with_value(const Config& tree, std::string_view path, Config value, const std::string& where);

}  // namespace maas::inline MAAS_ABI::recipe
