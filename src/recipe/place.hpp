// Where in a recipe something stands, and the nearest of some names: what messages are made of.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "maas/core/config.hpp"

namespace maas::inline MAAS_ABI::recipe {

/// A place in a recipe: "recipe.json: training.callbacks[1].patience".
struct Place {
  std::string source;  ///< of the whole
  std::string path = {};

  Place key(std::string_view name) const { return {source, (path.empty() ? "" : path + ".") + std::string(name)}; }
  Place item(std::size_t i) const { return {source, path + "[" + std::to_string(i) + "]"}; }
  std::string text() const { return path.empty() ? source : source + ": " + path; }
};

/// The name with the fewest letters to change, if these are few; else nothing. Upper and lower case count as one.
std::string_view nearest(std::string_view name, std::span<const std::string> known);

/// Throws ConfigError for a name that is not known: what was expected, what was found, and the nearest one known.
[[noreturn]] void fail_unknown(const Place& place, std::string_view what, std::string_view name,
                               std::span<const std::string> known);

/// Letters alone, small: how names of parts are compared.
std::string plain_name(std::string_view name);

/// A value for a message, cut short.
std::string shown(const Config& value);

}  // namespace maas::inline MAAS_ABI::recipe
